//! End to end: the `lakehouse` program on real input, as a user runs it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what went wrong by panicking"
)]

mod alerts;
mod bad_input;
mod buckets;
mod care;
mod compaction;
mod components;
mod control;
mod formats;
mod golden;
mod guards;
mod incremental;
mod killed;
mod oracle;
mod pii;
mod program;
mod pushed;
mod readers;
mod restoring;
mod runs;
mod services;
mod verbs;
