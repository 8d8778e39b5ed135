//! A run: the five stages in order, each told as it goes.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use lakehouse_engine::{Node, StepReport, TableJob, order, run_select, run_signals};
use lakehouse_lake::{Lake, join_all, probe_put_if_absent};
use lakehouse_landing::Landing;
use lakehouse_registry::Registry;
use lakehouse_spec::{Domain, StageModel, TableName};
use serde::Serialize;
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    Event, Progress, RunError, SourceReport, Sources, StepDone, StepKind,
    ingestion::{self, Places, SourcesFolder},
    supervise::Guard,
    training::{self, ModelReport},
};

const INGESTION: &str = "ingestion";
const PREPROCESSING: &str = "preprocessing";
const SIGNALS: &str = "signals";
const DATAMARTS: &str = "datamarts";
const TRAINING: &str = "training";

/// Writers that race for one object before a run writes anything: a store that lets two win would lose commits.
const PROBE_WRITERS: usize = 8;

/// What a run works on.
#[derive(Debug, Clone)]
pub struct RunJob {
    /// The domain.
    pub domain: Domain,
    /// Where its tables are.
    pub lake: Lake,
    /// Where its models go.
    pub registry: Registry,
    /// Where its files are.
    pub sources: Sources,
    /// Where rows wait that were pushed.
    pub landing: Landing,
    /// Stop after the datamarts.
    pub skip_training: bool,
}

impl RunJob {
    pub(crate) fn places(&self, folder: &SourcesFolder) -> Places {
        Places { lake: self.lake.clone(), landing: self.landing.clone(), folder: folder.path().to_owned() }
    }
}

/// What a run did.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// The run's name: the domain and its start in UTC, to the millisecond.
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
pub(crate) async fn run(job: &RunJob, run: &str, guard: &Guard, progress: &Progress) -> Result<RunReport, RunError> {
    let started = Instant::now();
    let mut report = RunReport {
        run: run.to_owned(),
        domain: job.domain.name.to_string(),
        sources: Vec::new(),
        tables: Vec::new(),
        models: Vec::new(),
        stages: Vec::new(),
        seconds: 0.0,
    };
    let clock = start(progress, INGESTION);
    probe_put_if_absent(&job.lake, PROBE_WRITERS, 1).await?;
    let folder = job.sources.folder().await?;
    report.sources = ingestion::ingest(&job.places(&folder), &job.domain, run, progress).await?;
    report.sources.iter().for_each(|source| tell_source(progress, source));
    report.stages.push(clock.stop());

    let clock = start(progress, PREPROCESSING);
    let made = run_selects(job, PREPROCESSING, &job.domain.preprocessing, run, guard, progress).await?;
    report.tables.extend(made);
    report.stages.push(clock.stop());

    let clock = start(progress, SIGNALS);
    let made = run_all_signals(job, run, guard, progress).await?;
    report.tables.extend(made);
    report.stages.push(clock.stop());

    let clock = start(progress, DATAMARTS);
    let made = run_selects(job, DATAMARTS, &job.domain.datamarts, run, guard, progress).await?;
    report.tables.extend(made);
    report.stages.push(clock.stop());

    if !job.skip_training {
        let clock = start(progress, TRAINING);
        report.models = training::train_all(job, run, guard, progress).await?;
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
    stage: &'static str,
    models: &BTreeMap<TableName, (StageModel, String)>,
    run: &str,
    guard: &Guard,
    progress: &Progress,
) -> Result<Vec<StepReport>, RunError> {
    let mut reports = Vec::new();
    let turns = Arc::new(Semaphore::new(TABLES_AT_ONCE));
    for level in order(nodes(job, models)?)? {
        let mut tasks = JoinSet::new();
        for node in level {
            let (job, run, progress) = (job.clone(), run.to_owned(), progress.clone());
            let (guard, turns) = (guard.clone(), turns.clone());
            let (model, sql) = models[&node.table].clone();
            tasks.spawn(async move {
                // The semaphore is never closed; without a turn the table is made all the same.
                let _turn = turns.acquire_owned().await;
                guard.check()?;
                let on_rows = progress.on_rows(&node.table);
                let (domain, table) = (&job.domain.name, &node.table);
                let table = TableJob { lake: &job.lake, domain, table, sql: &sql, run: &run, on_rows: &on_rows };
                let report = run_select(table, &model).await?;
                tell_step(&progress, stage, &report);
                Ok::<_, RunError>(report)
            });
        }
        let mut made = join_all(tasks).await?;
        made.sort_by(|a, b| a.table.cmp(&b.table));
        reports.extend(made);
    }
    Ok(reports)
}

fn nodes(job: &RunJob, models: &BTreeMap<TableName, (StageModel, String)>) -> Result<Vec<Node>, RunError> {
    let session = job.lake.session(&job.domain.name);
    let node = |(table, (_, sql)): (&TableName, &(StageModel, String))| {
        let inputs = session.references(sql)?.into_iter().map(|(_, input)| input).collect();
        Ok(Node { table: table.clone(), inputs })
    };
    models.iter().map(node).collect()
}

async fn run_all_signals(job: &RunJob, run: &str, guard: &Guard, progress: &Progress) -> Result<Vec<StepReport>, RunError> {
    let mut reports = Vec::new();
    for (table, (spec, sql)) in &job.domain.signals {
        guard.check()?;
        let on_rows = progress.on_rows(table);
        let signals = TableJob { lake: &job.lake, domain: &job.domain.name, table, sql, run, on_rows: &on_rows };
        let outcome = run_signals(signals, spec).await?;
        if let Some(state) = outcome.state {
            training::publish_state(job, table, state).await?;
        }
        tell_step(progress, SIGNALS, &outcome.report);
        reports.push(outcome.report);
    }
    Ok(reports)
}

fn tell_step(progress: &Progress, stage: &'static str, report: &StepReport) {
    for (check, rows) in &report.broken {
        progress.tell(Event::CheckFailed { table: report.table.clone(), check: check.clone(), rows: *rows });
    }
    progress.tell(Event::StepDone(StepDone {
        stage,
        step: report.table.to_string(),
        kind: StepKind::Table,
        outcome: format!("{} rows ({})", report.rows, report.decision),
        is_new: report.is_new,
        rows: report.rows,
        bytes: report.bytes,
        version: Some(report.version),
        seconds: report.seconds,
    }));
}

fn tell_source(progress: &Progress, report: &SourceReport) {
    for (reason, rows) in &report.quarantined {
        progress.tell(Event::CheckFailed { table: report.table.clone(), check: reason.clone(), rows: *rows });
    }
    let outcome = match report.landed.as_slice() {
        [] => "unchanged".to_owned(),
        files => format!("{} rows from {}, {} quarantined", report.rows, files.join(", "), report.rows_quarantined()),
    };
    progress.tell(Event::StepDone(StepDone {
        stage: INGESTION,
        step: report.table.to_string(),
        kind: StepKind::Source,
        outcome,
        is_new: !report.landed.is_empty(),
        rows: report.rows,
        bytes: report.bytes,
        version: Some(report.version),
        seconds: report.seconds,
    }));
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
