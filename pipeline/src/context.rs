//! What every step of a run shares.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{Event, Progress, RunError, RunJob, StepDone, attempts::Step};

/// What ends a run early. Asked between steps: a step that has begun to write is finished.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    stop: CancellationToken,
    lost: CancellationToken,
}

impl Guard {
    /// `stop` is cancelled by whoever wants the run to end, `lost` when another run has taken over.
    pub(crate) fn new(stop: CancellationToken, lost: CancellationToken) -> Self {
        Self { stop, lost }
    }

    pub(crate) fn check(&self) -> Result<(), RunError> {
        match (self.lost.is_cancelled(), self.stop.is_cancelled()) {
            (true, _) => Err(RunError::LeaseLost),
            (false, true) => Err(RunError::Stopped),
            (false, false) => Ok(()),
        }
    }

    /// Waits, but not for longer than the run may go on.
    pub(crate) async fn pause(&self, pause: Duration) -> Result<(), RunError> {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.stop.cancelled() => {}
            () = self.lost.cancelled() => {}
        }
        self.check()
    }

    pub(crate) fn lost(&self) -> &CancellationToken {
        &self.lost
    }
}

/// A run under way. Cheap to clone.
#[derive(Clone)]
pub(crate) struct RunContext {
    pub job: Arc<RunJob>,
    /// The run's name.
    pub run: Arc<str>,
    pub guard: Guard,
    pub progress: Progress,
}

impl RunContext {
    /// Has the run that this one resumes done the step? Then it is told, and not done again.
    pub(crate) fn was_done(&self, step: &Step) -> bool {
        let Some(resumed) = &self.job.resumes else { return false };
        let was_done = resumed.done.contains(&(step.stage.to_owned(), step.name.clone()));
        if was_done {
            self.progress.tell(Event::StepDone(StepDone {
                stage: step.stage,
                step: step.name.clone(),
                kind: step.kind,
                outcome: format!("done by {}", resumed.run),
                is_new: false,
                attempt: 1,
                rows: 0,
                bytes: 0,
                version: None,
                seconds: 0.0,
            }));
        }
        was_done
    }
}

/// A run that ended early, and what it had done by then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumed {
    /// Its name.
    pub run: String,
    /// Stage and step of everything it had done.
    pub done: BTreeSet<(String, String)>,
}
