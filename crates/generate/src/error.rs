//! What can go wrong while a sample is made.

use std::io;
use std::path::PathBuf;

use crate::StagedError;

/// A sample that could not be made. Nothing half-written is left under a final name.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// A sample without rows was asked for.
    #[error("a sample needs at least one transaction")]
    NoTransactions,
    /// The share of damaged rows is not one.
    #[error("the share of damaged rows must lie between 0.0 and 0.5, not {share}")]
    DirtyShare {
        /// The share asked for.
        share: f64,
    },
    /// The folder could not be made.
    #[error("failed to create the folder `{path}`")]
    CreateFolder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file could not be made.
    #[error(transparent)]
    File(#[from] StagedError),
}
