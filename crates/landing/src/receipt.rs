//! What makes a push count.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What a client calls a push, or a name of our own. Two pushes of one name are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushKey(String);

impl PushKey {
    /// The client's name for it.
    pub fn of(key: &str) -> Self {
        Self(hex::encode(Sha256::digest(key.as_bytes())))
    }

    /// A name that nobody has used.
    pub fn unique() -> Self {
        Self::of(&unique())
    }

    pub(crate) fn digest(&self) -> &str {
        &self.0
    }

    /// A name for the rows of a push of this key: the instant first, so that pushes are gathered in the order in which they came.
    pub(crate) fn name_rows(&self) -> String {
        format!("{:020}-{}-{}.ndjson.zst", Timestamp::now().as_microsecond(), self.0, unique())
    }

    /// The key of the push whose rows have this name.
    pub(crate) fn in_name(rows: &str) -> Option<Self> {
        rows.split('-').nth(1).map(|digest| Self(digest.to_owned()))
    }
}

/// A name that no other writer picks.
pub(crate) fn unique() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// A row that was refused at the door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRow {
    /// Its place in the push, from 1.
    pub row: u64,
    /// The rule it breaks; holds no value of the row.
    pub reason: String,
}

/// What became of a push; it never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// When it was received.
    pub received_at: Timestamp,
    /// SHA-256 of the whole body, in hexadecimal.
    pub sha256: String,
    /// Rows that wait for the next run.
    pub accepted: u64,
    /// Rows that were refused.
    pub refused: u64,
    /// The first of them.
    pub refused_rows: Vec<RefusedRow>,
    /// The object that holds the accepted rows.
    pub(crate) rows: String,
}
