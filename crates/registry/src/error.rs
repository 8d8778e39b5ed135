//! Why the registry refuses or fails.

use lakehouse_spec::ModelName;

use crate::{AliasMove, AliasName, VersionNumber};

/// What can go wrong in the registry.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The address has a path that no store can hold.
    #[error("`{0}` is no place for a registry: its path cannot be that of an object")]
    Address(String),
    /// The object store failed.
    #[error("failed to {act} `{path}`")]
    Store {
        /// `read`, `write` or `list`.
        act: &'static str,
        /// The object or folder, relative to the store.
        path: String,
        /// Why.
        #[source]
        source: object_store::Error,
    },
    /// A record is not what the registry writes.
    #[error("the record `{path}` cannot be read")]
    Record {
        /// The record, relative to the store.
        path: String,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// Bytes or a record are not what they were when they were registered.
    #[error("`{path}` has been damaged or changed: {reason}")]
    Damaged {
        /// The object, relative to the store.
        path: String,
        /// What was expected and what was found.
        reason: String,
    },
    /// A file name that no version may have.
    #[error("a version cannot have a file called `{0}`: names are unique, not empty and at most 200 bytes")]
    FileName(String),
    /// There is no such version.
    #[error("`{model}` has no version {version}")]
    UnknownVersion {
        /// The model.
        model: ModelName,
        /// The version.
        version: VersionNumber,
    },
    /// The version has no such file.
    #[error("version {version} of `{model}` has no file `{name}`; it has {known}")]
    UnknownFile {
        /// The model.
        model: ModelName,
        /// The version.
        version: VersionNumber,
        /// The file that was asked for.
        name: String,
        /// Comma-joined names that exist.
        known: String,
    },
    /// Somebody else moved the alias first, or the caller looked at an old state.
    #[error("`{alias}` of `{model}` has been moved in the meantime: {}", describe(winner.as_deref()))]
    Conflict {
        /// The model.
        model: ModelName,
        /// The alias.
        alias: AliasName,
        /// The move that holds now; `None` when the alias has never been moved.
        winner: Option<Box<AliasMove>>,
    },
    /// There is no earlier version to go back to.
    #[error("`{alias}` of `{model}` has no earlier version to go back to")]
    NoEarlierVersion {
        /// The model.
        model: ModelName,
        /// The alias.
        alias: AliasName,
    },
    /// Others registered faster, again and again.
    #[error("failed to find a free number in `{0}`: too many writers at once")]
    Crowded(String),
    /// The runtime stopped while files were hashed.
    #[error("failed to hash a file")]
    Hash(#[source] tokio::task::JoinError),
    /// The bytes to store could not be obtained.
    #[error("failed to read what was to be stored")]
    Input(#[source] std::io::Error),
}

fn describe(winner: Option<&AliasMove>) -> String {
    match winner {
        Some(AliasMove { number, version, reason, moved_at, .. }) => {
            format!("move {number} at {moved_at} set version {version} ({reason})")
        }
        None => "it has never been moved".to_owned(),
    }
}
