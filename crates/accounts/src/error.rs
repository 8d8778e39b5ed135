//! Why somebody is refused, and what can go wrong.

use std::{io, path::PathBuf};

use lakehouse_metadata::MetadataError;

use crate::{UnknownScope, password::PasswordRule};

/// Why a credential is refused. A client is told no more than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no credential of ours, or not good any more, or its owner is disabled: which one is not said.
    #[error("the credential is not valid: it is unknown, revoked, or of a user who is disabled")]
    Invalid,
    /// It was good, and its time is over.
    #[error("the credential has expired")]
    Expired,
    /// The name and the password do not belong together; which of them is wrong is not said.
    #[error("the name or the password is wrong")]
    Login,
    /// A refresh token came a second time.
    #[error("the refresh token was used before; its session has been ended, so log in again")]
    Reused,
}

/// What can go wrong with accounts.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// A credential is refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A password is too weak to be kept.
    #[error("the password is refused: {0}")]
    Password(#[from] PasswordRule),
    /// A word that is no scope.
    #[error("the key is refused")]
    Scope(#[from] UnknownScope),
    /// A key would allow nothing, or more than its owner may, or for too long.
    #[error("the key is refused: {0}")]
    Key(String),
    /// The metadata database failed, or does not know whom this is about.
    #[error("the accounts in the metadata database cannot be used")]
    Metadata(#[from] MetadataError),
    /// The signing key cannot be read or made.
    #[error("failed to {act} the signing key `{path}`")]
    SigningKey {
        /// What was tried.
        act: &'static str,
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A token could not be signed, or a password not be hashed.
    #[error("failed to {0}")]
    Failed(&'static str),
}
