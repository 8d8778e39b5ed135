//! The orchestrator: a domain's five stages, run in order, one run of a domain at a time, every run on record.

mod alerts;
mod attempts;
mod care;
mod context;
mod error;
mod events;
mod ingestion;
mod lease;
mod logged;
mod measure;
mod plan;
mod record;
mod restore;
mod resume;
mod run;
mod schedule;
mod supervise;
mod tables;
mod timetable;
mod training;

pub use alerts::{AlertError, Alerts};
pub use attempts::StepPolicy;
pub use care::{CareError, CareJob, CareOptions, Removal, TableCare, care};
pub use context::Resumed;
pub use error::RunError;
pub use events::{Event, Progress, StepDone, StepFailed, StepKind};
pub use ingestion::{IngestError, SourceReport, Sources};
pub use logged::log_event;
pub use plan::{PlanLine, plan};
pub use restore::{Restored, find_version, restore};
pub use resume::resumable;
pub use run::{RunJob, RunReport};
pub use schedule::{ScheduleError, keep_schedule};
pub use supervise::{Occasion, supervise};
pub use training::{CandidateReport, ModelReport, TrainError};
