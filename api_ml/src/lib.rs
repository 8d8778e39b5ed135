//! The scoring API: is this purchase fraud?
//!
//! Champions come from the model registry, the live signals of cards, merchants and categories from the state that the
//! pipeline left beside them. Both are looked for again every few seconds, loaded off the reactor and swapped in whole: a
//! request is answered by exactly one version, and none is dropped. What cannot be used is refused with a reason in the log,
//! and what served before goes on serving.

mod delivery;
mod journal;
mod models;
mod network;
mod request;
mod router;
mod routes;
mod run;
mod scoring;

pub use delivery::Delivery;
pub use models::Watcher;
pub use network::{LogStore, LogStoreError, NetworkState, Networks};
pub use router::{AppState, StartError, router};
pub use run::run;
