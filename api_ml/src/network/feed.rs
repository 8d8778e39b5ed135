//! The online states that make a network.

use bytes::Bytes;
use lakehouse_registry::{OnlineState, Registry, RegistryError};
use lakehouse_spec::{DomainName, InvalidName};
use tokio::task::JoinError;

use super::snapshot::{Snapshot, SnapshotError};

/// Topology, flows and features, by the tables that the pipeline hands over.
const STATES: [&str; 3] = ["entities", "flows", "dm_latest_features"];

/// The numbers of the states: the same ones are the same network.
pub type Numbers = [u32; 3];

/// The latest states, not read yet.
pub struct Feed([OnlineState; 3]);

/// The states' bytes.
pub struct Parts([Bytes; 3]);

/// Why there is no network.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// A state cannot have this name.
    #[error("failed to name a state")]
    Name(#[from] InvalidName),
    /// The registry has not got it.
    #[error("failed to read it from the registry")]
    Registry(#[from] RegistryError),
    /// The states are no network.
    #[error("the states are no network")]
    Snapshot(#[from] SnapshotError),
    /// Reading it panicked.
    #[error("reading it broke off")]
    Broken(#[from] JoinError),
}

impl Feed {
    /// The latest states; none until there is one of each.
    pub async fn latest(registry: &Registry, domain: &DomainName) -> Result<Option<Self>, FeedError> {
        let mut states = Vec::with_capacity(STATES.len());
        for name in STATES {
            match registry.latest_online(domain, &name.parse()?).await? {
                Some(state) => states.push(state),
                None => return Ok(None),
            }
        }
        Ok(states.try_into().ok().map(Self))
    }

    /// Their numbers.
    pub fn numbers(&self) -> Numbers {
        self.0.each_ref().map(|state| state.number.0)
    }

    /// Their bytes, verified.
    pub async fn read(&self, registry: &Registry) -> Result<Parts, FeedError> {
        let [entities, flows, features] = &self.0;
        let read = |state| registry.read_online(state);
        Ok(Parts([read(entities).await?, read(flows).await?, read(features).await?]))
    }
}

impl Parts {
    /// The network they are.
    pub fn snapshot(&self) -> Result<Snapshot, SnapshotError> {
        let [entities, flows, features] = &self.0;
        Snapshot::read(entities, flows, features)
    }
}
