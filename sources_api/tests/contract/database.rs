//! A database per story.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    sync::atomic::{AtomicU32, Ordering},
};

use futures::FutureExt;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};
use url::Url;

/// A database that goes when its story ends.
pub struct Database {
    pub url: String,
}

/// Tells a story with a database of its own.
pub async fn on_postgres(story: impl AsyncFnOnce(&Database)) {
    static STORIES: AtomicU32 = AtomicU32::new(0);
    let server = server();
    let name = format!("loads_test_{}_{}", std::process::id(), STORIES.fetch_add(1, Ordering::Relaxed));
    let server = Database { url: server };
    server.run(&format!("create database {name}")).await;
    let mut url = Url::parse(&server.url).expect("a URL");
    url.set_path(&name);
    let told = AssertUnwindSafe(story(&Database { url: url.to_string() })).catch_unwind().await;
    server.run(&format!("drop database {name} with (force)")).await;
    told.unwrap_or_else(|panic| resume_unwind(panic));
}

#[expect(clippy::disallowed_methods, reason = "the server of the tests is no setting of the programs")]
fn server() -> String {
    std::env::var("SERVICE_POSTGRES").expect("SERVICE_POSTGRES, the address of a server: see `scripts/services env`")
}

impl Database {
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.expect("the server answers")
    }

    pub async fn run(&self, sql: &str) {
        let mut connection = self.connect().await;
        connection.execute(AssertSqlSafe(sql.to_owned())).await.expect(sql);
    }

    /// The rows of a query, each as its columns joined by `|`.
    pub async fn lines(&self, sql: &str) -> Vec<String> {
        let sql =
            format!("select concat_ws('|', variadic array(select value from json_each_text(row_to_json(q)))) from ({sql}) q");
        let rows = self.connect().await.fetch_all(AssertSqlSafe(sql.clone())).await;
        rows.expect(&sql).iter().map(|row| row.get(0)).collect()
    }
}
