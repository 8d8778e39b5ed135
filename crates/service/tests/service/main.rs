//! What a client of any service may rely on.

#![expect(clippy::expect_used, clippy::panic, reason = "a story that cannot go on has failed")]

mod accounts;
mod app;
mod draining;
mod parameters;
mod plumbing;
mod probing;
mod proxies;
mod refusals;
