//! Ingestion: files of a folder, or of a sources API, and rows that were pushed land in bronze, each content exactly once.
//!
//! All sources are read and written first, then committed one after the other: if one fails, no table has changed. A batch is a
//! file's content, known by its hash. An append source keeps one batch per file name: a new name adds a batch, new content under
//! an old name replaces that file's batch. A snapshot source is one file, and a new one replaces the table.

mod content;
mod decide;
mod error;
mod fetch;
mod files;
mod land;
mod read;
mod rows;
mod sink;
mod stage;

use lakehouse_lake::join_all;
use lakehouse_spec::{Domain, Schema, TableName};
use tokio::task::JoinSet;

pub use error::IngestError;
pub use fetch::Sources;
pub(crate) use fetch::SourcesFolder;
pub use land::SourceReport;
pub(crate) use stage::Places;

use crate::Progress;

/// What ingestion will do for a source, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePlan {
    /// The bronze table.
    pub table: TableName,
    /// What is new, replaced or unchanged, in words.
    pub contents: Vec<String>,
    /// Will the table change?
    pub changes: bool,
}

/// Tells what [`ingest`] would do. Reads files only to hash them.
pub async fn plan(places: &Places, domain: &Domain) -> Result<Vec<SourcePlan>, IngestError> {
    let mut plans = Vec::new();
    for (source, contract) in &domain.sources {
        let job = stage::SourceJob::new(places, domain, source, contract, "plan")?;
        let waiting = if job.is_append() { job.inbox.waiting().await.map_err(job.landing_error())? } else { 0 };
        let batches = decide::decide(&job).await?;
        if batches.is_empty() && waiting == 0 {
            return Err(job.missing());
        }
        let mut contents: Vec<String> = batches.iter().map(ToString::to_string).collect();
        contents.extend((waiting > 0).then(|| format!("{waiting} pushes: new")));
        let changes = waiting > 0 || batches.iter().any(|batch| batch.action.is_some());
        plans.push(SourcePlan { table: job.table.clone(), contents, changes });
    }
    Ok(plans)
}

/// Lands every new batch of every source of the domain. On an error no table has changed.
pub async fn ingest(places: &Places, domain: &Domain, run: &str, progress: &Progress) -> Result<Vec<SourceReport>, IngestError> {
    let mut tasks = JoinSet::new();
    for (source, contract) in &domain.sources {
        let job = stage::SourceJob::new(places, domain, source, contract, run)?;
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
