//! Why the metadata database refuses or fails.

use sqlx::migrate::MigrateError;

use crate::RunStatus;

/// What can go wrong with the metadata database. No text holds its password.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// The address cannot be used.
    #[error(
        "the address of the metadata database cannot be used: {0}; write sqlite:///folder/metadata.db or \
         postgres://user:password@host/database"
    )]
    Address(&'static str),
    /// The folder of a SQLite file could not be made.
    #[error("failed to make the folder `{path}`")]
    Folder {
        /// The folder.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A SQLite file could not be made or may not be written.
    #[error("failed to open the database file `{path}` for writing")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database cannot be reached, refuses the login, or is none.
    #[error("failed to connect to the metadata database `{address}`")]
    Connect {
        /// The database, without its password.
        address: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A newer program has changed the schema.
    #[error(
        "the metadata database `{address}` was written by a newer version of this program: it has schema {found} and this \
         program knows those up to {known}; use the newer program, or another database"
    )]
    Newer {
        /// The database, without its password.
        address: String,
        /// The latest schema it has.
        found: i64,
        /// The latest schema that is known here.
        known: i64,
    },
    /// The schema has the right number and the wrong content.
    #[error(
        "schema {version} of the metadata database `{address}` is not the one of this program: it was made by an unreleased \
         build; use that build, or another database"
    )]
    OtherSchema {
        /// The database, without its password.
        address: String,
        /// The schema that differs.
        version: i64,
    },
    /// The schema could not be brought up to date.
    #[error("failed to bring the metadata database `{address}` up to date")]
    Schema {
        /// The database, without its password.
        address: String,
        /// Why.
        #[source]
        source: MigrateError,
    },
    /// A statement failed.
    #[error("failed to {act} `{object}` in the metadata database")]
    Query {
        /// What was tried: `start run`.
        act: &'static str,
        /// On what.
        object: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A row is not what this program writes.
    #[error("the metadata database has been changed by hand: `{column}` of {table} cannot be read: {reason}")]
    Damaged {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A run of that name has been started before.
    #[error("there is a run `{0}` already: a run's name is never used again")]
    RunExists(String),
    /// A request that waits no longer.
    #[error("the request `{0}` was answered elsewhere")]
    RequestTaken(String),
    /// There is no such run.
    #[error("there is no run `{0}`: start it before anything is recorded of it")]
    UnknownRun(String),
    /// The name of a user is taken; also by one who is disabled.
    #[error("there is a user `{0}` already")]
    UserExists(String),
    /// There is no such user.
    #[error("there is no user `{0}`")]
    UnknownUser(String),
    /// There is no such API key, or it was revoked before.
    #[error("there is no API key `{0}` that could be revoked")]
    UnknownKey(String),
    /// The run has ended in another way, or somebody else has given it up.
    #[error("run `{run}` is {status} and cannot end again")]
    RunEnded {
        /// The run.
        run: String,
        /// How it ended.
        status: RunStatus,
    },
}

impl MetadataError {
    /// Whether the same call may succeed later: the database was out of reach, restarting or overloaded. The call may have
    /// had its effect all the same; everything but `append_events` can be repeated without harm.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { source, .. } | Self::Query { source, .. } => is_passing(source),
            Self::Schema { source: MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _), .. } => {
                is_passing(source)
            }
            _ => false,
        }
    }
}

/// Whether SQLite has not waited for somebody else's lock.
pub fn is_busy(error: &MetadataError) -> bool {
    let source = match error {
        MetadataError::Connect { source, .. } => source,
        MetadataError::Schema { source: MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _), .. } => source,
        _ => return false,
    };
    sqlite_code(source).is_some_and(is_lock_code)
}

fn is_passing(source: &sqlx::Error) -> bool {
    match source {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => match sqlite_code(source) {
            Some(code) => is_lock_code(code),
            // Connection lost, transaction rolled back, resources exhausted, server going down or coming up.
            None => error.code().is_some_and(|code| ["08", "40", "53", "57P"].iter().any(|class| code.starts_with(class))),
        },
        _ => false,
    }
}

/// PostgreSQL's codes have five characters, SQLite's numbers at most four.
fn sqlite_code(source: &sqlx::Error) -> Option<u32> {
    let code = source.as_database_error()?.code()?;
    if code.len() < 5 { code.parse().ok() } else { None }
}

/// The low byte says what happened, the rest in which way: 5 is a database locked by another connection, 6 a locked table.
fn is_lock_code(code: u32) -> bool {
    matches!(code & 0xff, 5 | 6)
}
