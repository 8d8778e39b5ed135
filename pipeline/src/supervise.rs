//! A run as the world sees it: alone in its domain, recorded from start to end, stopped between steps when it is told to.

use std::sync::Arc;

use jiff::Timestamp;
use lakehouse_metadata::{Metadata, MetadataError, NewRun, RunEnd, RunOutcome, RunRequest, RunTrigger};
use lakehouse_spec::DomainName;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    Alerts, Event, Progress, RunError, RunJob, RunReport,
    context::{Guard, RunContext},
    error::with_causes,
    lease::RunLease,
    measure,
    record::Recorder,
    run,
};

/// Why a run starts now.
#[derive(Debug, Clone)]
pub struct Occasion {
    /// What started it.
    pub trigger: RunTrigger,
    /// When it was due, if it is one of a schedule: no two runs are for the same instant.
    pub due: Option<Timestamp>,
    /// The request that it answers, if somebody asked for it.
    pub request: Option<RunRequest>,
}

impl Occasion {
    /// Somebody started it, on the command line.
    pub fn manual() -> Self {
        Self { trigger: RunTrigger::Manual, due: None, request: None }
    }
}

/// Runs a domain's stages while no other run of the domain does, and records it. Runs that died are marked as abandoned.
pub async fn supervise(
    job: &RunJob,
    metadata: &Metadata,
    occasion: Occasion,
    stop: CancellationToken,
    alerts: &Alerts,
    progress: &Progress,
) -> Result<RunReport, RunError> {
    let lease = RunLease::acquire(metadata, &job.domain.name).await?;
    let guard = Guard::new(stop, lease.lost.clone());
    let start = Start { occasion, fence: lease.fence(), at: Timestamp::now() };
    let outcome = recorded(job, metadata, &start, &guard, alerts, progress).await;
    if let Err(error) = lease.release().await {
        tracing::warn!(%error, "the lease could not be given back: it ends by itself");
    }
    outcome
}

/// What a run starts with.
#[derive(Clone)]
struct Start {
    occasion: Occasion,
    fence: i64,
    at: Timestamp,
}

async fn recorded(
    job: &RunJob,
    metadata: &Metadata,
    start: &Start,
    guard: &Guard,
    alerts: &Alerts,
    progress: &Progress,
) -> Result<RunReport, RunError> {
    let Start { occasion: Occasion { trigger, due, request }, fence, at: started_at } = start.clone();
    if let Some(due) = due {
        not_run_yet(metadata, &job.domain.name, due).await?;
    }
    for abandoned in metadata.abandon_stale(&job.domain.name, fence, started_at).await? {
        tracing::warn!(run = abandoned, "an earlier run stopped without a word; this one makes it good");
    }
    let run = run_name(job, started_at);
    let parameters = json!({ "sources": job.sources.to_string(), "lake": job.lake.location().to_string(), "skip_training": job.skip_training, "due": due, "resumes": job.resumes.as_ref().map(|resumed| &resumed.run) });
    let new = NewRun {
        run: run.clone(),
        domain: job.domain.name.clone(),
        trigger,
        started_at,
        fence,
        parameters,
        request: request.map(|asked| asked.request),
    };
    metadata.start_run(&new).await?;

    let recorder = Recorder::start(metadata.clone(), job.domain.name.clone(), run.clone());
    let domain = job.domain.name.as_str();
    let listener = measure::listen(domain, alerts.listen(domain, &run, &recorder.listen(progress)));
    listener.tell(Event::RunStarted);
    let context =
        RunContext { job: Arc::new(job.clone()), run: run.as_str().into(), guard: guard.clone(), progress: listener.clone() };
    let outcome = run::run(&context).await;
    drop(context);
    listener.tell(match &outcome {
        Ok(report) => Event::RunSucceeded { seconds: report.seconds },
        Err(error) => Event::RunFailed { error: with_causes(error) },
    });
    drop(listener);
    recorder.finish().await;
    if let Err(error) = end(metadata, &run, &outcome).await {
        tracing::warn!(run, error = %with_causes(&error), "the end of the run could not be recorded");
    }
    outcome
}

/// Under the lease nobody else can start one, so what has not been started yet is ours. Of a scheduler whose clock is behind, the
/// due instant comes later and has been run by then.
async fn not_run_yet(metadata: &Metadata, domain: &DomainName, due: Timestamp) -> Result<(), RunError> {
    match metadata.last_run(domain).await? {
        Some(last) if last.trigger == RunTrigger::Schedule && last.started_at >= due => {
            Err(RunError::AlreadyRun { due, run: last.run })
        }
        _ => Ok(()),
    }
}

async fn end(metadata: &Metadata, run: &str, outcome: &Result<RunReport, RunError>) -> Result<(), MetadataError> {
    let (status, error, report) = match outcome {
        Ok(report) => (RunOutcome::Succeeded, None, Some(json!(report))),
        Err(RunError::Stopped) => (RunOutcome::Cancelled, None, None),
        Err(error) => (RunOutcome::Failed, Some(with_causes(error)), None),
    };
    metadata.finish_run(run, &RunEnd { outcome: status, finished_at: Timestamp::now(), error, report }).await
}

/// The domain and the present instant, as a name that sorts: `fraud-20261121T120000123Z`.
fn run_name(job: &RunJob, now: Timestamp) -> String {
    format!("{}-{}", job.domain.name, now.strftime("%Y%m%dT%H%M%S%3fZ"))
}
