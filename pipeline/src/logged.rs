//! What a run tells, as lines of the log.

use crate::Event;

/// Logs an event of a run of `domain`, with its details as one JSON field. Row counts are not worth a line.
pub fn log_event(domain: &str, event: &Event) {
    let (name, details) = (event.name(), event.payload());
    match event {
        Event::Rows { .. } => {}
        Event::RunFailed { .. } => tracing::error!(domain, event = name, %details, "{domain}: {name}"),
        Event::StepFailed(failed) if failed.again_in.is_none() => {
            tracing::error!(domain, event = name, %details, "{domain}: {name} {}", failed.step);
        }
        Event::StepFailed(failed) => tracing::warn!(domain, event = name, %details, "{domain}: {name} {}", failed.step),
        Event::CheckFailed { table, .. } => tracing::warn!(domain, event = name, %details, "{domain}: {name} {table}"),
        Event::StepDone(done) => tracing::info!(domain, event = name, %details, "{domain}: {name} {}", done.step),
        Event::RunStarted | Event::StageStarted { .. } | Event::StageDone { .. } | Event::RunSucceeded { .. } => {
            tracing::info!(domain, event = name, %details, "{domain}: {name}");
        }
    }
}
