//! The orchestrator: a domain's five stages, run in order, one run of a domain at a time, every run on record.

mod alerts;
mod error;
mod events;
mod ingestion;
mod lease;
mod measure;
mod plan;
mod record;
mod run;
mod schedule;
mod supervise;
mod training;

pub use alerts::{AlertError, Alerts};
pub use error::RunError;
pub use events::{Event, Progress, StepDone, StepKind};
pub use ingestion::{IngestError, SourceReport, Sources};
pub use plan::{PlanLine, plan};
pub use run::{RunJob, RunReport};
pub use schedule::{ScheduleError, keep_schedule};
pub use supervise::{Occasion, supervise};
pub use training::{CandidateReport, ModelReport, TrainError};
