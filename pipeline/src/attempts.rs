//! Steps are tried again when what stopped them passes, and given up when they take too long.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use lakehouse_lake::is_transient;
use rand::RngExt as _;
use tokio_util::sync::CancellationToken;

use crate::{Event, RunError, StepFailed, StepKind, context::RunContext, error::with_causes};

/// No pause between two tries is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often a step is tried, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepPolicy {
    /// Tries in all, of a step whose failure may pass.
    pub tries: u32,
    /// About how long until the second try; doubled for each later one.
    pub pause: Duration,
    /// How long one try may take.
    pub timeout: Duration,
}

impl StepPolicy {
    /// Between half of the pause and all of it, so that those who failed together do not come back together.
    fn pause_before(self, attempt: u32) -> Duration {
        let most = self.pause.saturating_mul(1 << attempt.saturating_sub(2).min(16)).min(LONGEST_PAUSE);
        most.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

/// A step, as it is told of.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub stage: &'static str,
    pub name: String,
    pub kind: StepKind,
}

impl RunContext {
    /// Does the work of a step until it succeeds, fails for good, or has been tried often enough. Gives which try it was. The work
    /// gets a token that is cancelled when it has to give up; it is never dropped.
    pub(crate) async fn attempt<'w, T>(
        &self,
        step: &Step,
        mut work: impl FnMut(CancellationToken) -> BoxFuture<'w, Result<T, RunError>> + Send,
    ) -> Result<(T, u32), RunError> {
        let policy = self.job.policy;
        let mut attempt = 1;
        loop {
            let started = Instant::now();
            let stop = self.guard.lost().child_token();
            let error = match self.within(policy.timeout, &stop, work(stop.clone())).await {
                Ok(done) => return Ok((done, attempt)),
                Err(error) => error,
            };
            let is_again = attempt < policy.tries && is_transient(&error);
            let pause = is_again.then(|| policy.pause_before(attempt + 1));
            self.progress.tell(Event::StepFailed(StepFailed {
                stage: step.stage,
                step: step.name.clone(),
                kind: step.kind,
                attempt,
                error: with_causes(&error),
                seconds: started.elapsed().as_secs_f64(),
                again_in: pause.map(|pause| pause.as_secs_f64()),
            }));
            let Some(pause) = pause else { return Err(error) };
            self.guard.pause(pause).await?;
            attempt += 1;
        }
    }

    async fn within<T>(
        &self,
        timeout: Duration,
        stop: &CancellationToken,
        mut working: BoxFuture<'_, Result<T, RunError>>,
    ) -> Result<T, RunError> {
        let outcome = tokio::select! {
            outcome = &mut working => return outcome,
            () = tokio::time::sleep(timeout) => {
                stop.cancel();
                working.await
            }
            () = stop.cancelled() => working.await,
        };
        // What was already on its way to being committed may have made it.
        outcome.map_err(|error| match self.guard.lost().is_cancelled() {
            true => RunError::LeaseLost,
            false => RunError::TimedOut { seconds: timeout.as_secs(), source: Box::new(error) },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_are_never_the_same() {
        let policy = StepPolicy { tries: 20, pause: Duration::from_secs(2), timeout: Duration::MAX };
        for (attempt, most) in [(2, 2), (3, 4), (4, 8), (6, 32), (7, 60), (40, 60)] {
            let most = Duration::from_secs(most);
            let pauses: Vec<Duration> = (0..100).map(|_| policy.pause_before(attempt)).collect();
            assert!(pauses.iter().all(|pause| (most / 2..=most).contains(pause)), "attempt {attempt}: {pauses:?}");
            assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        }
    }
}
