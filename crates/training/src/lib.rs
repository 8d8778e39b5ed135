//! Fitting models: the only crate that names fitting libraries, and nothing it makes needs them.
//!
//! [`train`] splits labelled rows by time, fits every candidate family on the earlier part, judges all of them (and the
//! present champion) on the later part, and gives back models that have been written, read back and scored again. [`decide`]
//! says whether the best one may serve. [`report`] shows what happened. All of it is CPU-bound and synchronous: call it off
//! the reactor.

mod examples;
pub mod families;
mod gate;
mod leaks;
mod outcome;
pub mod report;
mod rows;
mod serving;
mod train;

pub use examples::Examples;
pub use gate::{Decision, decide};
pub use leaks::Leak;
pub use outcome::{CandidateOutcome, Champion, Context, Progress, TrainingError, TrainingOutcome};
pub use rows::{RowsError, TrainingRows};
pub use train::train;
