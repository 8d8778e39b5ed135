//! What may be done, in words that stand in keys, routes and documents.

use std::{fmt, str::FromStr};

use lakehouse_spec::Role;

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)+) => {
        /// One thing that may be done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Scope {
            $($(#[$doc])* $name,)+
        }

        impl Scope {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The scope as a word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }
        }
    };
}

scopes! {
    /// Read datamarts by their routes.
    DatamartsRead = "datamarts:read",
    /// Run read-only SQL.
    SqlRun = "sql:run",
    /// See runs, their steps and their events.
    RunsRead = "runs:read",
    /// Ask for runs.
    RunsStart = "runs:start",
    /// List and fetch source files.
    SourcesRead = "sources:read",
    /// Put, split and load source files.
    SourcesWrite = "sources:write",
    /// Push rows of a source.
    Ingest = "ingest",
    /// Score, and see what scores.
    Predict = "predict",
    /// Move a champion, and bring in versions that were made elsewhere.
    ModelsPromote = "models:promote",
    /// Read the audit trail.
    AuditRead = "audit:read",
}

/// A word that is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no scope: there are {}", Scopes::ALL)]
pub struct UnknownScope {
    /// What was given.
    pub word: String,
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(word: &str) -> Result<Self, UnknownScope> {
        let found = Self::ALL.iter().copied().find(|scope| scope.as_str() == word);
        found.ok_or_else(|| UnknownScope { word: word.to_owned() })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scopes(u16);

impl Scopes {
    /// Everything.
    pub const ALL: Self = Self((1 << Scope::ALL.len()) - 1);

    /// These.
    pub fn of(scopes: &[Scope]) -> Self {
        Self(scopes.iter().fold(0, |set, scope| set | 1 << *scope as u8))
    }

    /// What a role may do.
    pub fn of_role(role: Role) -> Self {
        use Scope::{DatamartsRead, Ingest, ModelsPromote, Predict, RunsRead, RunsStart, SourcesRead, SourcesWrite, SqlRun};
        match role {
            Role::Viewer => Self::of(&[DatamartsRead, SqlRun]),
            Role::DataScientist => Self::of(&[DatamartsRead, SqlRun, RunsRead, RunsStart, SourcesRead, Predict, ModelsPromote]),
            Role::Service => Self::of(&[DatamartsRead, SqlRun, RunsRead, RunsStart, SourcesRead, SourcesWrite, Ingest, Predict]),
            Role::Admin => Self::ALL,
        }
    }

    /// Is `scope` one of them?
    pub fn contain(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// Those that are in both.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Is there none?
    pub fn are_none(self) -> bool {
        self.0 == 0
    }

    /// Are all of them in `other`?
    pub fn are_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |scope| self.contain(*scope))
    }
}

impl FromStr for Scopes {
    type Err = UnknownScope;

    /// Reads words with spaces or commas between them.
    fn from_str(words: &str) -> Result<Self, UnknownScope> {
        let words = words.split([' ', ',']).filter(|word| !word.is_empty());
        let scopes = words.map(str::parse).collect::<Result<Vec<Scope>, _>>()?;
        Ok(Self::of(&scopes))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, scope) in self.iter().enumerate() {
            write!(f, "{}{scope}", if position > 0 { " " } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_they_are_written_and_only_an_admin_has_all() {
        for role in Role::ALL {
            let scopes = Scopes::of_role(role);
            assert_eq!(scopes.to_string().parse(), Ok(scopes));
            assert_eq!(scopes == Scopes::ALL, role == Role::Admin, "{role}");
            assert_eq!(scopes.contain(Scope::AuditRead), role == Role::Admin, "{role}");
        }
        assert_eq!("ingest, predict".parse(), Ok(Scopes::of(&[Scope::Ingest, Scope::Predict])));
        assert!("ingest everything".parse::<Scopes>().is_err());
        assert!(!Scopes::of(&[Scope::Ingest]).are_within(Scopes::of_role(Role::Viewer)));
    }
}
