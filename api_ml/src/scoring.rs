//! From a transaction to a probability. Pure computation: nothing here waits for anything.

mod prediction;
mod scorer;
mod serving;
mod signals;
mod tally;

pub use prediction::Prediction;
pub use scorer::{BindError, Scorer};
pub use serving::{CardScorer, ScoreError, Scored, Serving};
pub use signals::OnlineSignals;
