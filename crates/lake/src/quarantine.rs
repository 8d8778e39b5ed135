//! Rows that were refused, kept with the reason. Every refused row of a lake has this shape.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{ArrayRef, Int64Builder, RecordBatch, StringBuilder},
    datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef},
    error::ArrowError,
};
use lakehouse_spec::{DomainName, TableName};

use crate::{Change, ChangeMode, CommitNote, Committed, Lake, LakeError, TableWriter, WriteLayout};

/// Refused rows are written in batches of this many.
const BATCH_ROWS: usize = 4_096;

/// One refused row.
#[derive(Debug, Clone, Copy)]
pub struct RefusedRow<'a> {
    /// The file or table it came from.
    pub origin: &'a str,
    /// Its line in the file, counted from 1; absent for a row of a table.
    pub line: Option<u64>,
    /// The rule it breaks. Holds no value of the row.
    pub reason: &'a str,
    /// The row as text; absent where it may hold protected values.
    pub row: Option<&'a str>,
}

/// Collects the refused rows of one batch for a quarantine table. Writes nothing when there are none.
pub struct Quarantine {
    lake: Lake,
    domain: DomainName,
    table: TableName,
    batch: String,
    writer: Option<TableWriter>,
    batch_ids: StringBuilder,
    origins: StringBuilder,
    lines: Int64Builder,
    reasons: StringBuilder,
    rows: StringBuilder,
    pending: usize,
    counts: BTreeMap<String, u64>,
}

impl Quarantine {
    /// An empty collection; `batch` names what the rows were part of.
    pub fn new(lake: &Lake, domain: &DomainName, table: TableName, batch: &str) -> Self {
        Self {
            lake: lake.clone(),
            domain: domain.clone(),
            table,
            batch: batch.to_owned(),
            writer: None,
            batch_ids: StringBuilder::new(),
            origins: StringBuilder::new(),
            lines: Int64Builder::new(),
            reasons: StringBuilder::new(),
            rows: StringBuilder::new(),
            pending: 0,
            counts: BTreeMap::new(),
        }
    }

    /// The columns of every quarantine table.
    pub fn schema() -> SchemaRef {
        let text = |name: &str, is_nullable| Field::new(name, DataType::Utf8, is_nullable);
        Arc::new(ArrowSchema::new(vec![
            text("batch_id", false),
            text("origin", false),
            Field::new("line", DataType::Int64, true),
            text("reason", false),
            text("row", true),
        ]))
    }

    /// Rows refused so far, by reason.
    pub fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    /// Adds a row.
    pub async fn add(&mut self, refused: RefusedRow<'_>) -> Result<(), LakeError> {
        match self.counts.get_mut(refused.reason) {
            Some(count) => *count += 1,
            None => {
                self.counts.insert(refused.reason.to_owned(), 1);
            }
        }
        self.batch_ids.append_value(&self.batch);
        self.origins.append_value(refused.origin);
        self.lines.append_option(refused.line.and_then(|line| i64::try_from(line).ok()));
        self.reasons.append_value(refused.reason);
        self.rows.append_option(refused.row);
        self.pending += 1;
        if self.pending >= BATCH_ROWS { self.flush().await } else { Ok(()) }
    }

    /// Makes the rows visible, once per batch; `None` when there were none.
    pub async fn commit(mut self, note: CommitNote) -> Result<Option<Committed>, LakeError> {
        if self.pending > 0 {
            self.flush().await?;
        }
        let Some(writer) = self.writer.take() else { return Ok(None) };
        let change = Change {
            files: writer.finish().await?,
            mode: ChangeMode::Append,
            layout: layout(),
            batch: Some(self.batch.clone()),
            note,
        };
        self.lake.commit(&self.domain, &self.table, &change).await.map(Some)
    }

    async fn flush(&mut self) -> Result<(), LakeError> {
        self.pending = 0;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.batch_ids.finish()),
            Arc::new(self.origins.finish()),
            Arc::new(self.lines.finish()),
            Arc::new(self.reasons.finish()),
            Arc::new(self.rows.finish()),
        ];
        let batch = RecordBatch::try_new(Self::schema(), columns).map_err(arrow_error)?;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => self.writer.insert(self.lake.writer(&self.domain, &self.table, &layout())?),
        };
        writer.write(&batch).await
    }
}

fn layout() -> WriteLayout {
    WriteLayout { schema: Quarantine::schema(), partition_columns: Vec::new() }
}

fn arrow_error(source: ArrowError) -> LakeError {
    LakeError::Execute { source: Box::new(source.into()) }
}
