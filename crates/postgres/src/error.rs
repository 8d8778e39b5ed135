//! Why PostgreSQL refuses or fails.

/// What can go wrong with a database. No text holds its password, nor a value of a row.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// The address cannot be used.
    #[error("the setting `{setting}` cannot be used: {reason}; write postgres://user:password@host/database")]
    Address {
        /// Where it was given.
        setting: &'static str,
        /// What is wrong, without repeating it.
        reason: &'static str,
    },
    /// The database cannot be reached, refuses the login, or is none.
    #[error("failed to connect to `{database}`")]
    Connect {
        /// The database, without its password.
        database: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A statement failed.
    #[error("failed to {act} `{object}` in `{database}`")]
    Query {
        /// What was tried.
        act: &'static str,
        /// On what.
        object: String,
        /// The database, without its password.
        database: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A table is not what it has to be.
    #[error("the table `{table}` in `{database}` {reason}")]
    Table {
        /// The table, with its schema.
        table: String,
        /// The database, without its password.
        database: String,
        /// What is wrong and what to do, as the end of a sentence.
        reason: String,
    },
    /// The rows to be published could not be read, or have no place in PostgreSQL.
    #[error("failed to make rows of `{table}`")]
    Input {
        /// The table.
        table: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl PostgresError {
    /// Whether the same call may succeed later: the database was out of reach, restarting or overloaded.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { source, .. } | Self::Query { source, .. } => match source {
                sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
                // Connection lost, transaction rolled back, resources exhausted, server going down or coming up.
                _ => code(source).is_some_and(|code| ["08", "40", "53", "57P"].iter().any(|class| code.starts_with(class))),
            },
            _ => false,
        }
    }

    /// Whether somebody else held a lock for longer than is waited.
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Query { source, .. } if code(source).is_some_and(|code| code == "55P03" || code == "40P01"))
    }

    /// Whether other objects, such as views, stand on the one that was to go.
    pub(crate) fn has_dependents(&self) -> bool {
        matches!(self, Self::Query { source, .. } if code(source).is_some_and(|code| code == "2BP01"))
    }
}

fn code(error: &sqlx::Error) -> Option<std::borrow::Cow<'_, str>> {
    error.as_database_error()?.code()
}
