//! From a transaction to a probability. Pure computation: nothing here waits for anything.

mod drift;
mod prediction;
mod recorder;
mod scorer;
mod serving;
mod signals;
mod tally;
mod team;

pub use drift::{ClosedWindow, DriftMonitor};
pub use prediction::Prediction;
pub use recorder::{Kept, RecordError, Recorder, Recording};
pub use scorer::{BindError, Scorer};
pub use serving::{CardTeam, Explained, ScoreError, Scored, Scratch, Serving};
pub use signals::OnlineSignals;
pub use team::{Role, Team};
