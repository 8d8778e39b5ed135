//! What holds on PostgreSQL only.

use std::time::{Duration, Instant};

use lakehouse_metadata::{EventFilter, Metadata, MetadataError};
use sqlx::{Connection, Executor};
use url::Url;

use crate::harness::{Home, all_at_once, chain, connect, eight_open_behind_a_gate, new_event, new_run, on_postgres};

const EVERYTHING: EventFilter = EventFilter { run: None, domain: None, after: 0, limit: 1_000 };

/// Ends every other connection to the database, as a restart of the server would.
const KILL_THE_OTHERS: &str = "select 1::bigint from (
    select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
) as killed";

#[tokio::test]
async fn a_wrong_password_is_refused_and_not_printed() {
    on_postgres(async |home: &Home| {
        let mut url = Url::parse(&home.url).expect("a URL");
        url.set_password(Some("wr0ng-pa55word")).expect("a password");
        let error = Metadata::open(url.as_str()).await.expect_err("the password is wrong");
        assert!(matches!(&error, MetadataError::Connect { .. }) && !error.is_transient(), "{error:?}");
        let text = format!("{} {error:?}", chain(&error));
        assert!(text.contains("password authentication failed"), "{text}");
        assert!(!text.contains("wr0ng-pa55word"), "{text}");
        let text = format!("{:?}", home.open().await);
        let password = Url::parse(&home.url).expect("a URL").password().expect("a password").to_owned();
        assert!(text.contains("postgres://") && !text.contains(&password), "{text}");
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_missing_and_a_server_that_is_away_are_told_apart() {
    on_postgres(async |home: &Home| {
        let mut url = Url::parse(&home.url).expect("a URL");
        url.set_path("no_such_database");
        let missing = Metadata::open(url.as_str()).await.expect_err("there is none");
        assert!(
            chain(&missing).contains("\"no_such_database\" does not exist") && !missing.is_transient(),
            "{}",
            chain(&missing)
        );
        url.set_port(Some(1)).expect("a port");
        let started = Instant::now();
        let away = Metadata::open(url.as_str()).await.expect_err("nobody listens");
        assert!(away.is_transient() && started.elapsed() < Duration::from_secs(5), "{}", chain(&away));
    })
    .await;
}

#[tokio::test]
async fn connections_that_broke_are_replaced() {
    on_postgres(async |home: &Home| {
        let metadata = home.open().await;
        let mut killer = connect(&home.url).await;
        for round in 0..5 {
            metadata.start_run(&new_run(&format!("run {round}"), "fraud", round)).await.expect("it starts");
            killer.execute(KILL_THE_OTHERS).await.expect("they are ended");
        }
        assert!(metadata.run("run 4").await.expect("it reads").is_some());
        killer.close().await.expect("it closes");
    })
    .await;
}

#[tokio::test]
async fn an_append_whose_connection_is_killed_leaves_nothing_and_the_next_one_succeeds() {
    on_postgres(async |home: &Home| {
        let metadata = home.open().await;
        let mut killer = connect(&home.url).await;
        killer.execute("begin; lock table runs in access exclusive mode").await.expect("it locks");
        // The second event refers to a run, which waits for the lock: the numbers are taken and the first event is in.
        let append = tokio::spawn({
            let metadata = metadata.clone();
            async move { metadata.append_events(&[new_event("first", None), new_event("second", Some("any"))]).await }
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!append.is_finished());
        killer.execute(KILL_THE_OTHERS).await.expect("they are ended");
        let error = append.await.expect("no panic").expect_err("its connection is gone");
        assert!(error.is_transient(), "{}", chain(&error));
        killer.execute("rollback").await.expect("it unlocks");
        killer.close().await.expect("it closes");
        assert_eq!(metadata.append_events(&[new_event("third", None)]).await.expect("it is appended"), [1]);
        let names: Vec<String> =
            metadata.events(&EVERYTHING).await.expect("it reads").into_iter().map(|event| event.name).collect();
        assert_eq!(names, ["third"]);
    })
    .await;
}

/// Under which a transaction that had to wait fails, or does not see what it waited for.
const STRICTEST: &str = "do $$ begin
    execute format('alter database %I set default_transaction_isolation = serializable', current_database());
end $$";

#[tokio::test]
async fn the_isolation_that_a_server_is_set_to_does_not_matter() {
    on_postgres(async |home: &Home| {
        home.tamper(STRICTEST).await;
        let handles = home.open_many(8).await;
        let appended = all_at_once(&handles, |_, metadata| async move {
            for _ in 0..10 {
                metadata.append_events(&[new_event("any", None)]).await.expect("it is appended");
            }
        });
        appended.await;
        assert_eq!(handles[0].events(&EVERYTHING).await.expect("it reads").len(), 80);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn openers_that_meet_at_the_first_table_make_one_schema() {
    on_postgres(async |home: &Home| {
        let gate = connect(&home.url).await;
        eight_open_behind_a_gate(home, gate, "begin; create table _sqlx_migrations (version bigint)", "rollback").await;
    })
    .await;
}
