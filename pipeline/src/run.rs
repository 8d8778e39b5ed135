//! A run: the five stages in order, each told as it goes.

use std::{ops::RangeInclusive, time::Instant};

use jiff::civil::Date;
use lakehouse_engine::StepReport;
use lakehouse_lake::{Lake, probe_put_if_absent};
use lakehouse_landing::Landing;
use lakehouse_mlflow::Mirror;
use lakehouse_postgres::{Database, Target};
use lakehouse_registry::Registry;
use lakehouse_spec::Domain;
use serde::Serialize;

use crate::{
    Event, Progress, Resumed, RunError, SourceReport, Sources, StepPolicy,
    context::RunContext,
    ingestion::{Places, SourcesFolder},
    publish::{PUBLISHING, PublishReport},
    training::ModelReport,
};

pub(crate) const INGESTION: &str = "ingestion";
const PREPROCESSING: &str = "preprocessing";
const SIGNALS: &str = "signals";
const DATAMARTS: &str = "datamarts";
pub(crate) const TRAINING: &str = "training";

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
    /// The PostgreSQL of sources with a [database] section, read instead of their files.
    pub database: Option<Database>,
    /// Batches of these dates are read from there again.
    pub again: Option<RangeInclusive<Date>>,
    /// Where the datamarts are published to.
    pub publish: Option<Target>,
    /// The MLflow server that is told of models, if there is one.
    pub mirror: Option<Mirror>,
    /// Stop after the datamarts.
    pub skip_training: bool,
    /// How often a step is tried, and for how long.
    pub policy: StepPolicy,
    /// The run that it goes on with.
    pub resumes: Option<Resumed>,
}

impl RunJob {
    pub(crate) fn places(&self, folder: &SourcesFolder) -> Places {
        Places {
            lake: self.lake.clone(),
            landing: self.landing.clone(),
            folder: folder.path().to_owned(),
            database: self.database.clone(),
            again: self.again.clone(),
        }
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
    /// Datamarts in the database they are published to, if there is one.
    pub published: Vec<PublishReport>,
    /// Models, in order of name.
    pub models: Vec<ModelReport>,
    /// Wall time per stage, seconds.
    pub stages: Vec<(&'static str, f64)>,
    /// Wall time of the whole, seconds.
    pub seconds: f64,
}

/// Runs all stages. A run that was killed is made good by the next one: what was committed is found unchanged.
pub(crate) async fn run(context: &RunContext) -> Result<RunReport, RunError> {
    let RunContext { job, run, progress, .. } = context;
    let started = Instant::now();
    let mut report = RunReport {
        run: run.to_string(),
        domain: job.domain.name.to_string(),
        sources: Vec::new(),
        tables: Vec::new(),
        published: Vec::new(),
        models: Vec::new(),
        stages: Vec::new(),
        seconds: 0.0,
    };
    probe_put_if_absent(&job.lake, PROBE_WRITERS, 1).await?;
    let clock = start(progress, INGESTION);
    report.sources = context.ingest().await?;
    report.stages.push(clock.stop());

    let clock = start(progress, PREPROCESSING);
    report.tables.extend(context.make_selects(PREPROCESSING, &job.domain.preprocessing).await?);
    report.stages.push(clock.stop());

    let clock = start(progress, SIGNALS);
    report.tables.extend(context.make_signals(SIGNALS).await?);
    report.tables.extend(context.make_selects(SIGNALS, &job.domain.signal_selects).await?);
    report.stages.push(clock.stop());

    let clock = start(progress, DATAMARTS);
    report.tables.extend(context.make_selects(DATAMARTS, &job.domain.datamarts).await?);
    report.stages.push(clock.stop());

    let published = publish(context, &mut report).await;
    if !job.skip_training {
        let clock = start(progress, TRAINING);
        report.models = context.train_all().await?;
        report.stages.push(clock.stop());
    }
    report.published = published?;
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// A database that is away is no reason not to train: the run goes on, and fails when everything else is done.
async fn publish(context: &RunContext, report: &mut RunReport) -> Result<Vec<PublishReport>, RunError> {
    let Some(target) = &context.job.publish else { return Ok(Vec::new()) };
    let clock = start(&context.progress, PUBLISHING);
    let published = context.publish(target).await?;
    report.stages.push(clock.stop());
    Ok(published)
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
