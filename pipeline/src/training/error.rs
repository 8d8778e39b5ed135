//! Why a model could not be trained or registered.

use lakehouse_lake::LakeError;
use lakehouse_models::ArtifactError;
use lakehouse_registry::RegistryError;
use lakehouse_spec::{ModelName, TableName};
use lakehouse_training::TrainingError;

/// A failed training step. The champion is as it was.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The rows could not be read.
    #[error("failed to read the training rows")]
    Lake(#[from] LakeError),
    /// The rows do not have a column of the kind the TOML asks for.
    #[error("model `{model}`: {reason}")]
    Columns {
        /// The model.
        model: ModelName,
        /// Which column and why.
        reason: String,
    },
    /// The model could not be fitted or judged.
    #[error("failed to train")]
    Training(#[from] TrainingError),
    /// The registry failed.
    #[error("the model registry failed")]
    Registry(#[from] RegistryError),
    /// The present champion cannot be loaded.
    #[error("version {version} of `{model}`, the champion, cannot be loaded; roll it back or promote another")]
    Champion {
        /// The model.
        model: ModelName,
        /// Its version.
        version: u32,
        /// Why.
        #[source]
        source: ArtifactError,
    },
    /// It was told to stop.
    #[error("stopped before it was done")]
    Stopped,
    /// A report could not be drawn.
    #[error("failed to draw the report of `{model}`")]
    Report {
        /// The model.
        model: ModelName,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A signals table whose name cannot name an online state.
    #[error("`{table}` cannot name an online state")]
    Table {
        /// The table.
        table: TableName,
    },
}
