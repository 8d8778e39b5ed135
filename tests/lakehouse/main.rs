//! End to end: the `lakehouse` program on real input, as a user runs it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what went wrong by panicking"
)]

mod accounts;
mod alerts;
mod bad_input;
mod buckets;
mod care;
mod clocks;
mod compaction;
mod components;
mod control;
mod database;
mod dependencies;
mod documents;
mod formats;
mod full_disks;
mod golden;
mod guards;
mod guides;
mod imported;
mod incremental;
mod ingested;
mod killed;
mod lost_answers;
mod memory;
mod mlflow;
mod network_services;
mod networks;
mod oracle;
mod pii;
mod program;
mod proxy;
mod published;
mod pushed;
mod readers;
mod registered;
mod restoring;
mod runs;
mod scored;
mod search_index;
mod services;
mod smoking;
mod verbs;
mod wired;
mod writers;
