//! A service that is killed forgets nothing that it acknowledged.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};

use crate::shelf::{Shelf, constant, split_on};

const KILLS: u64 = 20;
const CLIENTS: u64 = 8;

fn start(shelf: &Shelf, port: u16) -> Child {
    let settings = shelf.settings();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lakehouse-api-ml"));
    command
        .env("LAKEHOUSE_REGISTRY", settings.registry.as_str())
        .env("LAKEHOUSE_LAKE", settings.lake.as_str())
        .env("LAKEHOUSE_API_ML__PORT", port.to_string())
        .env("LAKEHOUSE_API_ML__JOURNAL", &settings.api_ml.journal)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().expect("service")
}

async fn ready(client: &reqwest::Client, url: &str) -> Duration {
    let started = Instant::now();
    loop {
        let info = client.get(format!("{url}/model/info")).send().await;
        if let Ok(info) = info
            && info.text().await.is_ok_and(|text| text.contains("fraud_card"))
        {
            return started.elapsed();
        }
        assert!(started.elapsed() < Duration::from_secs(60), "the service does not start");
        sleep(Duration::from_millis(10)).await;
    }
}

fn purchase(id: u64) -> Value {
    json!({"transaction_id": id, "card_id": 42, "timestamp": "2019-10-31 09:00:00", "amount": 10, "merchant_id": 7, "mcc": 5411})
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_forget_nothing_that_was_acknowledged() {
    let shelf = Shelf::new();
    shelf.promote(&constant("fraud", 0.25)).await;
    shelf.promote(&split_on("fraud_card", "card_count_24h", 3.0)).await;
    shelf.put_state(&[]).await;
    let port = TcpListener::bind("127.0.0.1:0").expect("port").local_addr().expect("address").port();
    let (url, client) = (format!("http://127.0.0.1:{port}"), reqwest::Client::new());
    let (next, acknowledged) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(Vec::new())));
    let mut slowest = Duration::ZERO;
    for kill in 0..KILLS {
        let mut service = start(&shelf, port);
        slowest = slowest.max(ready(&client, &url).await);
        let is_over = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (url, client, next) = (format!("{url}/transactions"), client.clone(), Arc::clone(&next));
            let (acknowledged, is_over) = (Arc::clone(&acknowledged), Arc::clone(&is_over));
            clients.spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let id = next.fetch_add(1, Ordering::Relaxed);
                    let answer = client.post(&url).json(&purchase(id)).send().await;
                    if answer.is_ok_and(|answer| answer.status() == 200) {
                        acknowledged.lock().expect("list").push(id);
                    }
                }
            });
        }
        sleep(Duration::from_millis(100 + 37 * (kill % 7))).await;
        service.kill().expect("SIGKILL");
        service.wait().expect("dead");
        is_over.store(true, Ordering::Relaxed);
        while clients.join_next().await.is_some() {}
    }

    let mut service = start(&shelf, port);
    ready(&client, &url).await;
    let asked = json!({
        "amount": 812.5, "card_brand": "Visa", "card_type": "Credit", "merchant_state": "CA", "use_chip": "False", "credit_limit": 9100,
        "per_capita_income": 21000, "yearly_income": 43000, "total_debt": 61000, "card_id": 42, "timestamp": "2019-10-31 10:00:00",
    });
    let explained: Value =
        client.post(format!("{url}/explain")).json(&asked).send().await.expect("answer").json().await.expect("json");
    let counted =
        explained["contributions"].as_array().expect("list").iter().find(|one| one["input"] == "card_count_24h").expect("count");
    let counted = counted["value"].as_f64().expect("number") as usize;
    let (sent, acknowledged) = (next.load(Ordering::Relaxed) as usize, acknowledged.lock().expect("list").clone());
    assert!(
        (acknowledged.len()..=sent).contains(&counted),
        "{} acknowledged, {counted} counted, {sent} sent",
        acknowledged.len()
    );
    for id in &acknowledged {
        let answer = client.post(format!("{url}/transactions")).json(&purchase(*id)).send().await.expect("answer");
        assert_eq!(answer.json::<Value>().await.expect("json"), json!({"recorded": false}), "{id} was forgotten");
    }
    service.kill().expect("SIGKILL");
    service.wait().expect("dead");
    println!(
        "{KILLS} kills: {} acknowledged, {counted} counted, {sent} sent; ready again within {slowest:?}",
        acknowledged.len()
    );
    assert!(acknowledged.len() > 100, "the service was hardly asked");
}
