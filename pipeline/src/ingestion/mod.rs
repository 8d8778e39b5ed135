//! Ingestion: files of a folder, or of a sources API, land in bronze, each content exactly once.
//!
//! All sources are read and written first, then committed one after the other: if one fails, no table has changed. A batch is a
//! file's content, known by its hash. An append source keeps one batch per file name: a new name adds a batch, new content under
//! an old name replaces that file's batch. A snapshot source is one file, and a new one replaces the table.

mod error;
mod fetch;
mod files;
mod land;
mod read;
mod rows;
mod sink;
mod stage;

use std::path::PathBuf;

use lakehouse_lake::{Lake, join_all};
use lakehouse_spec::{Domain, Schema, TableName};
use tokio::task::JoinSet;

pub use error::IngestError;
pub use fetch::Sources;
pub use land::SourceReport;

use crate::Progress;

/// What ingestion will do for a source, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePlan {
    /// The bronze table.
    pub table: TableName,
    /// The files that are new, replaced or unchanged, in words.
    pub files: Vec<String>,
    /// Will the table change?
    pub changes: bool,
}

/// Tells what [`ingest`] would do with the files of `folder`. Reads them only to hash them.
pub async fn plan(lake: &Lake, domain: &Domain, folder: PathBuf) -> Result<Vec<SourcePlan>, IngestError> {
    let mut plans = Vec::new();
    for (source, contract) in &domain.sources {
        let job = stage::SourceJob::new(lake, domain, source, contract, &folder, "plan")?;
        let batches = stage::decide(&job).await?;
        plans.push(SourcePlan {
            table: job.table.clone(),
            changes: batches.iter().any(|batch| batch.action.is_some()),
            files: batches.iter().map(ToString::to_string).collect(),
        });
    }
    Ok(plans)
}

/// Lands every new batch of every source of the domain. On an error no table has changed.
pub async fn ingest(
    lake: &Lake,
    domain: &Domain,
    folder: PathBuf,
    run: &str,
    progress: &Progress,
) -> Result<Vec<SourceReport>, IngestError> {
    let mut tasks = JoinSet::new();
    for (source, contract) in &domain.sources {
        let job = stage::SourceJob::new(lake, domain, source, contract, &folder, run)?;
        let progress = progress.clone();
        tasks.spawn(async move { stage::stage(job, &progress).await });
    }
    let mut staged = join_all(tasks).await?;
    staged.sort_by(|a, b| a.job.table.cmp(&b.job.table));
    let mut reports = Vec::new();
    for source in staged {
        reports.push(land::commit(source).await?);
    }
    Ok(reports)
}

fn bronze_table(source: &lakehouse_spec::SourceName) -> Option<TableName> {
    TableName::new(Schema::Bronze, source.as_str()).ok()
}
