use futures::future::join_all;
use lakehouse_metadata::{Metadata, MetadataError};

use crate::harness::{Home, all_at_once, chain, domain, new_event, new_run};

pub async fn eight_openers_at_once_make_one_schema(home: &Home) {
    let opened = join_all((0..8).map(|_| {
        let url = home.url.clone();
        tokio::spawn(async move { Metadata::open(&url).await })
    }));
    let handles: Vec<Metadata> =
        opened.await.into_iter().map(|opened| opened.expect("no panic").expect("every opener succeeds")).collect();
    let started = all_at_once(&handles, |number, metadata| async move {
        metadata.start_run(&new_run(&format!("run {number}"), "fraud", 0)).await
    });
    assert!(started.await.iter().all(Result::is_ok));
    println!("8 openers at once, 8 opened, 8 wrote");
}

pub async fn what_was_recorded_is_there_after_a_restart(home: &Home) {
    let metadata = home.open().await;
    metadata.start_run(&new_run("first", "fraud", 0)).await.expect("it starts");
    metadata.append_events(&[new_event("run.started", Some("first"))]).await.expect("it is appended");
    metadata.close().await;
    let metadata = home.open().await;
    assert_eq!(metadata.last_run(&domain("fraud")).await.expect("it reads").expect("a run").run, "first");
    assert_eq!(metadata.append_events(&[new_event("run.resumed", Some("first"))]).await.expect("it is appended"), [2]);
}

pub async fn a_database_from_a_newer_program_is_refused_and_left_alone(home: &Home) {
    home.open().await.close().await;
    home.tamper(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         select 99, 'later', success, checksum, 0 from _sqlx_migrations where version = 1",
    )
    .await;
    let error = Metadata::open(&home.url).await.expect_err("it is newer");
    assert!(matches!(error, MetadataError::Newer { found: 99, known: 4, .. }), "{error:?}");
    assert!(!error.is_transient());
    let text = chain(&error);
    assert!(text.contains("was written by a newer version of this program: it has schema 99"), "{text}");
    assert!(text.ends_with("use the newer program, or another database"), "{text}");
    home.tamper("delete from _sqlx_migrations where version = 99").await;
    home.open().await;
}

pub async fn a_schema_of_another_build_is_refused(home: &Home) {
    home.open().await.close().await;
    home.tamper(
        "update _sqlx_migrations set checksum = (select checksum from _sqlx_migrations where version = 2) where version = 1",
    )
    .await;
    let error = Metadata::open(&home.url).await.expect_err("it differs");
    assert!(matches!(error, MetadataError::OtherSchema { version: 1, .. }), "{error:?}");
}

pub async fn a_closed_database_refuses_calls_and_other_handles_go_on(home: &Home) {
    let (closed, open) = (home.open().await, home.open().await);
    let clone = closed.clone();
    closed.close().await;
    clone.run("any").await.expect_err("it is closed");
    clone.append_events(&[new_event("any", None)]).await.expect_err("it is closed");
    open.append_events(&[new_event("any", None)]).await.expect("it is open");
}
