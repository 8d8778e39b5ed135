//! Files of three libraries: they score as the reference runtime says, and what is wrong with one is said.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

mod golden;
mod refusals;
