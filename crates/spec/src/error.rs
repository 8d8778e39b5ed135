//! Why a domain folder is refused.

use crate::names::InvalidName;

/// A domain folder that cannot be used, with the file that is at fault.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// No embedded or given folder has this name.
    #[error("no domain is called `{name}`; known: {known}")]
    UnknownDomain {
        /// The name that was asked for.
        name: String,
        /// Comma-joined names that exist.
        known: String,
    },
    /// A file could not be read.
    #[error("failed to read `{path}`")]
    Read {
        /// The file or folder.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A TOML file does not have the expected shape.
    #[error("`{path}` is not valid")]
    Toml {
        /// The file, relative to the domain folder.
        path: String,
        /// Line, column and reason.
        #[source]
        source: toml::de::Error,
    },
    /// A name that cannot exist.
    #[error("`{path}` uses an invalid name")]
    Name {
        /// The file, relative to the domain folder.
        path: String,
        /// Which name and why.
        #[source]
        source: InvalidName,
    },
    /// A rule between several keys is broken.
    #[error("`{path}`: {reason}")]
    Rule {
        /// The file, relative to the domain folder.
        path: String,
        /// What is wrong and what would be right.
        reason: String,
    },
}

impl SpecError {
    pub(crate) fn rule(path: &str, reason: impl Into<String>) -> Self {
        Self::Rule { path: path.to_owned(), reason: reason.into() }
    }
}
