//! The state of online features: written by the pipeline, read by scoring, with the same guarantees as a model.

use std::io;

use bytes::Bytes;
use futures::Stream;
use jiff::Timestamp;
use lakehouse_spec::DomainName;

use crate::{
    OnlineName, OnlineState, Registry, RegistryError, StateNumber, artifacts::Digest, numbered::Numbered, record::write_id,
};

impl Registry {
    fn state_records(&self, domain: &DomainName, name: &OnlineName) -> Numbered<'_> {
        self.numbered(&["online", domain.as_str(), name.as_str()])
    }

    /// Stores a state, which becomes the latest. What equals the latest state is that state.
    pub async fn put_online(&self, domain: &DomainName, name: &OnlineName, bytes: Bytes) -> Result<OnlineState, RegistryError> {
        let size_bytes = bytes.len() as u64;
        let digest = self.artifacts().put(bytes).await?;
        self.point_online(domain, name, digest, size_bytes).await
    }

    /// Like [`Registry::put_online`], for a state that is too large to be held at once.
    pub async fn put_online_stream(
        &self,
        domain: &DomainName,
        name: &OnlineName,
        bytes: impl Stream<Item = io::Result<Bytes>> + Send,
    ) -> Result<OnlineState, RegistryError> {
        let (digest, size_bytes) = self.artifacts().put_stream(bytes).await?;
        self.point_online(domain, name, digest, size_bytes).await
    }

    async fn point_online(
        &self,
        domain: &DomainName,
        name: &OnlineName,
        sha256: Digest,
        size_bytes: u64,
    ) -> Result<OnlineState, RegistryError> {
        let next = |latest: Option<&OnlineState>, number| {
            let is_same = latest.is_some_and(|latest| latest.sha256 == sha256);
            (!is_same).then(|| OnlineState {
                domain: domain.clone(),
                name: name.clone(),
                number: StateNumber(number),
                sha256: sha256.clone(),
                size_bytes,
                stored_at: Timestamp::now(),
                write_id: write_id(),
            })
        };
        self.state_records(domain, name).append(next).await
    }

    /// The latest state, if there is one. Compare its number with that of the state at hand before reading it.
    pub async fn latest_online(&self, domain: &DomainName, name: &OnlineName) -> Result<Option<OnlineState>, RegistryError> {
        self.state_records(domain, name).latest().await
    }

    /// The bytes of a state, verified.
    pub async fn read_online(&self, state: &OnlineState) -> Result<Bytes, RegistryError> {
        self.artifacts().get(&state.sha256, state.size_bytes).await
    }
}
