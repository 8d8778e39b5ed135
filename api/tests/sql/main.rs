//! SQL over HTTP, against a service on a port of its own and a lake of its own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod accounts;
mod answers;
mod aside;
mod limits;
mod lookups;
mod pages;
#[expect(dead_code, reason = "other tests use more of it")]
mod place;
mod predicates;
