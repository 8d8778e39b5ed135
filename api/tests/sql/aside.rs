//! Queries whose clients do not wait, and what is kept for them.

use std::time::Duration;

use reqwest::header;
use serde_json::{Value, json};

use crate::place::{Place, read};

const ALL: &str = "select n, word from silver.numbers order by n";

/// Asks for a page until the query has ended.
async fn page(place: &Place, path: &str) -> reqwest::Response {
    for _ in 0..600 {
        let answer = place.client.get(place.url(path)).send().await.unwrap();
        if answer.status() != 409 {
            return answer;
        }
        assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{path} never ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_nobody_waited_for_is_there_page_by_page() {
    let place = Place::with_numbers(20_000).await;
    let asked = place.post(&json!({ "sql": ALL, "wait_ms": 0, "limit": 19_000 })).send().await.unwrap();
    assert_eq!(asked.status(), 202);
    let location = asked.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let mut path = asked.json::<Value>().await.unwrap()["pages"].as_str().unwrap().to_owned();
    let (mut numbers, mut truncated) = (Vec::new(), Vec::new());
    loop {
        let answer = page(&place, &path).await;
        let next = answer.headers().get(header::LINK).map(|link| link.to_str().unwrap().to_owned());
        let (status, answer) = read(answer).await;
        assert_eq!((status, &answer["columns"][0]["name"]), (200, &json!("n")), "{answer}");
        numbers.extend(answer["rows"].as_array().unwrap().iter().map(|row| row["n"].as_i64().unwrap()));
        truncated.push(answer["truncated"].as_bool().unwrap());
        let Some(next) = next else { break };
        path = next.strip_prefix('<').unwrap().split_once('>').unwrap().0.to_owned();
    }
    assert_eq!(numbers, Vec::from_iter(0..19_000));
    assert!(truncated.len() > 1 && truncated.pop() == Some(true) && !truncated.contains(&true), "the last page says so");

    assert_eq!(place.get(&location).await.1["status"], "succeeded");
    assert_eq!(place.get(&format!("{location}/pages/99")).await.1["code"], "unknown_page");
    let request = place.client.get(place.url(&format!("{location}/pages/1"))).header(header::ACCEPT, "text/csv");
    assert!(request.send().await.unwrap().text().await.unwrap().starts_with("n,word\n"));
    place.client.delete(place.url(&location)).send().await.unwrap();
    assert_eq!(place.get(&format!("{location}/pages/0")).await.1["code"], "unknown_query");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_long_enough_has_its_answer_at_once() {
    let place = Place::with_numbers(100).await;
    let (status, answer) = place.ask(&json!({ "sql": "select count(*) as c from silver.numbers", "wait_ms": 30_000 })).await;
    assert_eq!((status, &answer["rows"]), (200, &json!([{ "c": 100 }])), "{answer}");
    let (status, answer) = place.ask(&json!({ "sql": "select n from silver.numbers where n < 0", "wait_ms": 30_000 })).await;
    assert_eq!((status, &answer["rows"], &answer["columns"][0]["name"]), (200, &json!([]), &json!("n")), "{answer}");
    let (status, answer) = place.ask(&json!({ "sql": "select 1 / (n - n) as x from silver.numbers", "wait_ms": 30_000 })).await;
    assert_eq!((status, &answer["code"]), (422, &json!("failed_query")), "{answer}");
    let (status, answer) = place.ask(&json!({ "sql": ALL, "wait_ms": 1, "describe": true })).await;
    assert_eq!((status, answer["columns"].as_array().unwrap().len()), (200, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn results_expire_and_never_take_more_room_than_there_is() {
    let place = Place::with(200_000, |settings| {
        settings.sql.results_mb = 1;
        settings.sql.results_seconds = 1;
    })
    .await;
    let (status, answer) = place.ask(&json!({ "sql": "select * from silver.numbers", "wait_ms": 60_000 })).await;
    assert_eq!((status, &answer["code"]), (507, &json!("results_full")), "{answer}");
    for _ in 0..3 {
        let small = place.post(&json!({ "sql": "select n from silver.numbers limit 50000", "wait_ms": 60_000 }));
        let small = small.send().await.unwrap();
        assert_eq!(small.status(), 200, "what failed or expired has given its room back");
        let path = format!("/sql/{}/pages/0", small.headers()["x-query-id"].to_str().unwrap());
        assert_eq!(place.get(&path).await.0, 200);
        let mut left = 200;
        while place.get(&path).await.0 == 200 {
            assert!(left > 0, "it never expires");
            left -= 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(place.get(&path).await.1["code"], "unknown_query");
    }
}
