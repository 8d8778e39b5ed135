//! Networks: how likely is an outage, why, and what to do about it.
//!
//! The pipeline leaves the topology and the latest features of every node and link beside the models, as online states; what is
//! computed here is scores, reasons, simulations and plans, all of it from memory. No feature is computed a second time.

mod curve;
mod feed;
mod firewall;
mod instant;
mod risk;
mod routes;
mod rules;
mod snapshot;
mod state;

pub use firewall::{LogStore, LogStoreError};
pub use routes::routes;
pub use state::{NetworkState, Networks};
