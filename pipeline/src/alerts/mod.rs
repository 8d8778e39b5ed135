//! Telling the outside: mail, a webhook, a search index. Off unless configured.
//!
//! Every sink has a queue and a task of its own. A queue that is full drops what comes and counts it; a sink that is dead
//! delays no run and fails none.

mod elasticsearch;
mod mail;
mod queue;
mod webhook;

use std::time::Duration;

use jiff::Timestamp;
use lakehouse_settings::AlertSettings;
use serde_json::{Value, json};

use crate::{Event, Progress};

use queue::Queue;

/// How long the sinks may take for what is left after a run.
const DRAIN: Duration = Duration::from_secs(15);

/// An event as sinks get it.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    run: String,
    domain: String,
    at: Timestamp,
    event: Event,
}

impl Told {
    fn json(&self) -> Value {
        json!({
            "@timestamp": self.at.to_string(),
            "run": self.run,
            "domain": self.domain,
            "event": self.event.name(),
            "details": self.event.payload(),
        })
    }

    /// Does it end a run?
    fn is_end(&self) -> bool {
        matches!(self.event, Event::RunSucceeded { .. } | Event::RunFailed { .. })
    }

    fn is_failure(&self) -> bool {
        matches!(self.event, Event::RunFailed { .. })
    }
}

/// Alerts that cannot be sent as configured.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// A setting is not what the sink needs.
    #[error("the setting `alerts.{key}` cannot be used")]
    Setting {
        /// The key.
        key: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The sinks that are configured.
pub struct Alerts {
    queues: Vec<Queue>,
}

impl Alerts {
    /// Starts the sinks that the settings name. Nothing is sent yet.
    pub fn start(settings: &AlertSettings) -> Result<Self, AlertError> {
        let mut queues = Vec::new();
        if !settings.smtp_url.is_empty() {
            queues.push(mail::start(settings)?);
        }
        if !settings.webhook_url.is_empty() {
            queues.push(webhook::start(settings)?);
        }
        if !settings.elasticsearch_url.is_empty() {
            queues.push(elasticsearch::start(settings)?);
        }
        Ok(Self { queues })
    }

    /// A listener that offers every event to every sink, and passes it on.
    pub(crate) fn listen(&self, domain: &str, run: &str, next: &Progress) -> Progress {
        let senders: Vec<_> = self.queues.iter().map(Queue::sender).collect();
        let (domain, run, next) = (domain.to_owned(), run.to_owned(), next.clone());
        Progress::new(move |event| {
            if !matches!(event, Event::Rows { .. }) {
                let told = Told { run: run.clone(), domain: domain.clone(), at: Timestamp::now(), event: event.clone() };
                senders.iter().for_each(|sender| sender.offer(told.clone()));
            }
            next.tell(event);
        })
    }

    /// Lets the sinks finish what is left, for at most fifteen seconds. All listeners have to be dropped before.
    pub async fn finish(self) {
        let deadline = tokio::time::Instant::now() + DRAIN;
        for queue in self.queues {
            queue.finish(deadline).await;
        }
    }
}
