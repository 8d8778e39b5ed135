//! Rows that are pushed to a running service and taken by the next run, once.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::{program::Workspace, services::Served};

/// Transactions that no file has, ids from a billion.
fn transactions(ids: impl IntoIterator<Item = u32>) -> String {
    let transaction = |id| {
        let transaction = json!({
            "id": 1_000_000_000 + id, "date": "2019-10-31 12:00:00", "client_id": 1, "card_id": 1, "amount": "$12.50",
            "use_chip": "Chip Transaction", "merchant_id": 7, "merchant_city": "Lyon", "merchant_state": "France", "mcc": 5411,
        });
        format!("{transaction}\n")
    };
    ids.into_iter().map(transaction).collect()
}

impl Served {
    fn push(&self, key: Option<&str>, body: String) -> (StatusCode, Value) {
        let request = self.client.post(format!("{}/ingest/fraud/transactions", self.sources));
        let request = request.header("content-type", "application/x-ndjson").body(body);
        self.send(match key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        })
    }
}

fn pushed_rows(workspace: &Workspace) -> String {
    workspace.value("select count(*) from bronze.transactions where id >= 1000000000")
}

#[test]
fn pushed_rows_land_with_the_next_run_and_once() {
    let workspace = Workspace::with_sample(500);
    let served = Served::start(&workspace);
    workspace.run().good();
    assert_eq!(served.push(None, transactions(0..30)).1["accepted"], 30);
    assert_eq!(served.push(Some("k"), transactions(30..40)).0, StatusCode::ACCEPTED);
    assert_eq!(served.push(Some("k"), transactions(30..40)).0, StatusCode::ACCEPTED);
    let plan = String::from_utf8(workspace.lakehouse(&["plan", "fraud", "--sources", "sources"]).good().output.stdout).unwrap();
    assert!(plan.contains("2 pushes: new"), "{plan}");

    workspace.run().good();
    assert_eq!(pushed_rows(&workspace), "40");
    let silver = "select count(*) from silver.transactions where transaction_id >= '1000000000'";
    assert_eq!(workspace.value(silver), "40", "they go all the way");
    workspace.run().good();
    assert_eq!(pushed_rows(&workspace), "40");

    // Without a key a repetition cannot be told at the door. The rows' own keys tell it.
    assert_eq!(served.push(None, transactions(0..30)).0, StatusCode::ACCEPTED);
    workspace.run().good();
    assert_eq!(pushed_rows(&workspace), "40");
    let refused =
        "select count(*) from quarantine.transactions where reason = 'duplicate id' and origin = 'pushed-00000002.ndjson.zst'";
    assert_eq!(workspace.value(refused), "30");
}

#[test]
fn pushed_rows_are_read_again_by_a_new_contract() {
    let workspace = Workspace::with_sample(500);
    let served = Served::start(&workspace);
    assert_eq!(served.push(None, transactions(0..30)).0, StatusCode::ACCEPTED);
    workspace.run().good();
    workspace.edit_domain("ingestion/transactions.toml", "one row per transaction", "one row each");
    let report = workspace.run_edited().good().json();
    assert_eq!(report["sources"][5]["landed"][1], "pushed-00000001.ndjson.zst", "{report}");
    assert_eq!(pushed_rows(&workspace), "30");
}

/// A push: its key and the first of its three ids.
struct Sent {
    key: String,
    first_id: u32,
}

impl Sent {
    fn next() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let first_id = NEXT.fetch_add(3, Ordering::Relaxed);
        Self { key: format!("push-{first_id}"), first_id }
    }

    fn body(&self) -> String {
        transactions(self.first_id..self.first_id + 3)
    }
}

/// Pushes until nobody answers. Gives how many were acknowledged, and the one that got no answer.
async fn push_until_nobody_answers(sources: String) -> (u32, Sent) {
    let client = Client::new();
    for acknowledged in 0.. {
        let sent = Sent::next();
        let request = client.post(format!("{sources}/ingest/fraud/transactions")).header("content-type", "application/x-ndjson");
        match request.header("idempotency-key", &sent.key).body(sent.body()).send().await {
            Ok(answer) => assert_eq!(answer.status(), StatusCode::ACCEPTED),
            Err(_) => return (acknowledged, sent),
        }
    }
    unreachable!("the service is killed")
}

#[test]
fn what_was_acknowledged_survives_the_death_of_the_service() {
    const KILLS: u64 = 12;
    let workspace = Workspace::with_sample(500);
    let (mut acknowledged, mut unanswered) = (0, Vec::new());
    for kill in 0..KILLS {
        let mut served = Served::start(&workspace);
        let clients: Vec<_> = (0..4).map(|_| served.runtime.spawn(push_until_nobody_answers(served.sources.clone()))).collect();
        std::thread::sleep(Duration::from_millis(50 + 30 * kill));
        served.child.kill().unwrap();
        for client in clients {
            let (answered, sent) = served.runtime.block_on(client).unwrap();
            acknowledged += answered;
            unanswered.push(sent);
        }
    }
    // What got no answer may have been received all the same: sent again by its key, it counts once.
    let served = Served::start(&workspace);
    let cut_off = unanswered.len();
    for sent in unanswered {
        assert_eq!(served.push(Some(&sent.key), sent.body()).0, StatusCode::ACCEPTED);
        acknowledged += 1;
    }
    workspace.run().good();
    println!("{acknowledged} pushes, {cut_off} of them cut off by {KILLS} kills");
    assert!(acknowledged > 100, "{acknowledged} pushes");
    let rows =
        workspace.rows("select count(*) as rows, count(distinct id) as ids from bronze.transactions where id >= 1000000000");
    let expected = (3 * acknowledged).to_string();
    assert_eq!((&rows[0]["rows"], &rows[0]["ids"]), (&expected, &expected));
}

#[test]
fn a_run_that_is_killed_while_it_takes_pushed_rows_is_made_good() {
    const INSTANTS: u32 = 25;
    let workspace = Workspace::with_sample(300);
    workspace.run().good();
    let served = Served::start(&workspace);
    let (mut killed, mut instant, mut pushed) = (0_u32, 0_u32, 0);
    while killed < INSTANTS {
        let sent: Vec<Sent> = (0..3).map(|_| Sent::next()).collect();
        sent.iter().for_each(|sent| assert_eq!(served.push(None, sent.body()).0, StatusCode::ACCEPTED));
        pushed += 9;
        let mut run = workspace.command(&["run", "fraud", "--sources", "sources", "--skip-training"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(u64::from(instant * 71 % 900)));
        killed += u32::from(run.try_wait().unwrap().is_none());
        instant += 1;
        run.kill().unwrap();
        run.wait().unwrap();
    }
    workspace.run().good();
    println!("{killed} of {instant} runs were killed");
    let rows =
        workspace.rows("select count(*) as rows, count(distinct id) as ids from bronze.transactions where id >= 1000000000");
    assert_eq!((rows[0]["rows"].as_str(), rows[0]["ids"].as_str()), (pushed.to_string().as_str(), pushed.to_string().as_str()));
    assert_eq!(
        workspace.value("select count(*) from silver.transactions where transaction_id >= '1000000000'"),
        pushed.to_string()
    );
}
