//! SQL over HTTP, against a service on a port of its own and a lake of its own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by panicking")]

mod accounts;
mod answers;
mod aside;
mod limits;
mod lookups;
mod pages;
mod place;
mod predicates;
