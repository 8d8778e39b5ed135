//! What a user of the metadata database may rely on, on SQLite and on a real PostgreSQL.
//!
//! The PostgreSQL half needs a server: `SERVICE_POSTGRES` is the address of one on which databases may be created. Every
//! story gets a database of its own, which is dropped afterwards.

#![expect(clippy::expect_used, clippy::panic, reason = "a story that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a race says what was raced")]

mod contract;
mod harness;
mod postgres;
mod processes;
mod sqlite;
