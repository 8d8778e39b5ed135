//! Why settings are refused.

use std::path::PathBuf;

/// Settings that cannot be used, with the place that is at fault.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The working directory is gone or may not be read.
    #[error("failed to find the working directory")]
    WorkingDirectory(#[source] std::io::Error),
    /// A settings file that was asked for is not there.
    #[error("there is no settings file `{0}`")]
    Missing(PathBuf),
    /// A key that is no setting.
    #[error("{place} sets `{key}`, which is no setting; there {verb} {known}", verb = if known.contains(',') { "are" } else { "is" })]
    UnknownKey {
        /// The file, variable or flag.
        place: String,
        /// The key, with its section.
        key: String,
        /// Comma-joined keys that exist in that section.
        known: String,
    },
    /// A layer is not TOML, or a value has the wrong type.
    #[error("failed to read the settings")]
    Value(#[source] Box<figment::Error>),
    /// A file that holds a secret cannot be read.
    #[error("failed to read the secret in `{path}`")]
    SecretFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The store of a URI cannot be opened.
    #[error("failed to open the store of `{uri}`")]
    Store {
        /// The URI.
        uri: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A value of the right type that cannot be used.
    #[error("`{key}` is `{value}`: {reason}")]
    Rule {
        /// The key, with its section.
        key: &'static str,
        /// What was given.
        value: String,
        /// What is wrong and what would be right.
        reason: &'static str,
    },
}

impl SettingsError {
    pub(crate) fn value(error: figment::Error) -> Self {
        Self::Value(Box::new(error))
    }

    pub(crate) fn rule(key: &'static str, value: impl ToString, reason: &'static str) -> Self {
        Self::Rule { key, value: value.to_string(), reason }
    }
}
