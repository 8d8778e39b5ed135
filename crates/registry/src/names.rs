//! Names and numbers as types, so that none is taken for another.

use std::fmt;

use lakehouse_spec::name_type;
use serde::{Deserialize, Serialize};

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
