//! What a client of the sources API may rely on, over a real connection.

#![expect(clippy::expect_used, reason = "a story that cannot go on has failed")]

mod app;
mod database;
mod description;
mod listing;
mod loading;
mod names;
mod pushing;
mod serving;
mod splitting;
mod starting;
mod uploads;
