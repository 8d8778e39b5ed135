//! What every program starts with: its settings, its log and its stores.
//!
//! A setting is declared once, in `default.toml`, with a sentence and a default. `lakehouse.toml`, then `LAKEHOUSE_*`
//! environment variables, then the command line override it; a double underscore enters a section, as in
//! `LAKEHOUSE_API__PORT`. A key that `default.toml` does not have is refused wherever it stands. No other crate reads the
//! environment.

mod address_ranges;
mod error;
mod load;
mod location;
mod mlflow;
mod networks;
mod secret;
mod settings;
mod store;
pub mod telemetry;

pub use address_ranges::{AddressRanges, NotAddressRanges};
pub use error::SettingsError;
pub use load::{BindOverrides, LogOverrides, Overrides};
pub use mlflow::MlflowSettings;
pub use networks::{NetworkSettings, RiskMode};
pub use secret::{DatabaseUrl, Secret};
pub use settings::{
    AccountSettings, AlertSettings, Api, ApiMl, Bind, CareSettings, Limits, Log, LogFormat, PostgresWire, PredictionLog,
    RunSettings, S3, Settings, SourcesApi, SqlSettings,
};
