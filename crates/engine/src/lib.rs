//! From stage models to tables.
//!
//! A model is one `select`; the tables it names are its inputs, so the models form a graph ([`order`]). Before a model runs, its
//! inputs' versions are compared with those its table was last made from ([`decide`]): the same means nothing to do, new rows of
//! the one input it appends from mean an append, anything else a rebuild. [`run_select`] and [`run_signals`] do it, streaming, in
//! one commit.

mod checks;
mod decide;
mod definition;
mod error;
mod graph;
mod job;
mod lookback;
mod select;
mod signals;
mod sink;

pub use decide::{Decision, InputVersions, decide};
pub use definition::definition_hash;
pub use error::EngineError;
pub use graph::{Node, order};
pub use job::{OnRows, TableJob};
pub use select::run_select;
pub use signals::run_signals;
pub use sink::StepReport;
