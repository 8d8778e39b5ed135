//! A run's events and steps on their way into the metadata database, beside the run: a slow database delays nothing.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lakehouse_metadata::{EventFilter, EventLevel, Metadata, MetadataError, NewEvent, StepRecord, StepStatus};
use lakehouse_spec::DomainName;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
};

use crate::{Event, Progress, StepDone, StepFailed};

/// Events that are written in one transaction.
const EVENTS_AT_ONCE: usize = 64;

/// How long a database that is out of reach or restarting is waited for, and how long between two tries.
const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

type Told = (Timestamp, Event);

/// Writes what it is told until it is finished.
pub(crate) struct Recorder {
    sender: UnboundedSender<Told>,
    writer: JoinHandle<()>,
}

impl Recorder {
    pub(crate) fn start(metadata: Metadata, domain: DomainName, run: String) -> Self {
        let (sender, told) = unbounded_channel();
        let writer = tokio::spawn(write_all(Book { metadata, domain, run, last_event: 0 }, told));
        Self { sender, writer }
    }

    /// A listener that records what it also passes on. Row counts are only passed on.
    pub(crate) fn listen(&self, next: &Progress) -> Progress {
        let (sender, next) = (self.sender.clone(), next.clone());
        Progress::new(move |event| {
            if !matches!(event, Event::Rows { .. }) {
                // A writer that is gone has said why.
                let _ = sender.send((Timestamp::now(), event.clone()));
            }
            next.tell(event);
        })
    }

    /// Waits until everything is written. All listeners have to be dropped before.
    pub(crate) async fn finish(self) {
        drop(self.sender);
        if let Err(panic) = self.writer.await {
            std::panic::resume_unwind(panic.into_panic());
        }
    }
}

struct Book {
    metadata: Metadata,
    domain: DomainName,
    run: String,
    /// The number of the last event that is known to be written.
    last_event: i64,
}

async fn write_all(mut book: Book, mut told: UnboundedReceiver<Told>) {
    let mut waiting = Vec::with_capacity(EVENTS_AT_ONCE);
    while told.recv_many(&mut waiting, EVENTS_AT_ONCE).await > 0 {
        if let Err(error) = book.write(&waiting).await {
            tracing::warn!(run = book.run, error = %crate::error::with_causes(&error), "events of the run could not be recorded");
        }
        waiting.clear();
    }
}

impl Book {
    /// Writes what was told, each event once: of a database that was away it is found out what it took.
    async fn write(&mut self, told: &[Told]) -> Result<(), MetadataError> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut is_known = true;
        loop {
            match self.try_write(told, is_known).await {
                Err(error) if error.is_transient() && tokio::time::Instant::now() < deadline => is_known = false,
                done => return done,
            }
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
    }

    async fn try_write(&mut self, told: &[Told], is_known: bool) -> Result<(), MetadataError> {
        let filter = EventFilter { run: Some(self.run.clone()), domain: None, after: self.last_event, limit: 1 };
        // Nobody else tells of this run, and a batch is written as a whole or not at all.
        if is_known || self.metadata.events(&filter).await?.is_empty() {
            let events: Vec<NewEvent> = told.iter().map(|(at, event)| self.event(*at, event)).collect();
            self.last_event = self.metadata.append_events(&events).await?.pop().unwrap_or(self.last_event);
        }
        for (at, event) in told {
            let step = match event {
                Event::StepDone(done) => self.done(*at, done),
                Event::StepFailed(failed) => self.failed(*at, failed),
                _ => continue,
            };
            self.metadata.record_step(&step).await?;
        }
        Ok(())
    }

    fn event(&self, at: Timestamp, event: &Event) -> NewEvent {
        let level = match event {
            Event::RunFailed { .. } => EventLevel::Error,
            Event::StepFailed(failed) if failed.again_in.is_none() => EventLevel::Error,
            Event::StepFailed(_) | Event::CheckFailed { .. } => EventLevel::Warning,
            _ => EventLevel::Info,
        };
        NewEvent {
            run: Some(self.run.clone()),
            domain: self.domain.clone(),
            at,
            name: event.name().to_owned(),
            level,
            payload: event.payload(),
        }
    }

    fn done(&self, at: Timestamp, done: &StepDone) -> StepRecord {
        StepRecord {
            status: if done.is_new { StepStatus::Succeeded } else { StepStatus::Skipped },
            rows: Some(done.rows),
            bytes: Some(done.bytes),
            version: done.version,
            decision: Some(done.outcome.clone()),
            ..self.step(at, done.stage, &done.step, done.attempt, done.seconds)
        }
    }

    fn failed(&self, at: Timestamp, failed: &StepFailed) -> StepRecord {
        let StepFailed { stage, step, attempt, error, seconds, .. } = failed;
        StepRecord { error: Some(error.clone()), ..self.step(at, stage, step, *attempt, *seconds) }
    }

    fn step(&self, at: Timestamp, stage: &str, step: &str, attempt: u32, seconds: f64) -> StepRecord {
        let took = SignedDuration::try_from_secs_f64(seconds).unwrap_or_default();
        StepRecord {
            run: self.run.clone(),
            stage: stage.to_owned(),
            step: step.to_owned(),
            status: StepStatus::Failed,
            attempt,
            started_at: at.checked_sub(took).unwrap_or(at),
            finished_at: Some(at),
            rows: None,
            bytes: None,
            version: None,
            decision: None,
            error: None,
        }
    }
}
