//! Words with a fixed meaning, as the database keeps them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A word that is none of those it may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is none of {known}")]
pub struct UnknownWord {
    /// What was given.
    pub word: String,
    /// Comma-joined words that exist.
    pub known: String,
}

macro_rules! word_type {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                let known = || Self::ALL.iter().map(|known| known.as_str()).collect::<Vec<_>>().join(", ");
                let found = Self::ALL.iter().copied().find(|known| known.as_str() == word);
                found.ok_or_else(|| UnknownWord { word: word.to_owned(), known: known() })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

word_type!(
    /// What started a run.
    RunTrigger {
        /// A person, on the command line.
        Manual = "manual",
        /// The schedule.
        Schedule = "schedule",
        /// A request to the API.
        Api = "api",
        /// The continuation of a run that did not succeed.
        Resume = "resume",
        /// Earlier periods, run again.
        Backfill = "backfill",
    }
);
word_type!(
    /// How a run stands.
    RunStatus {
        /// It has not ended, as far as is known.
        Running = "running",
        /// Everything was done.
        Succeeded = "succeeded",
        /// Something went wrong.
        Failed = "failed",
        /// Its process is gone: a later run found it running under an older fence.
        Abandoned = "abandoned",
        /// It was asked to stop.
        Cancelled = "cancelled",
    }
);
word_type!(
    /// How a run says it ended.
    RunOutcome {
        /// Everything was done.
        Succeeded = "succeeded",
        /// Something went wrong.
        Failed = "failed",
        /// It was asked to stop.
        Cancelled = "cancelled",
    }
);
word_type!(
    /// How a step stands.
    StepStatus {
        /// It has not ended.
        Running = "running",
        /// It was done.
        Succeeded = "succeeded",
        /// It went wrong.
        Failed = "failed",
        /// There was nothing to do.
        Skipped = "skipped",
    }
);
word_type!(
    /// How much an event matters.
    EventLevel {
        /// Things as they should be.
        Info = "info",
        /// Somebody should look, some day.
        Warning = "warning",
        /// Somebody should look now.
        Error = "error",
    }
);
word_type!(
    /// Why a session was ended.
    SessionEnd {
        /// Its owner logged out.
        Logout = "logout",
        /// A refresh token came a second time.
        Reuse = "reuse",
        /// Its owner got another password.
        Password = "password",
        /// Its owner was disabled.
        Disabled = "disabled",
    }
);

impl From<RunOutcome> for RunStatus {
    fn from(outcome: RunOutcome) -> Self {
        match outcome {
            RunOutcome::Succeeded => Self::Succeeded,
            RunOutcome::Failed => Self::Failed,
            RunOutcome::Cancelled => Self::Cancelled,
        }
    }
}
