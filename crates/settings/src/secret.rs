//! Texts that are used and never shown.

use std::{fmt, path::Path};

use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use crate::{SettingsError, location};

const MASK: &str = "***";

/// A text that is `***` wherever it is displayed, debugged or serialized; an empty one is shown as empty.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Is there no text?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The given secret or, if it is empty, the first line of `file`, which may be empty too.
    pub(crate) fn read(given: Self, base: &Path, file: &str) -> Result<Self, SettingsError> {
        if !given.is_empty() || file.is_empty() {
            return Ok(given);
        }
        let path = location::absolute(base, file);
        let text = std::fs::read_to_string(&path).map_err(|source| SettingsError::SecretFile { path, source })?;
        Ok(Self(text.lines().next().unwrap_or_default().trim().to_owned()))
    }

    fn shown(&self) -> &'static str {
        if self.is_empty() { "" } else { MASK }
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.shown())
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown())
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.shown())
    }
}

/// The address of a database; its password is `***` wherever it is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    pub(crate) fn new(url: String) -> Self {
        Self(url)
    }

    /// The address with its password, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Does it hold a password?
    pub(crate) fn has_password(&self) -> bool {
        self.to_string() != self.0
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Url::parse(&self.0) {
            Ok(mut url) if url.password().is_some() => match url.set_password(Some(MASK)) {
                Ok(()) => f.write_str(url.as_str()),
                Err(()) => f.write_str(MASK),
            },
            Ok(_) => f.write_str(&self.0),
            Err(_) => f.write_str(MASK),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_shown_without_its_password() {
        let url = DatabaseUrl::new("postgres://runs:hunter2@db:5432/lakehouse?sslmode=require".to_owned());
        assert_eq!(url.to_string(), "postgres://runs:***@db:5432/lakehouse?sslmode=require");
        assert!(url.has_password() && !format!("{url:?}").contains("hunter2"));
        let file = DatabaseUrl::new("sqlite:///data/metadata.db".to_owned());
        assert_eq!((file.to_string().as_str(), file.has_password()), (file.expose(), false));
    }

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Secret("hunter2".to_owned());
        assert_eq!(secret.expose(), "hunter2");
        let shown = format!("{secret} {secret:?} {}", serde_json::to_string(&secret).expect("serializes"));
        assert_eq!(shown, r#"*** "***" "***""#);
        assert_eq!(Secret::default().to_string(), "");
    }
}
