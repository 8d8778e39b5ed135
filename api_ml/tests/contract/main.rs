//! What a client of the scoring API may rely on.

#![expect(clippy::expect_used, clippy::panic, reason = "a story that cannot go on has failed")]

mod app;
mod batches;
mod cards;
mod description;
mod formats;
mod fuzz;
mod importing;
mod killed;
mod network_refusals;
mod network_settings;
mod networks;
mod predictions;
mod recording;
mod refusals;
mod replaying;
mod running;
mod shelf;
mod swapping;
