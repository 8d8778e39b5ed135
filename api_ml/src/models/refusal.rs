//! Why something in the registry is not served.

use lakehouse_models::ArtifactError;
use lakehouse_registry::RegistryError;
use lakehouse_signals::PortableError;
use tokio::task::JoinError;

/// Why a version or a state was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The registry has not got it, or not any more what was registered.
    #[error("failed to read it from the registry")]
    Registry(#[from] RegistryError),
    /// Its files are no model.
    #[error("its files are not a model")]
    Artifact(#[from] ArtifactError),
    /// It is no online state.
    #[error("its bytes are not an online state")]
    State(#[from] PortableError),
    /// Loading it panicked.
    #[error("loading it broke off")]
    Broken(#[from] JoinError),
}

impl LoadError {
    /// May the next look find the same thing in order? Then it is tried again; everything else is final for that number.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Registry(RegistryError::Store { .. }))
    }
}
