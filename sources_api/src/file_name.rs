//! The names files may have: none of them can leave the folder or be taken for something else.

use std::fmt;

use serde::Deserialize;

const MAX_BYTES: usize = 128;

/// The name of a file in the folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct FileName(String);

/// A name that no file here can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a file name has letters, digits, `.`, `_` and `-`, at most 128 of them, with no dot at either end")]
pub struct InvalidFileName;

impl FileName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for FileName {
    type Error = InvalidFileName;

    fn try_from(name: String) -> Result<Self, InvalidFileName> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_name = (1..=MAX_BYTES).contains(&name.len())
            && name.bytes().all(is_allowed)
            // Hidden files are uploads under way; a dot at the end is no name on some systems.
            && !name.starts_with('.')
            && !name.ends_with('.');
        if is_name { Ok(Self(name)) } else { Err(InvalidFileName) }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
