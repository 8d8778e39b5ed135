//! A sink's queue: bounded, never waited for, its losses counted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    task::JoinHandle,
    time::Instant,
};

use super::Told;

/// Events that may wait for a sink.
const DEPTH: usize = 10_000;
/// Pauses between tries to deliver.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(5)];

/// A queue and the task that empties it.
pub(super) struct Queue {
    name: &'static str,
    sender: Sender<Told>,
    lost: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

/// Where events are offered.
#[derive(Clone)]
pub(super) struct Offers {
    sender: Sender<Told>,
    lost: Arc<AtomicU64>,
}

impl Queue {
    /// Starts `work` on a queue; it returns when the queue has ended, and counts what it could not deliver.
    pub(super) fn start<F>(name: &'static str, work: impl FnOnce(Receiver<Told>, Arc<AtomicU64>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, receiver) = channel(DEPTH);
        let lost = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(work(receiver, lost.clone()));
        Self { name, sender, lost, task }
    }

    pub(super) fn sender(&self) -> Offers {
        Offers { sender: self.sender.clone(), lost: self.lost.clone() }
    }

    /// Waits until everything is delivered or given up, but not beyond `deadline`.
    pub(super) async fn finish(self, deadline: Instant) {
        drop(self.sender);
        let is_late = tokio::time::timeout_at(deadline, self.task).await.is_err();
        let lost = self.lost.load(Ordering::Relaxed);
        if is_late || lost > 0 {
            tracing::warn!(sink = self.name, lost, is_late, "not every event reached the sink");
        }
    }
}

impl Offers {
    pub(super) fn offer(&self, told: Told) {
        if self.sender.try_send(told).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Tries to deliver until it works, `is_final` says that it never will, or the tries are used up.
pub(super) async fn deliver<E: std::fmt::Display, F: Future<Output = Result<(), E>>>(
    sink: &'static str,
    is_final: impl Fn(&E) -> bool,
    attempt: impl Fn() -> F,
) -> bool {
    let mut pauses = PAUSES.iter();
    loop {
        match (attempt().await, pauses.next()) {
            (Ok(()), _) => return true,
            (Err(error), Some(pause)) if !is_final(&error) => {
                tracing::debug!(sink, %error, "not delivered yet");
                tokio::time::sleep(*pause).await;
            }
            (Err(error), _) => {
                tracing::warn!(sink, %error, "could not be delivered");
                return false;
            }
        }
    }
}
