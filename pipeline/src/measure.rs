//! What a run gives Prometheus.

use std::sync::{Mutex, PoisonError};

use lakehouse_metadata::{Metadata, MetadataError, RunFilter, RunStatus};
use lakehouse_spec::DomainName;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::{Event, Progress, StepFailed};

const DURATION: &str = "pipeline_stage_duration_seconds";
const STATUS: &str = "pipeline_stage_status_total";
const RUNS: &str = "pipeline_runs_total";
const RETRIES: &str = "pipeline_step_retries_total";
const ROWS: &str = "pipeline_rows_written_total";
const LAST_SUCCESS: &str = "pipeline_last_success_timestamp_seconds";

/// A listener that measures what it passes on.
pub(crate) fn listen(domain: &str, next: Progress) -> Progress {
    describe_histogram!(DURATION, "Seconds a stage took");
    describe_counter!(STATUS, "Stages that ended, by status");
    describe_counter!(RUNS, "Runs that ended, by status");
    describe_counter!(RETRIES, "Steps that failed and were tried again");
    describe_counter!(ROWS, "Rows written to tables");
    let domain = domain.to_owned();
    let under_way = Mutex::new(None);
    Progress::new(move |event| {
        measure(&domain, &under_way, &event);
        next.tell(event);
    })
}

/// Shows when a run of `domain` succeeded last, wherever it ran; nothing while none has.
pub(crate) async fn show_last_success(metadata: &Metadata, domain: &DomainName) -> Result<(), MetadataError> {
    describe_gauge!(LAST_SUCCESS, "When a run succeeded last, in seconds since 1970");
    let filter = RunFilter { domain: Some(domain.clone()), status: Some(RunStatus::Succeeded), before: None, limit: 1 };
    if let Some(at) = metadata.runs(&filter).await?.pop().and_then(|run| run.finished_at) {
        gauge!(LAST_SUCCESS, "domain" => domain.to_string()).set(at.as_millisecond() as f64 / 1_000.0);
    }
    Ok(())
}

/// `under_way` is the stage that would have failed.
fn measure(domain: &str, under_way: &Mutex<Option<&'static str>>, event: &Event) {
    let mut under_way = under_way.lock().unwrap_or_else(PoisonError::into_inner);
    let domain = || domain.to_owned();
    match event {
        Event::StageStarted { stage } => {
            // One that failed without ending the run: publishing.
            if let Some(failed) = under_way.replace(stage) {
                counter!(STATUS, "domain" => domain(), "stage" => failed, "status" => "failure").increment(1);
            }
        }
        Event::StageDone { stage, seconds } => {
            *under_way = None;
            histogram!(DURATION, "domain" => domain(), "stage" => *stage).record(*seconds);
            counter!(STATUS, "domain" => domain(), "stage" => *stage, "status" => "success").increment(1);
        }
        Event::StepDone(done) if done.is_new => {
            counter!(ROWS, "domain" => domain(), "stage" => done.stage).increment(done.rows);
        }
        Event::RunSucceeded { .. } => counter!(RUNS, "domain" => domain(), "status" => "success").increment(1),
        Event::RunFailed { .. } => {
            counter!(RUNS, "domain" => domain(), "status" => "failure").increment(1);
            if let Some(stage) = under_way.take() {
                counter!(STATUS, "domain" => domain(), "stage" => stage, "status" => "failure").increment(1);
            }
        }
        Event::StepFailed(StepFailed { stage, again_in: Some(_), .. }) => {
            counter!(RETRIES, "domain" => domain(), "stage" => *stage).increment(1);
        }
        Event::StepFailed(_) | Event::RunStarted | Event::Rows { .. } | Event::StepDone(_) | Event::CheckFailed { .. } => {}
    }
}
