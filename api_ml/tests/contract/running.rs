use std::time::Duration;

use lakehouse_api_ml::run;
use lakehouse_settings::{Overrides, Settings};
use serde_json::Value;
use tokio::{net::TcpListener, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    app::transaction,
    shelf::{Shelf, constant},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_champion_that_is_promoted_later_is_found_by_itself() {
    let shelf = Shelf::new();
    let settings = shelf.settings();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let url = format!("http://{}/predict", listener.local_addr().expect("address"));
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { run(listener, &settings, stop).await }
    });
    let client = reqwest::Client::new();
    let predict = || async { client.post(&url).json(&transaction()).send().await.expect("answer") };
    assert_eq!(predict().await.status(), 503);

    shelf.promote(&constant("fraud", 0.25)).await;
    let answer = loop {
        let answer = predict().await;
        if answer.status() == 200 {
            break answer;
        }
        sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(answer.json::<Value>().await.expect("json")["fraud_probability"], 0.25);
    drop(client);
    stop.cancel();
    running.await.expect("task").expect("a clean stop");
}

#[tokio::test]
async fn a_registry_that_cannot_be_opened_ends_the_start() {
    let overrides = Overrides { registry: Some("ftp://nowhere/at/all".to_owned()), ..Overrides::default() };
    let settings = Settings::load(None, overrides).expect("settings");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let failed = run(listener, &settings, CancellationToken::new()).await.expect_err("no registry");
    assert_eq!(failed.to_string(), "failed to open the model registry");
}
