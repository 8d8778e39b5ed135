//! Datamarts held in memory by key, at their newest version that was seen.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, RecordBatch},
    compute::{cast, concat_batches},
    datatypes::DataType,
};
use futures::TryStreamExt as _;
use lakehouse_lake::{Lake, LakeError, LakeTable, TableQuery};
use lakehouse_spec::{DomainName, TableName};

use crate::catalog::Catalog;

/// When more are held, those are let go and read again that are not shown whole: there may be one a user.
const MANY: usize = 64;
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

/// Domain, table, and to whom it is shown; nothing where all of it is.
type Id = (DomainName, TableName, String);

struct Held {
    mart: Arc<Mart>,
    is_renewed: bool,
}

/// All datamarts that were asked for.
pub(crate) struct Marts {
    lake: Lake,
    catalog: Arc<Catalog>,
    held: Mutex<HashMap<Id, Held>>,
}

impl Marts {
    pub(crate) fn new(lake: Lake, catalog: Arc<Catalog>) -> Self {
        Self { lake, catalog, held: Mutex::default() }
    }

    /// The datamart as `seen` shows it; `None` when it has not been made, or is not shown. While a new version is read, the one before
    /// is given.
    pub(crate) async fn get(
        self: &Arc<Self>,
        seen: &Lake,
        domain: &DomainName,
        name: &TableName,
        key: &str,
    ) -> Result<Option<Arc<Mart>>, LakeError> {
        let table = self.catalog.table(domain, name).await?;
        let Some(table) = table.and_then(|table| seen.shown(table)) else { return Ok(None) };
        let shown_to = if table.is_whole() { "" } else { seen.access_key() };
        let id = (domain.clone(), name.clone(), shown_to.to_owned());
        if let Some(held) = self.held().get_mut(&id) {
            if held.mart.version != table.version && !std::mem::replace(&mut held.is_renewed, true) {
                tokio::spawn(renew(self.clone(), id, table, key.to_owned()));
            }
            return Ok(Some(held.mart.clone()));
        }
        self.read(id, &table, key).await.map(Some)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Id, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a version and holds it.
    async fn read(&self, id: Id, table: &LakeTable, key: &str) -> Result<Arc<Mart>, LakeError> {
        let query = TableQuery { order: vec![(key.to_owned(), false)], limit: MAX_ROWS, ..TableQuery::default() };
        let unknown = |_| LakeError::UnknownTable { table: format!("{}.{} by {key}", table.domain, table.name) };
        let rows = self.lake.read(table, &query).await?.map_err(unknown)?;
        let batches: Vec<RecordBatch> = rows.try_collect().await?;
        let mart = Arc::new(index(table.version, &table.schema, &batches, key)?);
        let mut held = self.held();
        if held.len() > MANY {
            held.retain(|(.., shown_to), _| shown_to.is_empty());
        }
        held.insert(id, Held { mart: mart.clone(), is_renewed: false });
        Ok(mart)
    }
}

async fn renew(marts: Arc<Marts>, id: Id, table: LakeTable, key: String) {
    if let Err(error) = marts.read(id.clone(), &table, &key).await {
        let error: &(dyn std::error::Error + 'static) = &error;
        tracing::warn!(error, "failed to read the new version of `{}.{}`; the one before is served", table.domain, table.name);
        if let Some(held) = marts.held().get_mut(&id) {
            held.is_renewed = false;
        }
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
