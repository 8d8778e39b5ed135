//! Time travel: which version of a table is meant.

use std::{fmt, pin::pin, str::FromStr};

use futures::TryStreamExt as _;
use lakehouse_spec::{DomainName, FieldError, TableName, parse_timestamp};

use crate::{Lake, LakeError, LakeTable, log, store::qualified};

/// A version of tables: by number, or the one that was current at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// This version.
    Version(u64),
    /// The last version committed until then, in microseconds since 1970.
    Instant(i64),
}

impl FromStr for At {
    type Err = FieldError;

    /// Reads a whole number as a version and everything else as an instant, in UTC unless it says otherwise.
    fn from_str(text: &str) -> Result<Self, FieldError> {
        match text.parse() {
            Ok(version) => Ok(Self::Version(version)),
            Err(_) => parse_timestamp(text.as_bytes()).map(Self::Instant),
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "version {version}"),
            Self::Instant(micros) => write!(f, "{micros} µs after 1970"),
        }
    }
}

impl Lake {
    /// A table as it was; an error when it was not there yet, or its files are gone.
    pub async fn table_as_of(&self, domain: &DomainName, name: &TableName, at: At) -> Result<LakeTable, LakeError> {
        let gone = || LakeError::UnknownVersion { table: qualified(domain, name), at };
        if !self.is_shown(domain, name) {
            return Err(gone());
        }
        let version = match at {
            At::Version(version) => version,
            At::Instant(micros) => self.version_at(domain, name, micros).await?.ok_or_else(gone)?,
        };
        match self.table(domain, name).await? {
            Some(now) if now.version == version => Ok(now),
            Some(now) if now.version > version => self.table_at(domain, name, version).await?.ok_or_else(gone),
            _ => Err(gone()),
        }
    }

    /// The last version whose commit is not younger than `micros`. Instants of commits are those the writers noted.
    async fn version_at(&self, domain: &DomainName, name: &TableName, micros: i64) -> Result<Option<u64>, LakeError> {
        let failed = |source| LakeError::Log { table: qualified(domain, name), source: Box::new(source) };
        let Some(table) = self.load(domain, name).await? else { return Ok(None) };
        let mut commits = pin!(log::commits(&table.log_store(), table.version().unwrap_or_default(), 0));
        while let Some(commit) = commits.try_next().await.map_err(failed)? {
            if commit.timestamp_ms().is_some_and(|milliseconds| milliseconds.saturating_mul(1000) <= micros) {
                return Ok(Some(commit.version));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::At;

    #[test]
    fn a_number_is_a_version_and_the_rest_an_instant() {
        assert_eq!("3".parse(), Ok(At::Version(3)));
        assert_eq!("1970-01-01 00:00:01".parse(), Ok(At::Instant(1_000_000)));
        assert_eq!("1970-01-01T01:00:01+01:00".parse(), Ok(At::Instant(1_000_000)));
        for text in ["", "-1", "yesterday", "2026-13-01"] {
            assert!(text.parse::<At>().is_err(), "{text}");
        }
    }
}
