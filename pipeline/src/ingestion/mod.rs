//! Ingestion: files of a folder, or of a sources API, and rows that were pushed land in bronze, each content exactly once.
//!
//! All sources are read and written first, then committed one after the other: if one fails, no table has changed. A batch is a
//! file's content, known by its hash. An append source keeps one batch per file name: a new name adds a batch, new content under
//! an old name replaces that file's batch. A snapshot source is one file, and a new one replaces the table. A source that is in a
//! database has a batch per date instead, known by that date.

mod content;
mod days;
mod decide;
mod error;
mod fetch;
mod files;
mod keys;
mod land;
mod read;
mod rows;
mod sink;
mod stage;

use futures::FutureExt as _;
use lakehouse_lake::join_all;
use lakehouse_spec::{Domain, Schema, SourceName, TableName};
use tokio::task::JoinSet;

pub use error::IngestError;
pub use fetch::Sources;
pub(crate) use fetch::SourcesFolder;
pub use land::SourceReport;
pub(crate) use stage::Places;

use stage::SourceJob;

use crate::{Event, RunError, StepDone, StepKind, attempts::Step, context::RunContext, run::INGESTION};

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
        let job = SourceJob::new(places, domain, source, contract, "plan")?.opened().await?;
        let waiting = if job.is_append() { job.inbox.waiting().await.map_err(job.landing_error())? } else { 0 };
        let batches = decide::decide(&job).await?;
        if batches.is_empty() && waiting == 0 && !contract.optional {
            return Err(job.missing());
        }
        let mut contents: Vec<String> = batches.iter().map(ToString::to_string).collect();
        contents.extend((waiting > 0).then(|| format!("{waiting} pushes: new")));
        let changes = waiting > 0 || batches.iter().any(|batch| batch.action.is_some());
        plans.push(SourcePlan { table: job.table.clone(), contents, changes });
    }
    Ok(plans)
}

impl RunContext {
    /// Lands every new batch of every source. All of them are read and written before the first is committed.
    pub(crate) async fn ingest(&self) -> Result<Vec<SourceReport>, RunError> {
        let step = |source: &SourceName| Step { stage: INGESTION, name: format!("bronze.{source}"), kind: StepKind::Source };
        let waiting: Vec<_> = self.job.domain.sources.iter().filter(|(source, _)| !self.was_done(&step(source))).collect();
        if waiting.is_empty() {
            return Ok(Vec::new());
        }
        let fetch = Step { stage: INGESTION, name: "sources".to_owned(), kind: StepKind::Source };
        let fetching = |_| async { Ok(self.job.sources.folder().await?) }.boxed();
        let (folder, _) = self.attempt(&fetch, fetching).await?;
        let places = self.job.places(&folder);
        let mut tasks = JoinSet::new();
        for (source, contract) in waiting {
            let job = SourceJob::new(&places, &self.job.domain, source, contract, &self.run)?;
            let (context, step) = (self.clone(), step(source));
            tasks.spawn(async move {
                let staging = |stop| {
                    let (job, progress) = (&job, &context.progress);
                    async move { Ok(stage::stage(job, progress, &stop).await?) }.boxed()
                };
                let (staged, attempt) = context.attempt(&step, staging).await?;
                Ok::<_, RunError>((job, step, staged, attempt))
            });
        }
        let mut staged = join_all(tasks).await?;
        staged.sort_by(|(a, ..), (b, ..)| a.table.cmp(&b.table));
        let mut reports = Vec::new();
        for (job, step, source, attempt) in staged {
            let mut first = Some(source);
            let committing = |stop| {
                let (job, source) = (&job, first.take());
                let committing = async move {
                    // A try that failed may have committed some of the batches: what is left is found by looking again.
                    let source = match source {
                        Some(source) => source,
                        None => stage::stage(job, &self.progress, &stop).await?,
                    };
                    Ok(land::commit(job, source).await?)
                };
                committing.boxed()
            };
            let (report, tries) = self.attempt(&step, committing).await?;
            self.tell_source(&step, &report, attempt + tries - 1);
            reports.push(report);
        }
        Ok(reports)
    }

    fn tell_source(&self, step: &Step, report: &SourceReport, attempt: u32) {
        for (reason, rows) in &report.quarantined {
            self.progress.tell(Event::CheckFailed { table: report.table.clone(), check: reason.clone(), rows: *rows });
        }
        let outcome = match report.landed.as_slice() {
            [] => "unchanged".to_owned(),
            files => format!("{} rows from {}, {} quarantined", report.rows, files.join(", "), report.rows_quarantined()),
        };
        self.progress.tell(Event::StepDone(StepDone {
            stage: step.stage,
            step: step.name.clone(),
            kind: step.kind,
            outcome,
            is_new: !report.landed.is_empty(),
            attempt,
            rows: report.rows,
            bytes: report.bytes,
            version: Some(report.version),
            seconds: report.seconds,
        }));
    }
}

fn bronze_table(source: &SourceName) -> Option<TableName> {
    TableName::new(Schema::Bronze, source.as_str()).ok()
}
