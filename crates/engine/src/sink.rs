//! From streams of batches to one commit.

use std::{collections::BTreeMap, time::Instant};

use arrow::datatypes::SchemaRef;
use futures::StreamExt as _;
use lakehouse_lake::{Change, ChangeMode, CommitNote, DataFiles, LakeError, TableWriter, WriteLayout, join_all};
use lakehouse_spec::TableName;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{Decision, OnRows, TableJob, checks::RowStream};

/// What a step did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepReport {
    /// The table.
    pub table: TableName,
    /// What was decided and why, in words.
    pub decision: String,
    /// Did the table get a new version?
    pub is_new: bool,
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
    /// A report without rows yet.
    pub(crate) fn new(table: &TableName, decision: &Decision, version: u64, started: Instant) -> Self {
        Self {
            table: table.clone(),
            decision: decision.to_string(),
            is_new: *decision != Decision::Skip,
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
    job: TableJob<'_>,
    schema: &SchemaRef,
    streams: Vec<RowStream>,
) -> Result<DataFiles, LakeError> {
    let layout = WriteLayout { schema: schema.clone(), partition_columns: Vec::new() };
    let new_writer = |stream| Ok((stream, job.lake.writer(job.domain, job.table, &layout)?));
    let writers: Vec<(RowStream, TableWriter)> = streams.into_iter().map(new_writer).collect::<Result<_, LakeError>>()?;
    let mut tasks = JoinSet::new();
    for (stream, writer) in writers {
        let (schema, on_rows, stop) = (schema.clone(), job.on_rows.clone(), job.stop.clone());
        tasks.spawn(async move { write_stream(writer, &schema, &on_rows, &stop, stream).await });
    }
    let mut files = DataFiles::default();
    for written in join_all(tasks).await? {
        files.merge(written);
    }
    Ok(files)
}

async fn write_stream(
    mut writer: TableWriter,
    schema: &SchemaRef,
    on_rows: &OnRows,
    stop: &CancellationToken,
    mut stream: RowStream,
) -> Result<DataFiles, LakeError> {
    while let Some(batch) = next_unless(stop, stream.next()).await {
        let written = match batch {
            // The plan may know that a column has no nulls; the table allows them, so that its columns never depend on a plan.
            Ok(batch) => match batch.with_schema(schema.clone()) {
                Ok(batch) => {
                    on_rows.tell(batch.num_rows());
                    writer.write(&batch).await
                }
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

/// What comes next, or that it was told to stop. A writer is never dropped in the middle: it is given up between two batches.
async fn next_unless<T>(
    stop: &CancellationToken,
    next: impl Future<Output = Option<Result<T, LakeError>>>,
) -> Option<Result<T, LakeError>> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Some(Err(LakeError::Stopped)),
        next = next => next,
    }
}

/// Commits what [`write_streams`] wrote, and reports it.
pub(crate) async fn commit(
    job: TableJob<'_>,
    schema: SchemaRef,
    files: DataFiles,
    decision: &Decision,
    note: CommitNote,
    started: Instant,
) -> Result<StepReport, LakeError> {
    let mode = if matches!(decision, Decision::Append { .. }) { ChangeMode::Append } else { ChangeMode::Overwrite };
    let layout = WriteLayout { schema, partition_columns: Vec::new() };
    let (rows, bytes) = (files.rows, files.bytes);
    let committed = job.lake.commit(job.domain, job.table, &Change { files, mode, layout, batch: None, note }).await?;
    Ok(StepReport { rows, bytes, ..StepReport::new(job.table, decision, committed.version(), started) })
}
