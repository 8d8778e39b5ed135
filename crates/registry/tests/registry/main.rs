//! What a user of the registry may rely on, on a local folder.

#![expect(clippy::expect_used, reason = "a story that cannot go on has failed")]

mod aliases;
mod damage;
mod online;
mod shelf;
mod versions;
