//! Names and numbers as types, so that none is taken for another.

use std::{fmt, str::FromStr};

use lakehouse_spec::{DomainName, InvalidName};
use serde::{Deserialize, Serialize};

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                // The rule is the one of every name in a domain folder.
                text.parse::<DomainName>().map(|name| Self(name.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_type!(
    /// What points at a version of a model: `champion`.
    AliasName
);
name_type!(
    /// A set of online features of a domain: `card_activity`.
    OnlineName
);

impl AliasName {
    /// The version that serves.
    pub fn champion() -> Self {
        Self("champion".to_owned())
    }

    /// The version that would like to.
    pub fn challenger() -> Self {
        Self("challenger".to_owned())
    }
}

macro_rules! number_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number_type!(
    /// A version of a model, counted from 1.
    VersionNumber
);
number_type!(
    /// A move of an alias, counted from 1.
    MoveNumber
);
number_type!(
    /// A state of an online feature set, counted from 1.
    StateNumber
);
