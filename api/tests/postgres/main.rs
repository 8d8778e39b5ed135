//! Clients of PostgreSQL at the datamart API: with a driver of its own kind, and with bytes that no driver sends.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod accounts;
mod door;
mod garbage;
#[expect(dead_code, reason = "other tests use more of it")]
#[path = "../sql/place.rs"]
mod place;
mod queries;
#[expect(dead_code, reason = "other tests use more of it")]
#[path = "../hostile/statements.rs"]
mod statements;
