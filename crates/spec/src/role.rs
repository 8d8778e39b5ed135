//! What somebody is to the lakehouse.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What a user is; decides what the user may do, and which tables, columns and rows a domain shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads datamarts.
    Viewer,
    /// Reads what a domain shows to it, scores, asks for runs, promotes models.
    DataScientist,
    /// May do everything.
    Admin,
    /// A program: reads, pushes rows, scores.
    Service,
}

/// A word that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role: there are viewer, data_scientist, admin and service")]
pub struct UnknownRole(pub String);

impl Role {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::DataScientist, Self::Admin, Self::Service];

    /// The role as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::DataScientist => "data_scientist",
            Self::Admin => "admin",
            Self::Service => "service",
        }
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(word: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == word).ok_or_else(|| UnknownRole(word.to_owned()))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
