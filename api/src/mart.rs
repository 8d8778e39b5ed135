//! A version of a datamart, ready to be asked for by key.
//!
//! Its rows are kept as the text that they are answered with, in the order of the key. So a row is a slice of that text, and a page one
//! slice as well, however wide the rows are. A datamart whose text would be too long is read from its table.

use std::collections::HashMap;

use arrow::{
    array::{AsArray as _, RecordBatch},
    compute::cast,
    datatypes::DataType,
    error::ArrowError,
    json::{WriterBuilder, writer::LineDelimited},
};
use axum::http::HeaderValue;
use bytes::Bytes;
use futures::TryStreamExt as _;
use lakehouse_lake::{Comparison, Filter, Lake, LakeError, LakeTable, QueryStream, TableQuery};

use crate::tags;

/// A version of a datamart as it is shown to somebody.
pub(crate) struct Mart {
    table: LakeTable,
    key: String,
    tag: Option<HeaderValue>,
    /// None: they are read from the table.
    rows: Option<Rows>,
}

impl Mart {
    /// Reads `table`, whose rows are known by the column `key`, as it is shown to `shown_to`. The text of its rows may have `most_bytes`.
    pub(crate) async fn read(
        lake: &Lake,
        table: LakeTable,
        key: &str,
        shown_to: &str,
        most_bytes: usize,
    ) -> Result<Self, LakeError> {
        let mut mart =
            Self { tag: tags::tag(&format!("{} {shown_to}", table.edition())), table, key: key.to_owned(), rows: None };
        let mut batches = lake.read(&mart.table, &mart.query(0, usize::MAX)).await?.map_err(|_| mart.has_no_key())?;
        let mut rows = Writing::default();
        while let Some(batch) = batches.try_next().await? {
            let key = mart.key.clone();
            // Writing a batch takes milliseconds, in which nobody else would be served.
            let mut more = std::mem::take(&mut rows);
            let added = tokio::task::spawn_blocking(move || more.add(&batch, &key).map(|()| more)).await;
            rows = added.map_err(|error| failed(ArrowError::from_external_error(Box::new(error))))?.map_err(failed)?;
            if rows.text.len() > most_bytes {
                return Ok(mart);
            }
        }
        mart.rows = Some(rows.into());
        Ok(mart)
    }

    /// Is it this version of this table?
    pub(crate) fn is_of(&self, table: &LakeTable) -> bool {
        self.table.version == table.version && self.table.id == table.id
    }

    /// Names the version and to whom it is shown: of one row, that says which answer it is.
    pub(crate) fn tag(&self) -> Option<&HeaderValue> {
        self.tag.as_ref()
    }

    /// The row with this key, as a JSON object.
    pub(crate) async fn row(&self, lake: &Lake, key: &str) -> Result<Option<Bytes>, LakeError> {
        if let Some(rows) = &self.rows {
            return Ok(rows.row(key));
        }
        let filter = Filter { column: self.key.clone(), comparison: Comparison::Equal, value: key.to_owned() };
        match lake.read(&self.table, &TableQuery { filters: vec![filter], ..self.query(0, 1) }).await? {
            Ok(batches) => Ok(self.written(batches).await?.row(key)),
            // What is no value of the column is no row's key.
            Err(_) => Ok(None),
        }
    }

    /// Rows `offset..offset + limit`, as a JSON array.
    pub(crate) async fn page(&self, lake: &Lake, offset: usize, limit: usize) -> Result<Bytes, LakeError> {
        let text = match &self.rows {
            Some(rows) => rows.slice(offset, limit),
            None => {
                let batches = lake.read(&self.table, &self.query(offset, limit)).await?.map_err(|_| self.has_no_key())?;
                self.written(batches).await?.slice(0, limit)
            }
        };
        Ok([b"[", text.as_ref(), b"]"].concat().into())
    }

    fn query(&self, offset: usize, limit: usize) -> TableQuery {
        TableQuery { order: vec![(self.key.clone(), false)], offset, limit, ..TableQuery::default() }
    }

    async fn written(&self, mut batches: QueryStream) -> Result<Rows, LakeError> {
        let mut writing = Writing::default();
        while let Some(batch) = batches.try_next().await? {
            writing.add(&batch, &self.key).map_err(failed)?;
        }
        Ok(writing.into())
    }

    fn has_no_key(&self) -> LakeError {
        LakeError::UnknownTable { table: format!("{}.{} by {}", self.table.domain, self.table.name, self.key) }
    }
}

fn failed(error: ArrowError) -> LakeError {
    LakeError::Execute { source: Box::new(error.into()) }
}

/// Rows as text: JSON objects, each with a comma behind it.
struct Rows {
    text: Bytes,
    /// Where each row ends, behind its comma.
    ends: Vec<usize>,
    places: HashMap<Box<str>, usize>,
}

impl Rows {
    fn row(&self, key: &str) -> Option<Bytes> {
        self.places.get(key).map(|place| self.slice(*place, 1))
    }

    /// So many rows from `place` on, without the last one's comma.
    fn slice(&self, place: usize, count: usize) -> Bytes {
        let end = place.saturating_add(count).min(self.ends.len());
        if place >= end {
            return Bytes::new();
        }
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        self.text.slice(start..self.ends[end - 1] - 1)
    }
}

/// Rows that become text, batch by batch.
#[derive(Default)]
struct Writing {
    text: Vec<u8>,
    ends: Vec<usize>,
    places: HashMap<Box<str>, usize>,
}

impl Writing {
    fn add(&mut self, batch: &RecordBatch, key: &str) -> Result<(), ArrowError> {
        let column = batch.column_by_name(key).ok_or_else(|| ArrowError::SchemaError(format!("there is no column `{key}`")))?;
        let keys = cast(column, &DataType::Utf8)?;
        for (row, key) in keys.as_string::<i32>().iter().enumerate() {
            self.places.extend(key.map(|key| (Box::from(key), self.ends.len() + row)));
        }
        let start = self.text.len();
        let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(&mut self.text);
        writer.write(batch)?;
        writer.finish()?;
        // A line break within a value is escaped, so each one here is behind a row.
        for (at, byte) in self.text.iter_mut().enumerate().skip(start).filter(|(_, byte)| **byte == b'\n') {
            *byte = b',';
            self.ends.push(at + 1);
        }
        Ok(())
    }
}

impl From<Writing> for Rows {
    fn from(writing: Writing) -> Self {
        let Writing { mut text, ends, places } = writing;
        text.shrink_to_fit();
        Self { text: text.into(), ends, places }
    }
}
