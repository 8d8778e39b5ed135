//! From streams of batches to one commit.

use std::{collections::BTreeMap, time::Instant};

use arrow::datatypes::SchemaRef;
use futures::StreamExt as _;
use lakehouse_lake::{Change, ChangeMode, CommitNote, Committed, DataFiles, Lake, LakeError, WriteLayout, join_all};
use lakehouse_spec::{DomainName, TableName};
use serde::Serialize;
use tokio::task::JoinSet;

use crate::checks::RowStream;

/// What a step did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepReport {
    /// The table.
    pub table: TableName,
    /// What was decided and why, in words.
    pub decision: String,
    /// Rows written; 0 when there was nothing to do.
    pub rows: u64,
    /// Bytes written.
    pub bytes: u64,
    /// The table's version now.
    pub version: u64,
    /// Wall time, seconds.
    pub seconds: f64,
    /// Rows that broke a check, by check.
    pub broken: BTreeMap<String, u64>,
}

impl StepReport {
    /// A step that had nothing to do.
    pub(crate) fn unchanged(table: &TableName, version: u64, started: Instant) -> Self {
        Self {
            table: table.clone(),
            decision: crate::Decision::Skip.to_string(),
            rows: 0,
            bytes: 0,
            version,
            seconds: started.elapsed().as_secs_f64(),
            broken: BTreeMap::new(),
        }
    }
}

/// Writes each stream into files of its own, all at the same time. Nothing is visible yet.
pub(crate) async fn write_streams(
    lake: &Lake,
    domain: &DomainName,
    table: &TableName,
    schema: &SchemaRef,
    streams: Vec<RowStream>,
) -> Result<DataFiles, LakeError> {
    let layout = WriteLayout { schema: schema.clone(), partition_columns: Vec::new() };
    let mut tasks = JoinSet::new();
    for stream in streams {
        let (lake, domain, table, layout) = (lake.clone(), domain.clone(), table.clone(), layout.clone());
        tasks.spawn(async move { write_stream(&lake, &domain, &table, &layout, stream).await });
    }
    let mut files = DataFiles::default();
    for written in join_all(tasks).await? {
        files.merge(written);
    }
    Ok(files)
}

async fn write_stream(
    lake: &Lake,
    domain: &DomainName,
    table: &TableName,
    layout: &WriteLayout,
    mut stream: RowStream,
) -> Result<DataFiles, LakeError> {
    let mut writer = lake.writer(domain, table, layout)?;
    while let Some(batch) = stream.next().await {
        let written = match batch {
            // The plan may know that a column has no nulls; the table allows them, so that its columns never depend on a plan.
            Ok(batch) => match batch.with_schema(layout.schema.clone()) {
                Ok(batch) => writer.write(&batch).await,
                Err(error) => Err(LakeError::Execute { source: Box::new(error.into()) }),
            },
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            writer.abandon().await;
            return Err(error);
        }
    }
    writer.finish().await
}

/// Commits what [`write_streams`] wrote.
pub(crate) async fn commit(
    lake: &Lake,
    domain: &DomainName,
    table: &TableName,
    schema: SchemaRef,
    files: DataFiles,
    mode: ChangeMode,
    note: CommitNote,
) -> Result<Committed, LakeError> {
    let layout = WriteLayout { schema, partition_columns: Vec::new() };
    lake.commit(domain, table, &Change { files, mode, layout, batch: None, note }).await
}
