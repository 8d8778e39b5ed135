//! Names as types: parsed at the border, trusted inside.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A name that does not follow the rule: lower-case letters, digits and `_`, starting with a letter, at most 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid name: use lower-case letters, digits and `_`, start with a letter, at most 64 characters")]
pub struct InvalidName(pub String);

impl InvalidName {
    /// The name, if it follows the rule.
    pub fn unless_valid(text: impl Into<String>) -> Result<String, Self> {
        let text = text.into();
        let is_valid = text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if is_valid { Ok(text) } else { Err(Self(text)) }
    }
}

/// Makes a type of names that follow the one rule, with serde's traits; the crate that uses it depends on `serde`.
#[macro_export]
macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::InvalidName;

            fn from_str(text: &str) -> Result<Self, $crate::InvalidName> {
                $crate::InvalidName::unless_valid(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::InvalidName;

            fn try_from(text: String) -> Result<Self, $crate::InvalidName> {
                $crate::InvalidName::unless_valid(text).map(Self)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_type!(
    /// A domain: `fraud`.
    DomainName
);
name_type!(
    /// A source of a domain: `transactions`.
    SourceName
);
name_type!(
    /// A column of a source or table.
    ColumnName
);
name_type!(
    /// A registered model: `fraud`.
    ModelName
);
name_type!(
    /// Somebody who may ask: `ada`.
    UserName
);

/// The schemas of a lake, in the order data flows through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schema {
    /// What arrived, typed by its contract.
    Bronze,
    /// Rows that broke a contract or a check, with the reason.
    Quarantine,
    /// Cleaned and joined.
    Silver,
    /// Windowed aggregates per event.
    Signals,
    /// Datamarts.
    Gold,
}

impl Schema {
    /// Every schema.
    pub const ALL: [Self; 5] = [Self::Bronze, Self::Quarantine, Self::Silver, Self::Signals, Self::Gold];

    /// The schema's name in SQL and in paths.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bronze => "bronze",
            Self::Quarantine => "quarantine",
            Self::Silver => "silver",
            Self::Signals => "signals",
            Self::Gold => "gold",
        }
    }
}

impl FromStr for Schema {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::ALL.into_iter().find(|schema| schema.as_str() == text).ok_or_else(|| InvalidName(text.to_owned()))
    }
}

/// A table of one domain: `gold.dm_client_features`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TableName {
    /// The schema.
    pub schema: Schema,
    /// The table inside it.
    pub table: String,
}

impl TableName {
    /// `schema.table`, checked.
    pub fn new(schema: Schema, table: &str) -> Result<Self, InvalidName> {
        InvalidName::unless_valid(table)?;
        Ok(Self { schema, table: table.to_owned() })
    }
}

impl FromStr for TableName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let (schema, table) = text.split_once('.').ok_or_else(|| InvalidName(text.to_owned()))?;
        Self::new(schema.parse()?, table)
    }
}

impl TryFrom<String> for TableName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<TableName> for String {
    fn from(name: TableName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema.as_str(), self.table)
    }
}
