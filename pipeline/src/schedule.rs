//! Keeping a domain's schedule: a run at every due instant and whenever one is asked for, by one of those that keep it.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use lakehouse_metadata::{Metadata, RunTrigger};
use lakehouse_spec::MissedRuns;
use tokio_util::sync::CancellationToken;

use crate::{
    Alerts, CareJob, CareOptions, Occasion, Progress, RunError, RunJob, RunReport, care, error::with_causes, measure, resumable,
    supervise, timetable::Timetable,
};

/// Longest sleep: requests are seen after this long, and a clock that was set, or a machine that was asleep, as well.
const NAP: Duration = Duration::from_secs(2);

/// How old the metric of the last success may be: runs are also started by hand and by others that keep the schedule.
const SUCCESS_AGE: Duration = Duration::from_secs(30);

/// A schedule that cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The expression is no cron expression, or never comes.
    #[error("`{0}` is no cron expression that comes again: write minute, hour, day of the month, month, day of the week")]
    Cron(String),
    /// There is no such time zone.
    #[error("`{0}` is no time zone of the IANA database, such as UTC or Europe/Paris")]
    Zone(String),
    /// The last run could not be looked up.
    #[error("the metadata database failed")]
    Metadata(#[from] lakehouse_metadata::MetadataError),
}

/// Runs the domain whenever its schedule says so or somebody asks for it, and cares for its tables, until `stop`; one after the
/// other. A run that fails is on record and is told; the schedule goes on.
pub async fn keep_schedule(
    job: &RunJob,
    care: CareOptions,
    metadata: &Metadata,
    stop: &CancellationToken,
    alerts: &Alerts,
    progress: &Progress,
) -> Result<(), ScheduleError> {
    let name = &job.domain.name;
    let runs = job.domain.schedule.as_ref().map(|spec| Timetable::new(&spec.cron, &spec.zone)).transpose()?;
    let cares = job.domain.care.as_ref().map(|spec| Timetable::new(&spec.cron, &spec.zone)).transpose()?;
    if runs.is_none() {
        tracing::info!(domain = %name, "`{name}` has no [schedule] in its domain.toml: it runs when somebody asks for it");
    }
    let (mut ran, mut cared) = (Timestamp::now(), Timestamp::now());
    if job.domain.schedule.as_ref().is_some_and(|spec| spec.missed == MissedRuns::RunOnce)
        && let Some(last) = metadata.last_run(name).await?
    {
        ran = last.started_at;
    }
    loop {
        let dues = Dues {
            run: runs.as_ref().map(|times| times.next(ran)).transpose()?,
            care: cares.as_ref().map(|times| times.next(cared)).transpose()?,
        };
        match next_turn(job, metadata, dues, stop).await {
            None => return Ok(()),
            Some(Turn::Care) => {
                care_for_all(job, care, metadata, stop).await;
                cared = Timestamp::now().max(dues.care.unwrap_or(Timestamp::MIN));
            }
            Some(Turn::Run(occasion)) => {
                let was_due = occasion.due;
                if run_on(job, metadata, occasion, stop, alerts, progress).await.is_break() {
                    return Ok(());
                }
                // What came due meanwhile is made up for by the run that was just done.
                ran = Timestamp::now().max(was_due.unwrap_or(Timestamp::MIN));
            }
        }
    }
}

/// When a run and a care are due next, if ever.
#[derive(Clone, Copy)]
struct Dues {
    run: Option<Timestamp>,
    care: Option<Timestamp>,
}

/// What is to be done next.
enum Turn {
    Run(Occasion),
    Care,
}

/// Waits until something is due or a run is asked for; `None` when it was told to stop. Never returns early, as a sleep may by the
/// clock on the wall: a run that started before it was due would not be known as the one that was due.
async fn next_turn(job: &RunJob, metadata: &Metadata, dues: Dues, stop: &CancellationToken) -> Option<Turn> {
    let text = |due: Option<Timestamp>| due.map_or_else(|| "never".to_owned(), |due| due.to_string());
    tracing::info!(domain = %job.domain.name, run = text(dues.run), care = text(dues.care), "the next run and care");
    let mut shown: Option<Instant> = None;
    while !stop.is_cancelled() {
        if shown.is_none_or(|at| at.elapsed() >= SUCCESS_AGE) {
            if let Err(error) = measure::show_last_success(metadata, &job.domain.name).await {
                tracing::warn!(error = %with_causes(&error), "the last success could not be looked up");
            }
            shown = Some(Instant::now());
        }
        match metadata.waiting_request(&job.domain.name).await {
            Ok(Some(asked)) => return Some(Turn::Run(Occasion { trigger: RunTrigger::Api, due: None, request: Some(asked) })),
            Ok(None) => {}
            Err(error) => tracing::warn!(error = %with_causes(&error), "requests for runs could not be read yet"),
        }
        let left = |due: Timestamp| Duration::try_from(due.duration_since(Timestamp::now())).unwrap_or_default();
        if dues.run.is_some_and(|due| left(due).is_zero()) {
            return Some(Turn::Run(Occasion { trigger: RunTrigger::Schedule, due: dues.run, request: None }));
        }
        if dues.care.is_some_and(|due| left(due).is_zero()) {
            return Some(Turn::Care);
        }
        let nap = [dues.run, dues.care].into_iter().flatten().map(left).min().unwrap_or(NAP).min(NAP);
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(nap) => {}
        }
    }
    None
}

/// Runs, and tells how it went. Breaks when it was told to stop.
async fn run_on(
    job: &RunJob,
    metadata: &Metadata,
    occasion: Occasion,
    stop: &CancellationToken,
    alerts: &Alerts,
    progress: &Progress,
) -> ControlFlow<()> {
    match run_as_asked(job, metadata, occasion, stop, alerts, progress).await {
        Ok(report) => tracing::info!(run = report.run, seconds = report.seconds, "run done"),
        Err(RunError::Stopped) => return ControlFlow::Break(()),
        Err(error @ (RunError::Busy { .. } | RunError::AlreadyRun { .. })) => {
            tracing::info!(%error, "not run here");
            // A request that waits for another run's end is looked at again.
            tokio::time::sleep(NAP).await;
        }
        Err(error) => tracing::error!(error = %with_causes(&error), "the run failed; the schedule goes on"),
    }
    ControlFlow::Continue(())
}

/// Runs as the occasion asks. A request that cannot be met is answered with the reason.
async fn run_as_asked(
    job: &RunJob,
    metadata: &Metadata,
    mut occasion: Occasion,
    stop: &CancellationToken,
    alerts: &Alerts,
    progress: &Progress,
) -> Result<RunReport, RunError> {
    let mut job = job.clone();
    if let Some(asked) = &occasion.request {
        let is_asked = |parameter: &str| asked.parameters[parameter].as_bool().unwrap_or_default();
        job.skip_training |= is_asked("skip_training");
        if is_asked("resume") {
            match resumable(&job, metadata).await {
                Ok(resumed) => job.resumes = Some(resumed),
                Err(error @ RunError::NothingToResume(_)) => {
                    metadata.refuse_request(&asked.request, &error.to_string()).await?;
                    return Err(error);
                }
                Err(error) => return Err(error),
            }
            occasion.trigger = RunTrigger::Resume;
        }
    }
    supervise(&job, metadata, occasion, stop.clone(), alerts, progress).await
}

/// What fails is told; the next care makes it good.
async fn care_for_all(job: &RunJob, options: CareOptions, metadata: &Metadata, stop: &CancellationToken) {
    let job = CareJob { lake: job.lake.clone(), domain: job.domain.name.clone(), table: None, options };
    match care::care(&job, metadata, stop, |_| {}).await {
        Ok(tables) => {
            for table in tables.iter().filter(|table| table.error.is_some()) {
                tracing::error!(table = %table.table, error = table.error, "the table could not be cared for");
            }
            tracing::info!(domain = %job.domain, tables = tables.len(), "care done");
        }
        Err(error) => tracing::warn!(error = %with_causes(&error), "the tables were not cared for"),
    }
}
