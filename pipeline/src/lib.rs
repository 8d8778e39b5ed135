//! The orchestrator: a domain's five stages, run in order.

mod error;
mod ingestion;
mod plan;
mod progress;
mod run;
mod training;

pub use error::RunError;
pub use ingestion::{IngestError, SourceReport, Sources};
pub use plan::{PlanLine, plan};
pub use progress::{Event, Progress};
pub use run::{RunJob, RunReport, run};
pub use training::{CandidateReport, ModelReport, TrainError};
