//! Why a run failed.

use jiff::Timestamp;
use lakehouse_engine::EngineError;
use lakehouse_lake::LakeError;
use lakehouse_metadata::MetadataError;
use lakehouse_spec::DomainName;

use crate::{IngestError, PublishError, training::TrainError};

/// A failed run. Tables of the stages that were done are up to date; the failed step's are as they were.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A source could not be ingested.
    #[error("ingestion failed; no table has changed")]
    Ingest(#[from] IngestError),
    /// A table could not be made.
    #[error("a table could not be made")]
    Engine(#[from] EngineError),
    /// The datamarts could not be published. All stages of the run are done.
    #[error("publishing failed; the lake is up to date, and the next run publishes")]
    Publish(#[from] PublishError),
    /// A model could not be trained or registered.
    #[error("training failed")]
    Train(#[from] TrainError),
    /// The lake could not be read.
    #[error("the lake could not be read")]
    Lake(#[from] LakeError),
    /// The metadata database failed before the run could start.
    #[error("the metadata database failed")]
    Metadata(#[from] MetadataError),
    /// Another run of the domain is under way.
    #[error("a run of `{domain}` is under way in {holder}; wait for it, or until {expires_at} if it has died")]
    Busy {
        /// The domain.
        domain: DomainName,
        /// Machine, process and start of the process.
        holder: String,
        /// When its lease ends unless it is renewed.
        expires_at: Timestamp,
    },
    /// Another scheduler was quicker.
    #[error("the run that was due at {due} was started elsewhere: {run}")]
    AlreadyRun {
        /// When it was due.
        due: Timestamp,
        /// The run.
        run: String,
    },
    /// A step took too long.
    #[error("a step was given up after {seconds} seconds, the setting `runs.step_timeout_seconds`")]
    TimedOut {
        /// How long it may take.
        seconds: u64,
        /// What it said when it was told to stop.
        #[source]
        source: Box<RunError>,
    },
    /// There is no run to go on with.
    #[error("{0}")]
    NothingToResume(String),
    /// Another run took over while this one was not heard of.
    #[error("another run has taken over: this one stopped between two steps")]
    LeaseLost,
    /// It was told to stop.
    #[error("stopped between two steps, as told; the next run goes on from there")]
    Stopped,
}

/// An error and its causes in one line, each once.
pub(crate) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for cause in std::iter::successors(Some(error), |error| error.source()) {
        let text = cause.to_string();
        if !texts.last().is_some_and(|last| last.contains(&text)) {
            texts.push(text);
        }
    }
    texts.join(": ")
}
