//! A database per story.

use std::{
    error::Error,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use futures::{FutureExt, future::join_all};
use jiff::{Timestamp, ToSpan};
use lakehouse_metadata::{EventLevel, Metadata, MetadataError, NewEvent, NewRun, RunTrigger};
use lakehouse_spec::DomainName;
use serde_json::json;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};

/// A database that nobody has opened yet.
pub struct Home {
    pub url: String,
}

impl Home {
    pub async fn open(&self) -> Metadata {
        Metadata::open(&self.url).await.expect("the database opens")
    }

    /// Several handles with connections of their own, as several programs would have.
    pub async fn open_many(&self, count: usize) -> Vec<Metadata> {
        join_all((0..count).map(|_| self.open())).await
    }

    /// Changes the database behind the program's back.
    pub async fn tamper(&self, sql: &'static str) {
        let mut connection = connect(&self.url).await;
        connection.execute(sql).await.expect(sql);
        connection.close().await.expect("the connection closes");
    }
}

pub async fn connect(url: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    AnyConnection::connect(url).await.expect("the server answers")
}

pub async fn on_sqlite(story: impl AsyncFnOnce(&Home)) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("new folder/metadata.db").display()).replace(' ', "%20");
    story(&Home { url }).await;
}

pub async fn on_postgres(story: impl AsyncFnOnce(&Home)) {
    static STORIES: AtomicU32 = AtomicU32::new(0);
    let server = server();
    let name = format!("metadata_test_{}_{}", std::process::id(), STORIES.fetch_add(1, Ordering::Relaxed));
    command(&server, format!("create database {name}")).await;
    let mut url = url::Url::parse(&server).expect("a URL");
    url.set_path(&name);
    let told = AssertUnwindSafe(story(&Home { url: url.to_string() })).catch_unwind().await;
    command(&server, format!("drop database {name} with (force)")).await;
    told.unwrap_or_else(|panic| resume_unwind(panic));
}

/// Runs a statement on the server's own database.
pub async fn command(server: &str, sql: String) {
    let mut connection = connect(server).await;
    let done = connection.execute(AssertSqlSafe(sql.clone())).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    connection.close().await.expect("the connection closes");
}

/// The server that databases are created on.
#[expect(clippy::disallowed_methods, reason = "the server of the tests is no setting of the programs")]
pub fn server() -> String {
    std::env::var("SERVICE_POSTGRES").unwrap_or_else(|_| {
        panic!(
            "there is no PostgreSQL to test on: run `scripts/services up postgresql`, and set SERVICE_POSTGRES to its \
             address, as in postgres://user:password@127.0.0.1:5432/postgres"
        )
    })
}

/// An error with its causes.
pub fn chain(error: &MetadataError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Lets eight programs open a new database while somebody holds what they all need first, and lets it go then.
pub async fn eight_open_behind_a_gate(home: &Home, mut gate: AnyConnection, close: &'static str, open: &'static str) {
    gate.execute(close).await.expect(close);
    let open_one = |_| {
        let url = home.url.clone();
        tokio::spawn(async move { Metadata::open(&url).await })
    };
    let openers: Vec<_> = (0..8).map(open_one).collect();
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(!openers.iter().any(tokio::task::JoinHandle::is_finished), "the gate is closed");
    gate.execute(open).await.expect(open);
    gate.close().await.expect("the connection closes");
    for opened in join_all(openers).await {
        let metadata = opened.expect("no panic").unwrap_or_else(|error| panic!("{}", chain(&error)));
        metadata.append_events(&[new_event("any", None)]).await.expect("it is appended");
    }
    println!("8 openers behind a gate, 8 opened");
}

/// Runs `work` on every handle at the same time.
pub async fn all_at_once<T, F>(handles: &[Metadata], work: impl Fn(usize, Metadata) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(handles.len()));
    let start = |(number, handle): (usize, &Metadata)| {
        let (work, barrier) = (work(number, handle.clone()), barrier.clone());
        tokio::spawn(async move {
            barrier.wait().await;
            work.await
        })
    };
    let tasks: Vec<_> = handles.iter().enumerate().map(start).collect();
    join_all(tasks).await.into_iter().map(|done| done.expect("no task panics")).collect()
}

pub fn domain(name: &str) -> DomainName {
    name.parse().expect(name)
}

/// An instant with microseconds, `seconds` after the start of 2026.
pub fn at(seconds: i64) -> Timestamp {
    "2026-01-01T00:00:00.000001Z".parse::<Timestamp>().expect("an instant") + seconds.seconds()
}

/// A run that starts `seconds` after the start of 2026.
pub fn new_run(run: &str, in_domain: &str, seconds: i64) -> NewRun {
    NewRun {
        run: run.to_owned(),
        domain: domain(in_domain),
        trigger: RunTrigger::Manual,
        started_at: at(seconds),
        fence: 1,
        parameters: json!({"full": false}),
        request: None,
    }
}

pub fn new_event(name: &str, run: Option<&str>) -> NewEvent {
    NewEvent {
        run: run.map(str::to_owned),
        domain: domain("fraud"),
        at: at(0),
        name: name.to_owned(),
        level: EventLevel::Info,
        payload: json!({"rows": 3}),
    }
}
