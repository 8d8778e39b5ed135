//! Which database, and connections to it.

use std::{fmt, io, str::FromStr as _, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Executor as _,
    postgres::{PgConnectOptions, PgConnection, PgRow},
};
use url::Url;

use crate::PostgresError;

/// How long a server may take to let us in.
const PATIENCE: Duration = Duration::from_secs(10);
/// What may follow the `?` of an address. Anything else would be ignored by the driver, or is a credential.
const PARAMETERS: [&str; 7] = ["application_name", "host", "options", "sslcert", "sslkey", "sslmode", "sslrootcert"];

/// A PostgreSQL database, shown without its password. Nothing is connected yet.
#[derive(Clone)]
pub struct Database {
    options: PgConnectOptions,
    shown: String,
}

impl Database {
    /// The database of an address as `setting` gives it. What is wrong is said without repeating the text.
    pub fn parse(setting: &'static str, text: &str) -> Result<Self, PostgresError> {
        let refused = |reason| PostgresError::Address { setting, reason };
        let url = Url::parse(text).map_err(|_| refused("it is not a URL"))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(refused("it does not start with `postgres://`"));
        }
        // A `/`, `?` or `#` in a password ends the host too early, and the rest would be taken for the database's name.
        let is_cut_short = url.path().contains('@') || url.query().is_some_and(|query| query.contains('@'));
        if is_cut_short || url.fragment().is_some() {
            return Err(refused("special characters in user and password must be percent-encoded, `/` as %2F"));
        }
        if url.path().trim_matches('/').is_empty() {
            return Err(refused("it names no database: add `/` and the name"));
        }
        if url.query_pairs().any(|(key, _)| !PARAMETERS.contains(&&*key)) {
            return Err(refused("it has an unknown parameter: there are application_name, host, options and those with ssl"));
        }
        let options = PgConnectOptions::from_str(text).map_err(|_| refused("a part of it has no meaning"))?;
        let options = options.application_name("lakehouse").disable_statement_logging();
        let name = options.get_database().unwrap_or_default();
        let shown = format!("postgres://{}@{}:{}/{name}", options.get_username(), options.get_host(), options.get_port());
        Ok(Self { options, shown })
    }

    pub(crate) async fn connect(&self) -> Result<Connection, PostgresError> {
        let timed_out = |_| sqlx::Error::Io(io::Error::from(io::ErrorKind::TimedOut));
        let connected = tokio::time::timeout(PATIENCE, self.options.connect()).await.map_err(timed_out).flatten();
        match connected {
            Ok(inner) => Ok(Connection { inner, shown: self.shown.clone() }),
            Err(source) => Err(PostgresError::Connect { database: self.shown.clone(), source }),
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// A connection that says what failed. A transaction on it ends with it: dropped before `commit`, it has never been.
pub(crate) struct Connection {
    pub(crate) inner: PgConnection,
    shown: String,
}

impl Connection {
    /// Runs a statement made of checked names only.
    pub(crate) async fn run(&mut self, act: &'static str, object: &str, sql: String) -> Result<(), PostgresError> {
        match self.inner.execute(AssertSqlSafe(sql)).await {
            Ok(_) => Ok(()),
            Err(source) => Err(self.failed(act, object)(source)),
        }
    }

    /// Runs a statement made of checked names, with text values for its parameters.
    pub(crate) async fn rows(
        &mut self,
        act: &'static str,
        object: &str,
        sql: String,
        values: &[&str],
    ) -> Result<Vec<PgRow>, PostgresError> {
        let query = values.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, value| query.bind(*value));
        match query.fetch_all(&mut self.inner).await {
            Ok(rows) => Ok(rows),
            Err(source) => Err(self.failed(act, object)(source)),
        }
    }

    pub(crate) fn failed(&self, act: &'static str, object: &str) -> impl Fn(sqlx::Error) -> PostgresError + use<> {
        let (object, database) = (object.to_owned(), self.shown.clone());
        move |source| PostgresError::Query { act, object: object.clone(), database: database.clone(), source }
    }

    pub(crate) fn refused(&self, table: &impl ToString, reason: impl Into<String>) -> PostgresError {
        PostgresError::Table { table: table.to_string(), database: self.shown.clone(), reason: reason.into() }
    }

    /// One at a time per `subject`, in the order in which they come; until the transaction ends.
    pub(crate) async fn lock(&mut self, subject: &str) -> Result<(), PostgresError> {
        let sql = "select pg_advisory_xact_lock(hashtextextended($1, 0))::text".to_owned();
        self.rows("lock", subject, sql, &[&format!("lakehouse.{subject}")]).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let database = Database::parse("any", "postgres://loader:hunter2@db:5433/bank?sslmode=require").expect("an address");
        assert_eq!(
            (database.to_string().as_str(), format!("{database:?}").as_str()),
            ("postgres://loader@db:5433/bank", "postgres://loader@db:5433/bank")
        );
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused_without_being_repeated() {
        let addresses = [
            "",
            "s3cret",
            "mysql://root:s3cret@db/bank",
            "postgres://loader:s3cret@db",
            "postgres://loader:1/s3cret@db/bank",
            "postgres://loader:1?s3cret@db/bank",
            "postgres://loader:1#s3cret@db/bank",
            "postgres://loader@db/bank?password=s3cret",
            "postgres://loader@db/bank?sslmode=s3cret",
        ];
        for text in addresses {
            let error = Database::parse("source_database_url", text).expect_err(text);
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("source_database_url") && !shown.contains("s3cret"), "{shown}");
        }
        println!("{} addresses refused", addresses.len());
    }
}
