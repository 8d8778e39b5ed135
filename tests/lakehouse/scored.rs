//! From a score to what became of it: predictions reach the lake once and meet their verdicts, and transactions that are
//! replayed over HTTP give the signals that the tables have.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{program::Workspace, services::Served};

/// Predictions that wait in the landing place of the workspace's lake.
fn delivered(workspace: &Workspace) -> usize {
    let folder = workspace.lake().join("landing/fraud/predictions/receipts");
    let receipts = fs::read_dir(folder).into_iter().flatten().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let accepted = receipts.map(|bytes| serde_json::from_slice::<Value>(&bytes).unwrap()["accepted"].as_u64().unwrap());
    accepted.sum::<u64>() as usize
}

fn serve(workspace: &Workspace) -> Served {
    let served = Served::start(workspace);
    let started = Instant::now();
    while !served.get(&format!("{}/model/info", served.ml)).1.to_string().contains("fraud_card") {
        assert!(started.elapsed() < Duration::from_secs(60), "no model for cards");
        std::thread::sleep(Duration::from_millis(100));
    }
    served
}

type Row = BTreeMap<String, String>;

/// A row of the silver table as a request for a score.
fn request(row: &Row) -> Value {
    let or_null = |name: &str| row[name].parse::<f64>().map_or(Value::Null, Value::from);
    json!({
        "transaction_id": row["transaction_id"], "card_id": row["tx_card_id"], "merchant_id": row["merchant_id"], "mcc": row["mcc_code"],
        "timestamp": row["timestamp_ts"], "amount": or_null("amount"), "errors": row["errors"],
        "card_brand": row["card_brand"], "card_type": row["card_type"], "merchant_state": row["merchant_state"], "use_chip": row["use_chip"],
        "credit_limit": or_null("credit_limit"), "per_capita_income": or_null("per_capita_income"), "yearly_income": or_null("yearly_income"),
        "total_debt": or_null("total_debt"), "credit_score": or_null("credit_score"), "num_credit_cards": or_null("num_credit_cards"),
    })
}

const COLUMNS: &str = "cast(t.transaction_id as varchar) as transaction_id, cast(t.tx_card_id as varchar) as tx_card_id, \
    cast(t.merchant_id as varchar) as merchant_id, cast(t.mcc_code as varchar) as mcc_code, cast(t.timestamp_ts as varchar) as timestamp_ts, \
    cast(t.amount as varchar) as amount, t.errors, t.card_brand, t.card_type, t.merchant_state, t.use_chip, \
    cast(t.credit_limit as varchar) as credit_limit, cast(t.per_capita_income as varchar) as per_capita_income, \
    cast(t.yearly_income as varchar) as yearly_income, cast(t.total_debt as varchar) as total_debt, \
    cast(t.credit_score as varchar) as credit_score, cast(t.num_credit_cards as varchar) as num_credit_cards, cast(t.label as varchar) as label";

#[test]
fn predictions_reach_the_lake_once_and_meet_their_verdicts() {
    let workspace = Workspace::with_sample(20_000).with_environment("LAKEHOUSE_API_ML__DELIVERY_SECONDS", "1");
    workspace.run_with_training().good();
    assert_eq!(workspace.value("select count(*) from bronze.predictions"), "0");
    let rows = workspace.rows(&format!(
        "select {COLUMNS} from silver.transactions as t where amount > 0 and label is not null order by transaction_id limit 200"
    ));
    let served = serve(&workspace);
    for row in &rows {
        for _ in 0..2 {
            let (status, answer) = served.post(&format!("{}/predict", served.ml), &request(row));
            assert_eq!(status.as_u16(), 200, "{answer}");
        }
    }
    let started = Instant::now();
    while delivered(&workspace) < rows.len() {
        assert!(started.elapsed() < Duration::from_secs(30), "{} delivered", delivered(&workspace));
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(served);
    for _ in 0..2 {
        workspace.run().good();
        assert_eq!(workspace.value("select count(*) from bronze.predictions"), "200", "a transaction that was sent twice is one");
    }
    let frauds = rows.iter().filter(|row| row["label"] == "1").count();
    let sums = "sum(prediction_count) || ' ' || sum(judged_count) || ' ' || sum(fraud_count)";
    assert_eq!(workspace.value(&format!("select {sums} from gold.model_performance")), format!("200 200 {frauds}"));
    println!("200 predictions, each asked for twice, are 200 rows with {frauds} frauds among their verdicts");
}

#[test]
fn a_replay_over_http_gives_the_signals_of_the_tables() {
    let workspace = Workspace::with_sample(20_000);
    let file = workspace.source("transactions_data.csv");
    let whole = fs::read_to_string(&file).unwrap();
    let mut lines: Vec<&str> = whole.lines().collect();
    let head = lines.remove(0);
    lines.sort_by_key(|line| line.split(',').nth(1).unwrap().to_owned());
    // Not between two of one instant: what the pipeline's state has seen ends there.
    let instant = |line: &str| line.split(',').nth(1).unwrap().to_owned();
    let cut = (19_300..lines.len()).find(|at| instant(lines[*at]) != instant(lines[at - 1])).unwrap();
    fs::write(&file, [&[head], &lines[..cut]].concat().join("\n") + "\n").unwrap();
    workspace.run_with_training().good();
    let served = serve(&workspace);

    let full = Workspace::with_sample(20_000);
    full.run().good();
    let first_id = lines[cut].split(',').next().unwrap();
    let since = format!("(select timestamp_ts from silver.transactions where transaction_id = {first_id})");
    let mut rows =
        full.rows(&format!("select {COLUMNS} from silver.transactions as t where t.amount > 0 and t.timestamp_ts >= {since}"));
    rows.sort_by_key(|row| (row["timestamp_ts"].clone(), row["transaction_id"].parse::<u64>().unwrap()));
    let signals = full.rows("select * from signals.transactions");
    let signals: BTreeMap<&str, &Row> = signals.iter().map(|row| (row["transaction_id"].as_str(), row)).collect();
    let mut compared = 0;
    for row in &rows {
        let request = request(row);
        let (status, explained) = served.post(&format!("{}/explain", served.ml), &request);
        assert_eq!(status.as_u16(), 200, "{explained}");
        for one in explained["contributions"].as_array().unwrap() {
            let name = one["input"].as_str().unwrap();
            let is_signal = name.contains("_1h")
                || name.contains("_24h")
                || name.contains("_7d")
                || name.contains("_30d")
                || ["seconds_since_previous", "is_new_merchant", "is_state_change", "merchant_fraud_rate", "mcc_fraud_rate"]
                    .contains(&name);
            if is_signal {
                assert_eq!(
                    number(&one["value"]),
                    number(&Value::from(signals[row["transaction_id"].as_str()][name].as_str())),
                    "{name} of {}",
                    row["transaction_id"]
                );
                compared += 1;
            }
        }
        assert_eq!(served.post(&format!("{}/predict", served.ml), &request).0.as_u16(), 200);
        let label = &row["label"];
        if !label.is_empty() {
            let verdict = json!({"transaction_id": row["transaction_id"], "timestamp": row["timestamp_ts"], "merchant_id": row["merchant_id"], "mcc": row["mcc_code"], "is_fraud": label == "1"});
            assert_eq!(served.post(&format!("{}/verdicts", served.ml), &verdict).0.as_u16(), 200);
        }
    }
    assert!(rows.len() > 500, "{}", rows.len());
    println!("{compared} signals of {} transactions replayed over HTTP equal those of the table, to the last bit", rows.len());
}

/// A value as a number's bits; absent is none.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Bool(flag) => Some(f64::from(u8::from(*flag)).to_bits()),
        Value::String(text) if text == "true" || text == "false" => Some(f64::from(u8::from(text == "true")).to_bits()),
        Value::String(text) => text.parse::<f64>().ok().map(f64::to_bits),
        other => other.as_f64().map(f64::to_bits),
    }
}
