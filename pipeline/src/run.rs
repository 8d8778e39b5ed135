//! A run: the five stages in order, each told as it goes.

use std::{
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use lakehouse_engine::{Node, StepReport, TableJob, order, run_select, run_signals};
use lakehouse_lake::{Lake, join_all};
use lakehouse_registry::Registry;
use lakehouse_spec::{Domain, StageModel, TableName};
use serde::Serialize;
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    Event, Progress, RunError, SourceReport, Sources, ingestion,
    training::{self, ModelReport},
};

/// What a run works on.
#[derive(Debug, Clone)]
pub struct RunJob {
    /// The domain.
    pub domain: Domain,
    /// Where its tables are.
    pub lake: Lake,
    /// Where its models go.
    pub registry: Registry,
    /// Where its sources are.
    pub sources: Sources,
    /// Stop after the datamarts.
    pub skip_training: bool,
}

/// What a run did.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// The run's name: its start in UTC, to the millisecond.
    pub run: String,
    /// The domain.
    pub domain: String,
    /// Sources, in order of name.
    pub sources: Vec<SourceReport>,
    /// Tables of the later stages, in the order they were made.
    pub tables: Vec<StepReport>,
    /// Models, in order of name.
    pub models: Vec<ModelReport>,
    /// Wall time per stage, seconds.
    pub stages: Vec<(&'static str, f64)>,
    /// Wall time of the whole, seconds.
    pub seconds: f64,
}

/// Runs all stages. A run that was killed is made good by the next one: what was committed is found unchanged.
pub async fn run(job: &RunJob, progress: &Progress) -> Result<RunReport, RunError> {
    let started = Instant::now();
    let mut report = RunReport {
        run: run_name(),
        domain: job.domain.name.to_string(),
        sources: Vec::new(),
        tables: Vec::new(),
        models: Vec::new(),
        stages: Vec::new(),
        seconds: 0.0,
    };
    let clock = start(progress, "ingestion");
    let folder = job.sources.folder().await?;
    report.sources = ingestion::ingest(&job.lake, &job.domain, folder.path().to_owned(), &report.run, progress).await?;
    report.stages.push(clock.stop());

    let clock = start(progress, "preprocessing");
    let made = run_selects(job, &job.domain.preprocessing, &report.run, progress).await?;
    report.tables.extend(made);
    report.stages.push(clock.stop());

    let clock = start(progress, "signals");
    let made = run_all_signals(job, &report.run, progress).await?;
    report.tables.extend(made);
    report.stages.push(clock.stop());

    let clock = start(progress, "datamarts");
    let made = run_selects(job, &job.domain.datamarts, &report.run, progress).await?;
    report.tables.extend(made);
    report.stages.push(clock.stop());

    if !job.skip_training {
        let clock = start(progress, "training");
        report.models = training::train_all(job, &report.run, progress).await?;
        report.stages.push(clock.stop());
    }
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// Tables of a stage that are made at the same time. One query keeps every core busy; the second fills the pauses in which the
/// first plans and commits, and more of them would only cut each one's share of the memory.
const TABLES_AT_ONCE: usize = 2;

/// Makes the tables of a stage, level by level; the tables of a level at the same time.
async fn run_selects(
    job: &RunJob,
    models: &std::collections::BTreeMap<TableName, (StageModel, String)>,
    run: &str,
    progress: &Progress,
) -> Result<Vec<StepReport>, RunError> {
    let mut reports = Vec::new();
    let turns = Arc::new(Semaphore::new(TABLES_AT_ONCE));
    for level in order(nodes(job, models)?)? {
        let mut tasks = JoinSet::new();
        for node in level {
            let (job, run, progress, turns) = (job.clone(), run.to_owned(), progress.clone(), turns.clone());
            let (model, sql) = models[&node.table].clone();
            tasks.spawn(async move {
                // The semaphore is never closed; without a turn the table is made all the same.
                let _turn = turns.acquire_owned().await;
                let on_rows = progress.on_rows(&node.table);
                let (domain, table) = (&job.domain.name, &node.table);
                let table = TableJob { lake: &job.lake, domain, table, sql: &sql, run: &run, on_rows: &on_rows };
                let report = run_select(table, &model).await?;
                tell_step(&progress, &report);
                Ok::<_, RunError>(report)
            });
        }
        let mut made = join_all(tasks).await?;
        made.sort_by(|a, b| a.table.cmp(&b.table));
        reports.extend(made);
    }
    Ok(reports)
}

fn nodes(job: &RunJob, models: &std::collections::BTreeMap<TableName, (StageModel, String)>) -> Result<Vec<Node>, RunError> {
    let session = job.lake.session(&job.domain.name);
    let node = |(table, (_, sql)): (&TableName, &(StageModel, String))| {
        let inputs = session.references(sql)?.into_iter().map(|(_, input)| input).collect();
        Ok(Node { table: table.clone(), inputs })
    };
    models.iter().map(node).collect()
}

async fn run_all_signals(job: &RunJob, run: &str, progress: &Progress) -> Result<Vec<StepReport>, RunError> {
    let mut reports = Vec::new();
    for (table, (spec, sql)) in &job.domain.signals {
        let on_rows = progress.on_rows(table);
        let signals = TableJob { lake: &job.lake, domain: &job.domain.name, table, sql, run, on_rows: &on_rows };
        let outcome = run_signals(signals, spec).await?;
        if let Some(state) = outcome.state {
            training::publish_state(job, table, state).await?;
        }
        tell_step(progress, &outcome.report);
        reports.push(outcome.report);
    }
    Ok(reports)
}

fn tell_step(progress: &Progress, report: &StepReport) {
    progress.tell(Event::StepDone {
        name: report.table.to_string(),
        outcome: format!("{} rows ({})", report.rows, report.decision),
        seconds: report.seconds,
    });
}

struct StageClock<'a> {
    progress: &'a Progress,
    stage: &'static str,
    started: Instant,
}

fn start<'a>(progress: &'a Progress, stage: &'static str) -> StageClock<'a> {
    progress.tell(Event::StageStarted { stage });
    StageClock { progress, stage, started: Instant::now() }
}

impl StageClock<'_> {
    fn stop(self) -> (&'static str, f64) {
        let seconds = self.started.elapsed().as_secs_f64();
        self.progress.tell(Event::StageDone { stage: self.stage, seconds });
        (self.stage, seconds)
    }
}

/// The present instant as a name that sorts: `20261121T120000123Z`.
fn run_name() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = jiff::Timestamp::from_millisecond(i64::try_from(now.as_millis()).unwrap_or_default()).unwrap_or_default();
    now.strftime("%Y%m%dT%H%M%S%3fZ").to_string()
}
