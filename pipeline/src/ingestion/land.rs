//! Making staged batches visible.

use std::collections::BTreeMap;

use lakehouse_lake::{Change, ChangeMode, CommitNote};
use lakehouse_spec::{SourceName, TableName};
use serde::Serialize;

use super::{
    IngestError,
    decide::{Action, EPOCH, void_entries},
    rows::BATCH_NUMBER,
    stage::{SourceJob, StagedBatch, StagedSource},
};

/// What ingestion did for a source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceReport {
    /// The source.
    pub source: SourceName,
    /// Its bronze table.
    pub table: TableName,
    /// Files that landed.
    pub landed: Vec<String>,
    /// Files whose content had landed before.
    pub unchanged_files: usize,
    /// Rows read from the files that landed.
    pub rows_read: u64,
    /// Rows that went to bronze.
    pub rows: u64,
    /// Rows that went to quarantine, by reason.
    pub quarantined: BTreeMap<String, u64>,
    /// Columns of the files that the contract does not know.
    pub ignored_columns: Vec<String>,
    /// Bytes written to bronze.
    pub bytes: u64,
    /// Version of the bronze table now.
    pub version: u64,
    /// Wall time of reading and writing, seconds.
    pub seconds: f64,
}

impl SourceReport {
    /// Rows that went to quarantine.
    pub fn rows_quarantined(&self) -> u64 {
        self.quarantined.values().sum()
    }
}

/// Commits the source's batches in order, the refused rows of each before its good ones: killed in between, the next run finds the
/// refused rows committed and adds only what is missing.
pub(crate) async fn commit(job: &SourceJob, source: StagedSource) -> Result<SourceReport, IngestError> {
    let StagedSource { batches, unchanged, started } = source;
    let present = job.lake.table(&job.domain, &job.table).await.map_err(job.store_error())?;
    let mut inputs = present.as_ref().and_then(|table| table.note.clone()).map(|note| note.inputs).unwrap_or_default();
    let present_version = present.map(|table| table.version);
    let mut report = SourceReport {
        source: job.source.clone(),
        table: job.table.clone(),
        landed: Vec::new(),
        unchanged_files: unchanged,
        rows_read: 0,
        rows: 0,
        quarantined: BTreeMap::new(),
        ignored_columns: Vec::new(),
        bytes: 0,
        version: present_version.unwrap_or(0),
        seconds: 0.0,
    };
    if present_version.is_none() && batches.is_empty() {
        report.version = commit_nothing(job).await?;
    }
    for staged in batches {
        commit_batch(job, staged, &mut inputs, &mut report).await?;
    }
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// Makes the empty table of a source that may have nothing.
async fn commit_nothing(job: &SourceJob) -> Result<u64, IngestError> {
    let failed = job.store_error();
    let writer = job.lake.writer(&job.domain, &job.table, &job.layout()).map_err(&failed)?;
    let files = writer.finish().await.map_err(&failed)?;
    let counts = BTreeMap::from([("rows".to_owned(), 0), (EPOCH.to_owned(), 0)]);
    let note = CommitNote { run: job.run.clone(), definition: job.definition.clone(), inputs: BTreeMap::new(), counts };
    let change = Change { files, mode: ChangeMode::Overwrite, layout: job.layout(), batch: None, note };
    Ok(job.lake.commit(&job.domain, &job.table, &change).await.map_err(failed)?.version())
}

async fn commit_batch(
    job: &SourceJob,
    staged: StagedBatch,
    inputs: &mut BTreeMap<String, String>,
    report: &mut SourceReport,
) -> Result<(), IngestError> {
    let StagedBatch { batch, action, files, quarantine, refused, ignored_columns } = staged;
    let mode = match action {
        Action::Add => ChangeMode::Append,
        Action::Supersede(number) => ChangeMode::ReplacePartition { column: BATCH_NUMBER.to_owned(), value: number.to_string() },
        Action::Replace => {
            void_entries(job, inputs);
            ChangeMode::Overwrite
        }
    };
    inputs.insert(batch.content.name.clone(), format!("{}:{}", batch.number, batch.hash));
    let note = CommitNote {
        run: job.run.clone(),
        definition: job.definition.clone(),
        inputs: inputs.clone(),
        counts: BTreeMap::from([
            ("rows".to_owned(), files.rows),
            ("quarantined".to_owned(), refused),
            (EPOCH.to_owned(), batch.epoch),
        ]),
    };
    for (reason, rows) in quarantine.counts() {
        *report.quarantined.entry(reason.clone()).or_default() += rows;
    }
    report.rows_read += files.rows + refused;
    report.rows += files.rows;
    report.bytes += files.bytes;
    report.landed.push(batch.content.name.clone());
    report.ignored_columns.extend(ignored_columns);
    quarantine.commit(note.clone()).await.map_err(job.store_error())?;
    // Overwriting twice is the same as once; only added rows need to be known by their batch.
    let batch_id = (action != Action::Replace).then(|| batch.id());
    let change = Change { files, mode, layout: job.layout(), batch: batch_id, note };
    let committed = job.lake.commit(&job.domain, &job.table, &change).await.map_err(job.store_error())?;
    report.version = committed.version();
    Ok(())
}
