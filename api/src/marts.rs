//! Datamarts held in memory by key, at their current version.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, RecordBatch},
    compute::{cast, concat_batches},
    datatypes::DataType,
};
use futures::TryStreamExt as _;
use lakehouse_lake::{Lake, LakeError, TableQuery};
use lakehouse_spec::{DomainName, TableName};

/// How long a version counts as current before the log is looked at again.
const FRESH: Duration = Duration::from_secs(1);
/// A datamart with more rows is not held; it is still there for SQL.
const MAX_ROWS: usize = 5_000_000;

/// A datamart's rows, ordered by key.
pub(crate) struct Mart {
    version: u64,
    rows: RecordBatch,
    places: HashMap<String, usize>,
}

impl Mart {
    /// Rows `offset..offset + limit`.
    pub(crate) fn page(&self, offset: usize, limit: usize) -> RecordBatch {
        let offset = offset.min(self.rows.num_rows());
        self.rows.slice(offset, limit.min(self.rows.num_rows() - offset))
    }

    /// The version it is held at.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The row with this key.
    pub(crate) fn row(&self, key: &str) -> Option<RecordBatch> {
        self.places.get(key).map(|place| self.rows.slice(*place, 1))
    }
}

type Held = HashMap<(DomainName, TableName), (Instant, Arc<Mart>)>;

/// All datamarts that were asked for.
pub(crate) struct Marts {
    lake: Lake,
    held: Mutex<Held>,
}

impl Marts {
    pub(crate) fn new(lake: Lake) -> Self {
        Self { lake, held: Mutex::default() }
    }

    /// The datamart at its current version, at most [`FRESH`] old; `None` when it has not been made.
    pub(crate) async fn get(&self, domain: &DomainName, name: &TableName, key: &str) -> Result<Option<Arc<Mart>>, LakeError> {
        let id = (domain.clone(), name.clone());
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        if let Some((looked, mart)) = &held
            && looked.elapsed() < FRESH
        {
            return Ok(Some(mart.clone()));
        }
        let Some(table) = self.lake.table(domain, name).await? else { return Ok(None) };
        let mart = match held {
            Some((_, mart)) if mart.version == table.version => mart,
            _ => {
                let query = TableQuery { order: vec![(key.to_owned(), false)], limit: MAX_ROWS, ..TableQuery::default() };
                let unknown = |_| LakeError::UnknownTable { table: format!("{domain}.{name} by {key}") };
                let rows = self.lake.read(&table, &query).await?.map_err(unknown)?;
                let batches: Vec<RecordBatch> = rows.try_collect().await?;
                Arc::new(index(table.version, &table.schema, &batches, key)?)
            }
        };
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(id, (Instant::now(), mart.clone()));
        Ok(Some(mart))
    }
}

fn index(version: u64, schema: &arrow::datatypes::SchemaRef, batches: &[RecordBatch], key: &str) -> Result<Mart, LakeError> {
    let arrow_error = |error: arrow::error::ArrowError| LakeError::Execute { source: Box::new(error.into()) };
    let rows = concat_batches(schema, batches).map_err(arrow_error)?;
    let keys: ArrayRef = match rows.column_by_name(key) {
        Some(column) => cast(column, &DataType::Utf8).map_err(arrow_error)?,
        None => return Err(LakeError::UnknownTable { table: key.to_owned() }),
    };
    let keys = keys.as_string::<i32>();
    let places = (0..keys.len()).filter(|row| keys.is_valid(*row)).map(|row| (keys.value(row).to_owned(), row)).collect();
    Ok(Mart { version, rows, places })
}
