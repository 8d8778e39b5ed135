//! Who runs and who waits: more queries at once than the machine has cores for only make all of them late.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use lakehouse_service::Problem;
use lakehouse_settings::SqlSettings;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// When a client that was refused may come again.
const RETRY_SECONDS: u32 = 1;

/// The places of queries that run, and the queue before them.
pub(super) struct Turns {
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
    wait: Duration,
}

impl Turns {
    pub(super) fn new(settings: &SqlSettings) -> Self {
        Self {
            running: Arc::new(Semaphore::new(settings.queries_at_once.min(Semaphore::MAX_PERMITS))),
            waiting: AtomicUsize::new(0),
            most_waiting: settings.queries_waiting,
            wait: Duration::from_secs(settings.wait_seconds),
        }
    }

    /// A place, first come first served; refused when too many wait or it takes too long.
    pub(super) async fn take(&self) -> Result<OwnedSemaphorePermit, Problem> {
        if let Ok(turn) = self.running.clone().try_acquire_owned() {
            return Ok(turn);
        }
        let _waiting = Waiting::join(self)?;
        match tokio::time::timeout(self.wait, self.running.clone().acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(busy()),
        }
    }
}

fn busy() -> Problem {
    let problem = Problem::unavailable("too many queries are under way; come again").with_code("too_many_queries");
    problem.with_retry_after(RETRY_SECONDS)
}

/// A place in the queue.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(turns: &'a Turns) -> Result<Self, Problem> {
        let waiting = Self(&turns.waiting);
        if turns.waiting.fetch_add(1, Ordering::Relaxed) < turns.most_waiting { Ok(waiting) } else { Err(busy()) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
