//! What SQLite and PostgreSQL want said differently.

use std::time::Duration;

/// How long to wait for a free connection, a locked file or a server that does not answer.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What one of the databases wants.
#[derive(Debug)]
pub struct Backend {
    /// Run once, before the schema is looked at; outside a transaction.
    pub prepare: &'static str,
    /// Run on every connection that writes.
    pub session: &'static str,
    /// Run on every connection that only reads, instead.
    pub reader_session: &'static str,
    /// Starts a transaction that will write.
    pub begin: &'static str,
    /// Starts the transaction of whoever brings the schema up to date, while everybody else waits.
    pub begin_schema: &'static str,
    /// Whether its clock is one for all, or that of whoever asks.
    pub has_clock: bool,
    /// Connections that write.
    pub writers: u32,
    /// Connections that only read; 0 when the writers read as well.
    pub readers: u32,
}

/// One writer at a time, by its own lock: a second connection would only wait inside SQLite. Readers see the last commit
/// and wait for nobody. Every commit reaches the disk, so that a fence is not forgotten when the power fails. A transaction
/// takes the lock at its start, because one that reads first and writes later fails instead of waiting.
pub const SQLITE: Backend = Backend {
    prepare: "pragma busy_timeout = 10000; pragma journal_mode = wal",
    session: "pragma busy_timeout = 10000; pragma synchronous = full; pragma foreign_keys = on",
    reader_session: "pragma busy_timeout = 10000; pragma query_only = on",
    begin: "begin immediate",
    begin_schema: "begin immediate",
    has_clock: false,
    writers: 1,
    readers: 4,
};

/// A statement that hangs is given up, and a client that hangs inside a transaction loses it, so that neither keeps a lease
/// locked for ever. Whoever waits for a row or for the schema must see what the one before it committed, whatever isolation
/// the server was set to. The number of the lock is arbitrary.
pub const POSTGRES: Backend = Backend {
    prepare: "set client_min_messages = warning; set statement_timeout = '10min'; \
              set idle_in_transaction_session_timeout = '30s'; \
              set session characteristics as transaction isolation level read committed",
    session: "set client_min_messages = warning; set statement_timeout = '30s'; \
              set idle_in_transaction_session_timeout = '30s'; \
              set session characteristics as transaction isolation level read committed",
    reader_session: "",
    begin: "begin",
    begin_schema: "begin; select pg_advisory_xact_lock(5230718264419917)",
    has_clock: true,
    writers: 8,
    readers: 0,
};
