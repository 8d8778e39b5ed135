//! The model registry: versions, aliases and online features on object storage, without a database.
//!
//! ```text
//! <root>/models/<model>/versions/<NNNNNNNN>.json          what a version is; never changes
//! <root>/models/<model>/aliases/<alias>/<NNNNNNNN>.json   the moves of an alias; the highest number holds
//! <root>/online/<domain>/<name>/<NNNNNNNN>.json           the states of an online feature set; the highest number holds
//! <root>/artifacts/<sha256>                               files, named by their content
//! ```
//!
//! Everything is created by put-if-absent and nothing is changed afterwards, so of two writers of the same number exactly one
//! wins on every store, a reader never sees half of anything, and a writer killed half-way leaves at most files that no
//! record names. No text from outside becomes a path: names are checked, files are found through their digest.

mod aliases;
mod artifacts;
mod error;
mod names;
mod numbered;
mod online;
mod record;
mod registry;

pub use artifacts::Digest;
pub use error::RegistryError;
pub use names::{AliasName, MoveNumber, OnlineName, StateNumber, VersionNumber};
pub use record::{AliasMove, FileRecord, ModelVersion, NewVersion, OnlineState, VersionPage};
pub use registry::Registry;
