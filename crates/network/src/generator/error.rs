//! What can go wrong while a sample is made.

use std::{io, path::PathBuf};

use lakehouse_generate::StagedError;

use crate::topology::TopologyError;

/// A sample that could not be made. Nothing half-written is left under a final name.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// An argument is out of its range.
    #[error("failed to accept `{what}` of {value}: it must be {allowed}")]
    Argument {
        /// The argument.
        what: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        allowed: &'static str,
    },
    /// The made-up network is none.
    #[error("failed to make up a network")]
    Topology(#[from] TopologyError),
    /// The receiver of the rows refused one.
    #[error("failed to hand over a row")]
    Sink(#[source] io::Error),
    /// The folder could not be made or looked into.
    #[error("failed to open the folder `{path}`")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The folder holds logs that would be taken for part of this sample.
    #[error("failed to use the folder: `{path}` is there and is not of this sample, so move it away first")]
    Stale {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be made.
    #[error(transparent)]
    File(#[from] StagedError),
}
