//! What a client of the scoring API may rely on.

#![expect(clippy::expect_used, clippy::panic, reason = "a story that cannot go on has failed")]

mod app;
mod batches;
mod cards;
mod description;
mod networks;
mod predictions;
mod refusals;
mod running;
mod shelf;
mod swapping;
