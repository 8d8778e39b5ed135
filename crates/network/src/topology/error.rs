//! Why a file is no topology.

use std::{io, path::PathBuf};

use super::TopologyFormat;

/// A topology that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TopologyError {
    /// The file could not be read.
    #[error("failed to read the topology `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The name of the file does not tell its format.
    #[error("failed to tell the format of `{path}`: its name must end in .gml, .graphml or .json")]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The text does not follow its format.
    #[error("failed to read {format} in line {line}: {problem}")]
    Syntax {
        /// The format.
        format: TopologyFormat,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// The text is JSON, but not one of the shapes a topology has.
    #[error("failed to find {what} in the JSON: expected `nodes` and `links` (or `edges`) as lists of objects")]
    Shape {
        /// What is missing or of another type.
        what: String,
    },
    /// There is nothing to route over.
    #[error("failed to find a node: a topology needs at least one")]
    NoNodes,
    /// More than is meant to be held in memory and planned for.
    #[error("failed to take in {found} {what}: at most {limit} are supported, so split the network")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A node, link or demand lacks what it cannot be without.
    #[error("failed to read {subject}: it has no `{attribute}`")]
    Missing {
        /// The node, link or demand.
        subject: String,
        /// What it lacks.
        attribute: &'static str,
    },
    /// Two nodes, links or demands have one id.
    #[error("failed to tell two {what}s apart: both have the id `{id}`")]
    Duplicate {
        /// What they are.
        what: &'static str,
        /// The id.
        id: String,
    },
    /// A link or demand ends at a node that is not there.
    #[error("failed to connect {subject}: there is no node `{node}`")]
    UnknownEndpoint {
        /// The link or demand.
        subject: String,
        /// The node it names.
        node: String,
    },
    /// A value that should be a number is none.
    #[error("failed to read `{attribute}` of {subject}: `{text}` is no number")]
    BadNumber {
        /// The node, link or demand.
        subject: String,
        /// The attribute.
        attribute: &'static str,
        /// What stands there.
        text: String,
    },
    /// A number that cannot be: negative, not finite, or beyond its unit.
    #[error("failed to accept `{attribute}` of {subject}: {value} is not {allowed}")]
    OutOfRange {
        /// The node, link or demand.
        subject: String,
        /// The attribute.
        attribute: &'static str,
        /// The number.
        value: f64,
        /// What it must be.
        allowed: &'static str,
    },
    /// A setting of the derivation that cannot be.
    #[error("failed to derive what the file does not state: {setting} must be {allowed}, not {value}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What it must be.
        allowed: &'static str,
        /// What it is.
        value: f64,
    },
}
