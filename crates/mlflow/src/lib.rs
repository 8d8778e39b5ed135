//! The registry's versions and aliases, told to an [MLflow](https://mlflow.org) server over its REST API.
//!
//! The registry stays what decides; MLflow is told and never asked. Each version is one finished run (parameters, metrics, files)
//! and one version of the registered model of the same name; `champion` and `challenger` point where they point in the registry.
//! A run is known by three tags (model, version, instant of registration), so telling the same thing again changes nothing, and
//! telling that was cut off is taken up where it ended.

mod client;
mod described;
mod error;
mod exporter;
mod mirror;

pub use error::MlflowError;
pub use exporter::{Exporter, Sent};
pub use mirror::Mirror;
