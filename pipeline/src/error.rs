//! Why a run failed.

use lakehouse_engine::EngineError;
use lakehouse_lake::LakeError;

use crate::{IngestError, training::TrainError};

/// A failed run. Tables of the stages that were done are up to date; the failed step's are as they were.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A source could not be ingested.
    #[error("ingestion failed; no table has changed")]
    Ingest(#[from] IngestError),
    /// A table could not be made.
    #[error("a table could not be made")]
    Engine(#[from] EngineError),
    /// A model could not be trained or registered.
    #[error("training failed")]
    Train(#[from] TrainError),
    /// The lake could not be read.
    #[error("the lake could not be read")]
    Lake(#[from] LakeError),
}
