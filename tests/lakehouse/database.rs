//! A PostgreSQL database per test, gone when its test ends.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};
use tokio::runtime::Runtime;
use url::Url;

use crate::components::postgres;

/// A database of its own.
pub struct Database {
    server: Url,
    name: String,
    runtime: Runtime,
}

impl Database {
    pub fn new() -> Self {
        static TESTS: AtomicU32 = AtomicU32::new(0);
        let server = postgres();
        let name = format!("lakehouse_test_{}_{}", std::process::id(), TESTS.fetch_add(1, Ordering::Relaxed));
        let database = Self { server: server.parse().unwrap(), name, runtime: Runtime::new().unwrap() };
        database.on_server(&format!("create database {}", database.name));
        database
    }

    pub fn url(&self) -> String {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url.to_string()
    }

    pub fn password(&self) -> String {
        self.server.password().unwrap().to_owned()
    }

    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.unwrap()
    }

    pub fn run(&self, sql: &str) {
        self.runtime.block_on(async {
            let done = self.connect().await.execute(AssertSqlSafe(sql.to_owned())).await;
            done.unwrap_or_else(|error| panic!("{sql}: {error}"));
        });
    }

    /// The rows of a query, each as its columns joined by `|`.
    pub fn lines(&self, sql: &str) -> Vec<String> {
        self.runtime.block_on(async { lines(&mut self.connect().await, sql).await.unwrap() })
    }

    fn on_server(&self, sql: &str) {
        self.runtime.block_on(async {
            let mut connection = PgConnection::connect(self.server.as_str()).await.unwrap();
            connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        });
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.on_server(&format!("drop database {} with (force)", self.name));
    }
}

/// The rows of a query, each as its columns joined by `|`.
pub async fn lines(connection: &mut PgConnection, sql: &str) -> sqlx::Result<Vec<String>> {
    let sql = format!(
        "select concat_ws('|', variadic array(select coalesce(value, 'null') from json_each_text(row_to_json(q)))) from ({sql}) q"
    );
    Ok(connection.fetch_all(AssertSqlSafe(sql)).await?.iter().map(|row| row.get(0)).collect())
}
