//! A model version that may serve.

use jiff::Timestamp;
use lakehouse_models::{FORM_FILE, MANIFEST_FILE, Model};
use lakehouse_registry::{AliasMove, Registry};
use tokio::task::spawn_blocking;

use super::refusal::LoadError;

/// A loaded version and the move that made it champion.
#[derive(Debug)]
pub struct Champion {
    /// The move.
    pub promotion: AliasMove,
    /// When the version was trained.
    pub trained_at: Timestamp,
    /// The model.
    pub model: Model,
}

impl Champion {
    /// Reads the version that `promotion` points at, with its files verified, and scores its sample rows again.
    pub async fn load(registry: &Registry, promotion: AliasMove) -> Result<Self, LoadError> {
        let (name, version) = (&promotion.model, promotion.version);
        let trained_at = registry.version(name, version).await?.created_at;
        let manifest = registry.read_file(name, version, MANIFEST_FILE).await?;
        let form = registry.read_file(name, version, FORM_FILE).await?;
        // A large forest takes a while to parse.
        let model = spawn_blocking(move || Model::load(&manifest, &form)).await??;
        Ok(Self { promotion, trained_at, model })
    }
}
