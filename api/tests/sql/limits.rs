//! Queries in their turn, stopped when they should be, with the cores free afterwards.

use std::time::{Duration, Instant};

use reqwest::{StatusCode, header};
use serde_json::json;

use crate::place::{Place, read};

/// Runs for hours and gives its first row at the end.
const ENDLESS: &str = "select count(*) from silver.numbers a, silver.numbers b, silver.numbers c where a.n < b.n + c.n";
/// Gives rows at once and for hours.
const FLOOD: &str = "select a.n, b.word, c.half from silver.numbers a, silver.numbers b, silver.numbers c";

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_is_stopped_frees_the_cores() {
    let place = Place::with(20_000, |settings| settings.sql.queries_at_once = 2).await;
    let quick = json!({ "sql": "select count(*) as c from silver.numbers" });
    let alone = Instant::now();
    assert_eq!(place.ask(&quick).await.0, 200);
    let alone = alone.elapsed();

    // Two by their time limit, two by hanging up: each takes a place, so a fifth would find none if they stayed.
    let late = place.post(&json!({ "sql": ENDLESS, "timeout_ms": 300 }));
    let (first, second) = tokio::join!(late.try_clone().unwrap().send(), late.send());
    for answer in [first, second] {
        let (status, answer) = read(answer.unwrap()).await;
        assert_eq!((status, &answer["code"]), (504, &json!("query_timeout")), "{answer}");
    }
    for _ in 0..2 {
        let hung_up = tokio::time::timeout(Duration::from_millis(300), place.post(&json!({ "sql": ENDLESS })).send()).await;
        assert!(hung_up.is_err(), "it was under way");
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let after = Instant::now();
    assert_eq!(place.ask(&quick).await.0, 200);
    println!("a count takes {alone:?} alone and {:?} after four endless joins were stopped", after.elapsed());
    assert!(after.elapsed() < alone * 10 + Duration::from_millis(500), "{:?}", after.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_stopped_by_its_id_and_its_answer_is_cut_off() {
    let place = Place::with_numbers(20_000).await;
    let mut answer = place.in_format(FLOOD, "text/csv").await;
    assert_eq!(answer.status(), StatusCode::OK);
    let id = answer.headers()["x-query-id"].to_str().unwrap().to_owned();
    assert!(answer.chunk().await.unwrap().is_some());
    assert_eq!(place.get(&format!("/sql/{id}")).await.1["status"], "running");

    let stopped = place.client.delete(place.url(&format!("/sql/{id}"))).send().await.unwrap();
    assert_eq!(stopped.status(), StatusCode::NO_CONTENT);
    let rest = async {
        while answer.chunk().await?.is_some() {}
        Ok::<_, reqwest::Error>(())
    };
    assert!(tokio::time::timeout(Duration::from_secs(10), rest).await.unwrap().is_err(), "the answer is cut off, not ended");
    assert_eq!(place.get(&format!("/sql/{id}")).await.1["status"], "stopped");
    assert_eq!(place.get("/sql/00000000000000000000000000000000").await.1["code"], "unknown_query");
    assert_eq!(place.get("/sql/nonsense").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_queue_queries_are_refused_and_told_when_to_come_again() {
    let place = Place::with(20_000, |settings| {
        settings.sql.queries_at_once = 1;
        settings.sql.queries_waiting = 1;
        settings.sql.wait_seconds = 1;
    })
    .await;
    let ask = || place.post(&json!({ "sql": ENDLESS, "timeout_ms": 3_000 })).send();
    let started = Instant::now();
    let (first, second, third, other) = tokio::join!(ask(), ask(), ask(), place.get("/client_features/007"));
    assert_eq!(other.0, 200, "what is no query is not in the queue");
    let answers = [first.unwrap(), second.unwrap(), third.unwrap()];
    let mut statuses = answers.each_ref().map(|answer| answer.status().as_u16());
    statuses.sort();
    assert_eq!(statuses, [503, 503, 504], "one runs, one waits in vain, one is refused at once");
    for answer in answers.iter().filter(|answer| answer.status() == 503) {
        assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
    }
    assert!(started.elapsed() < Duration::from_secs(6));
    assert_eq!(place.ask(&json!({ "sql": "select 1 as one" })).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_gets_its_share_of_the_memory_and_no_more() {
    let place = Place::with(50_000, |settings| settings.sql.query_memory_mb = 2).await;
    let greedy =
        "select a.word, b.n, count(*) as c from silver.numbers a join silver.numbers b on a.n % 1000 = b.n % 1000 group by 1, 2";
    let (status, answer) = place.ask(&json!({ "sql": greedy })).await;
    assert_eq!((status, &answer["code"]), (422, &json!("out_of_memory")), "{answer}");
    assert_eq!(place.ask(&json!({ "sql": "select count(*) from silver.numbers" })).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_reading_stops_the_query() {
    let place = Place::with_numbers(20_000).await;
    let answer = place.in_format(FLOOD, "application/vnd.apache.arrow.stream").await;
    assert_eq!(answer.status(), StatusCode::OK);
    // Nothing is read: eight billion rows have nowhere to go, so they are not made.
    let before = resident_mib();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let grown = resident_mib().saturating_sub(before);
    println!("{grown} MiB more after three seconds without a reader");
    assert!(grown < 100, "{grown} MiB");
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split(' ').nth(1).unwrap().parse::<u64>().unwrap() / 256
}
