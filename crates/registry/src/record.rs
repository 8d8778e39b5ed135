//! What the registry keeps, and what it is given.

use bytes::Bytes;
use jiff::Timestamp;
use lakehouse_spec::{DomainName, ModelName};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{AliasName, MoveNumber, OnlineName, StateNumber, VersionNumber, artifacts::Digest};

/// What becomes a version.
#[derive(Debug, Clone)]
pub struct NewVersion {
    /// How the model came to be: family, parameters, metrics, table versions read, …
    pub manifest: Value,
    /// The model's files, by name.
    pub files: Vec<(String, Bytes)>,
    /// When it was trained.
    pub created_at: Timestamp,
}

/// A registered version; it never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelVersion {
    /// The model.
    pub model: ModelName,
    /// The version.
    pub version: VersionNumber,
    /// When it was trained.
    pub created_at: Timestamp,
    /// How the model came to be.
    pub manifest: Value,
    /// The model's files, in the order they were given.
    pub files: Vec<FileRecord>,
    /// Tells a write whose answer was lost from somebody else's.
    pub(crate) write_id: String,
}

/// A file of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// Its name; never a path.
    pub name: String,
    /// The digest of its content.
    pub sha256: Digest,
    /// Its length.
    pub size_bytes: u64,
}

/// A part of a model's versions, newest first.
#[derive(Debug, Clone, Copy)]
pub struct VersionPage {
    /// Start below this version; `None` starts at the newest.
    pub before: Option<VersionNumber>,
    /// At most so many.
    pub limit: usize,
}

/// A move of an alias; it never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AliasMove {
    /// The model.
    pub model: ModelName,
    /// The alias.
    pub alias: AliasName,
    /// The move.
    pub number: MoveNumber,
    /// Where the alias points from this move on.
    pub version: VersionNumber,
    /// The earlier move that a rollback went back to; `None` for a promotion.
    pub restores: Option<MoveNumber>,
    /// Why it was moved.
    pub reason: String,
    /// When it was moved.
    pub moved_at: Timestamp,
    /// Tells a write whose answer was lost from somebody else's.
    pub(crate) write_id: String,
}

/// A state of an online feature set; it never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnlineState {
    /// The domain.
    pub domain: DomainName,
    /// The feature set.
    pub name: OnlineName,
    /// The state.
    pub number: StateNumber,
    /// The digest of its content.
    pub sha256: Digest,
    /// Its length.
    pub size_bytes: u64,
    /// When it was stored.
    pub stored_at: Timestamp,
    /// Tells a write whose answer was lost from somebody else's.
    pub(crate) write_id: String,
}

/// A new value of a record's `write_id`.
pub(crate) fn write_id() -> String {
    format!("{:016x}", rand::random::<u64>())
}
