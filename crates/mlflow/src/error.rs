//! Why an MLflow server could not be told.

use lakehouse_models::ArtifactError;
use lakehouse_registry::RegistryError;

/// A failed export. Nothing in the registry depends on it, and exporting again takes it up.
#[derive(Debug, thiserror::Error)]
pub enum MlflowError {
    /// The client cannot be made.
    #[error("failed to set up the client of MLflow")]
    Client(#[source] reqwest::Error),
    /// The server did not answer, or not with what its API promises.
    #[error("MLflow did not answer `{path}`")]
    Transport {
        /// What was asked.
        path: String,
        /// Why; without the address, which stands in the settings.
        #[source]
        source: reqwest::Error,
    },
    /// The server refused.
    #[error("MLflow refused `{path}` with {status}: {reason}")]
    Refused {
        /// What was asked.
        path: String,
        /// The HTTP status.
        status: u16,
        /// The server's word for it, and the beginning of its sentence.
        reason: String,
    },
    /// An answer lacks what its API promises.
    #[error("MLflow answered `{path}` without `{member}`")]
    Answer {
        /// What was asked.
        path: String,
        /// What is missing.
        member: &'static str,
    },
    /// Somebody deleted the experiment.
    #[error("the experiment `{0}` was deleted in MLflow: restore it there, or name another one in `mlflow.experiment`")]
    DeletedExperiment(String),
    /// Runs keep their files somewhere this program cannot write.
    #[error(
        "MLflow keeps files at `{0}`, which only its own clients reach: start it with --serve-artifacts and make a new experiment"
    )]
    Artifacts(String),
    /// The registry could not be read.
    #[error("failed to read the model registry")]
    Registry(#[from] RegistryError),
    /// A version has no manifest that can be read.
    #[error("failed to read a model's manifest")]
    Manifest(#[source] ArtifactError),
    /// It took too long.
    #[error("MLflow was given up after {0} seconds, the setting `mlflow.timeout_seconds`")]
    TimedOut(u64),
}
