//! Live and batch are the same: what the service makes of transactions that come one by one, is what the pipeline makes of them
//! in one go, to the last bit.

use lakehouse_models::{Field, Model, Random};
use lakehouse_signals::{EventColumns, Kernel, Key, Plan};
use serde_json::{Value, json};

use crate::{
    app::{App, transaction_with},
    shelf::{signals, split_on},
};

const BEFORE: usize = 4_000;
const REPLAYED: usize = 1_500;
const STATES: [&str; 4] = ["CA", "NY", "ONLINE", "Italy"];

/// A purchase as the tables have it.
struct Row {
    id: i64,
    time: i64,
    card: i64,
    merchant: i64,
    category: i64,
    state: &'static str,
    cents: i64,
    is_failed: bool,
    is_fraud: Option<bool>,
}

/// Some hundred cards over two months, with ties, purchases of one card at one instant, refusals, and rows without a verdict.
fn rows(random: &mut Random, count: usize) -> Vec<Row> {
    let mut time = 1_570_000_000_000_000;
    let row = |id: usize| {
        time += i64::try_from(random.below(4)).expect("step") * 300_000_000;
        Row {
            id: i64::try_from(id).expect("id"),
            time,
            card: random.below(120) as i64,
            merchant: random.below(60) as i64,
            category: [5411, 5812, 4829][random.below(3)],
            state: STATES[random.below(4)],
            cents: 1 + random.below(90_000) as i64,
            is_failed: random.below(20) == 0,
            is_fraud: [Some(true), Some(false), Some(false), None][random.below(4)],
        }
    };
    (0..count).map(row).collect()
}

/// What the pipeline's kernel gives for all rows, one column per output.
fn batch(kernel: &mut Kernel, rows: &[Row]) -> Vec<Vec<f64>> {
    let inputs = kernel.plan().inputs().clone();
    let number = |name: &str, row: &Row| match name {
        "amount" => row.cents as f64 / 100.0,
        "label" => row.is_fraud.map_or(f64::NAN, |is_fraud| f64::from(u8::from(is_fraud))),
        other => panic!("no number `{other}`"),
    };
    let key = |name: &str, row: &Row| match name {
        "tx_card_id" => Key::from_integer(row.card),
        "merchant_id" => Key::from_integer(row.merchant),
        "mcc_code" => Key::from_integer(row.category),
        "merchant_state" => Key::from_text(row.state),
        other => panic!("no key `{other}`"),
    };
    let numbers: Vec<Vec<f64>> =
        inputs.numbers.iter().map(|name| rows.iter().map(|row| number(name.as_str(), row)).collect()).collect();
    let keys: Vec<Vec<Key>> = inputs.keys.iter().map(|name| rows.iter().map(|row| key(name.as_str(), row)).collect()).collect();
    let flags: Vec<Vec<bool>> = inputs.flags.iter().map(|_| rows.iter().map(|row| row.is_failed).collect()).collect();
    let mut out = vec![Vec::new(); kernel.plan().outputs().count()];
    let events = EventColumns {
        times: &rows.iter().map(|row| row.time).collect::<Vec<_>>(),
        ids: &rows.iter().map(|row| row.id).collect::<Vec<_>>(),
        numbers: &numbers.iter().map(Vec::as_slice).collect::<Vec<_>>(),
        keys: &keys.iter().map(Vec::as_slice).collect::<Vec<_>>(),
        flags: &flags.iter().map(Vec::as_slice).collect::<Vec<_>>(),
    };
    kernel.observe_batch(&events, &mut out).expect("in order");
    out
}

fn request(row: &Row) -> Value {
    transaction_with(json!({
        "transaction_id": row.id, "card_id": row.card, "merchant_id": row.merchant, "mcc": row.category.to_string(),
        "merchant_state": if row.state == "ONLINE" { "" } else { row.state }, "amount": row.cents as f64 / 100.0,
        "timestamp": instant(row.time), "errors": if row.is_failed { "Bad PIN,Technical Glitch" } else { "" },
    }))
}

fn instant(time: i64) -> String {
    jiff::Timestamp::from_microsecond(time).expect("instant").to_string()
}

/// The signals that the service sees for a request, by name.
async fn live(app: &App, request: &Value) -> Vec<(String, Field)> {
    let explained = app.post("/explain", request.to_string()).await.json();
    let inputs = explained["contributions"].as_array().expect("contributions").iter();
    inputs
        .map(|one| {
            (one["input"].as_str().expect("name").to_owned(), serde_json::from_value(one["value"].clone()).expect("field"))
        })
        .collect()
}

#[tokio::test]
async fn a_replay_of_the_test_period_gives_the_signals_and_scores_of_the_batch() {
    let rows = rows(&mut Random::new(3, 4), BEFORE + REPLAYED);
    let plan = Plan::compile(&signals()).expect("plan");
    let names: Vec<String> = plan.outputs().map(|output| output.name.to_string()).collect();
    let expected = batch(&mut Kernel::new(&plan), &rows);

    let mut app = App::start();
    let model = split_on("fraud_card", "merchant_fraud_rate", 0.1);
    app.shelf.promote(&model).await;
    let mut before = Kernel::new(&plan);
    batch(&mut before, &rows[..BEFORE]);
    app.shelf.put_kernel(&before).await;
    app.look().await;

    let mut compared = 0;
    for (place, row) in rows.iter().enumerate().skip(BEFORE) {
        if place == BEFORE + REPLAYED / 2 {
            app = app.restart();
            app.look().await;
        }
        let request = request(row);
        let seen = live(&app, &request).await;
        for (name, column) in names.iter().zip(&expected) {
            let Some((_, found)) = seen.iter().find(|(input, _)| input == name) else { panic!("no signal `{name}`") };
            let found = match found {
                Field::Number(number) => *number,
                Field::Flag(flag) => f64::from(u8::from(*flag)),
                Field::Absent => f64::NAN,
                Field::Text(text) => panic!("a text: {text}"),
            };
            assert!(
                found.to_bits() == column[place].to_bits() || (found.is_nan() && column[place].is_nan()),
                "{name} of row {place}: {found} live, {} in batch",
                column[place]
            );
            compared += 1;
        }
        assert_eq!(app.probability(&request).await.to_bits(), score(&model, &seen, row).to_bits(), "row {place}");
        if let Some(is_fraud) = row.is_fraud {
            let verdict = json!({"transaction_id": row.id, "timestamp": instant(row.time), "merchant_id": row.merchant, "mcc": row.category, "is_fraud": is_fraud});
            for is_new in [true, false] {
                assert_eq!(app.post("/verdicts", verdict.to_string()).await.json(), json!({"recorded": is_new}));
            }
        }
    }
    println!("{compared} signals of {REPLAYED} replayed transactions equal those of the batch, over one restart");
}

/// What the model gives for the batch's values of a row.
fn score(model: &Model, signals: &[(String, Field)], row: &Row) -> f64 {
    let mut record: std::collections::BTreeMap<String, Field> = signals.iter().cloned().collect();
    record.insert("timestamp_ts".to_owned(), Field::Number(row.time as f64));
    model.score(&record).expect("score")
}
