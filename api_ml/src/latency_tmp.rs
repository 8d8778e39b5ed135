use std::time::Instant;
use lakehouse_models::*;
use lakehouse_registry::*;
use lakehouse_signals::{Event, Kernel, Key, Plan, Snapshot};
use lakehouse_spec::*;
use crate::{AppState, router, request::Transaction};
use tower::ServiceExt;

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../domains/fraud/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}
fn model(name: &str) -> Model {
    let spec: TrainingSpec = toml::from_str(&file(&format!("training/{name}.toml"))).unwrap();
    let cats = ["Visa", "Credit", "CA", "ONLINE", "NY", "TX", "Amex", "Debit", "FL", "WA"];
    let columns = spec.features.iter().map(|f| (f.column.to_string(), match f.transform {
        Transform::Number | Transform::Log1p => Column::Number(vec![1.0; 10]),
        Transform::Flag => Column::Flag(vec![None; 10]),
        _ => Column::Text(cats.into_iter().map(Some).collect()),
    })).collect();
    let encoder = Encoder::fit(&spec.features, &Columns::new(columns).unwrap(), &[0,1,2,3,4,5,6,7,8,9]).unwrap();
    let width = encoder.width() as u32;
    let mut forest = FlatForest::new(width, Combine::Sum { base: -3.0 });
    let mut rng = Random::new(7, 0);
    for _ in 0..200 {
        forest.start_tree();
        let root = forest.next_node();
        // full tree depth 5: nodes in heap order
        for i in 0..31u32 { forest.push_split((rng.next_u64() % u64::from(width)) as u32, (rng.next_u64() % 100) as f64, [root + 2*i+1, root + 2*i+2], true); }
        for _ in 0..32 { forest.push_leaf(((rng.next_u64() % 100) as f64 - 50.0) / 1000.0); }
    }
    let part = SplitPart { rows: 2, positives: 1, from: 0, to: 1 };
    let d = Description { model: name.into(), about: "".into(), family: "f".into(), parameters: Default::default(), seed: 1, source: Source::default(),
        split: Split { train: part.clone(), test: part }, metrics: Metrics::new(&[0.9, 0.1], &[true, false], 0.5, 1).unwrap(), inputs: vec![], scores: NumberStatistics::new(vec![0.1]) };
    Model::new(d, encoder, ScoringForm::Forest(Forest::try_from(forest).unwrap()), vec![]).unwrap()
}

fn state() -> Vec<u8> {
    let spec: SignalsSpec = toml::from_str(&file("signals/transactions.toml")).unwrap();
    let plan = Plan::compile(&spec).unwrap();
    let mut kernel = Kernel::new(&plan);
    let inputs = plan.inputs().clone();
    let mut rng = Random::new(3, 0);
    let n = 1_300_000i64;
    let start = 1_262_304_000_000_000i64;
    let year = 365 * 86_400_000_000i64;
    for i in 0..n {
        let card = (rng.next_u64() % 6000) as i64; let merchant = (rng.next_u64() % 30000) as i64; let mcc = (rng.next_u64() % 109 % (1 + rng.next_u64() % 109)) as i64;
        let nums: Vec<f64> = inputs.numbers.iter().map(|c| if c.as_str() == "amount" { (rng.next_u64() % 10000) as f64 / 100.0 } else { 0.0 }).collect();
        let keys: Vec<Key> = inputs.keys.iter().map(|c| match c.as_str() { "tx_card_id" => Key::from_integer(card), "merchant_id" => Key::from_integer(merchant), "mcc_code" => Key::from_integer(mcc), _ => Key::from_integer((rng.next_u64() % 3) as i64) }).collect();
        let flags = vec![false; inputs.flags.len()];
        kernel.add(&Event { time: start + i * (year / n), id: i, numbers: &nums, keys: &keys, flags: &flags }).unwrap();
    }
    let mut bytes = vec![];
    Snapshot::write(&spec, &kernel, &mut bytes).unwrap();
    bytes
}

#[tokio::test]
#[ignore]
async fn latency() {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::open(&url::Url::from_file_path(dir.path()).unwrap()).unwrap();
    for name in ["fraud", "fraud_card"] {
        let m: ModelName = name.parse().unwrap();
        let files = model(name).to_files().unwrap().into_iter().map(|(n, b)| (n.to_owned(), b.into())).collect();
        let v = registry.register(&m, NewVersion { manifest: serde_json::json!({}), files, created_at: jiff::Timestamp::UNIX_EPOCH }).await.unwrap();
        registry.promote(&m, &AliasName::champion(), v.version, None, "").await.unwrap();
    }
    let t = Instant::now(); let bytes = state(); println!("state {} MB made in {:?}", bytes.len() >> 20, t.elapsed());
    registry.put_online(&"fraud".parse().unwrap(), &"transactions".parse().unwrap(), bytes.into()).await.unwrap();
    let limits = lakehouse_settings::Settings::load(None, Default::default()).unwrap().limits;
    let (app, mut watcher) = AppState::new(registry, &limits).unwrap();
    let router = router(app.clone());
    let t = Instant::now(); watcher.look().await; println!("first look {:?}", t.elapsed());
    let t = Instant::now(); for _ in 0..100 { watcher.look().await; } println!("idle look {:?}", t.elapsed() / 100);
    let plain = r#"{"amount":812.5,"card_brand":"Visa","card_type":"Credit","merchant_state":"CA","use_chip":"False","credit_limit":9100,"per_capita_income":21000.0,"yearly_income":43000,"total_debt":61000.0,"credit_score":702,"num_credit_cards":3"#;
    let body = |i: usize, kind: &str| match kind {
        "plain" => format!("{plain}}}"),
        "card at end" => format!(r#"{plain},"card_id":{},"merchant_id":{},"mcc":{},"timestamp":"2010-12-31 23:59:59"}}"#, i * 7 % 6000, i * 13 % 30000, i % 109),
        _ => format!(r#"{plain},"card_id":{},"merchant_id":{},"mcc":{}}}"#, i * 7 % 6000, i * 13 % 30000, i % 109),
    };
    for kind in ["plain", "card at end", "card now"] {
        let ts: Vec<Transaction> = (0..5000).map(|i| serde_json::from_str(&body(i, kind)).unwrap()).collect();
        let bodies: Vec<String> = (0..5000).map(|i| body(i, kind)).collect();
        let serving = app.serving.load_full();
        for round in 0..3 {
            let t = Instant::now(); let mut s = 0.0;
            for x in &ts { s += serving.score(x).unwrap().prediction.probability(); }
            let each = t.elapsed() / 5000;
            let mut worst: Vec<_> = ts.iter().map(|x| { let t = Instant::now(); let _ = serving.score(x); t.elapsed() }).collect();
            worst.sort();
            let t = Instant::now();
            for b in &bodies { let x: Transaction = serde_json::from_str(b).unwrap(); std::hint::black_box(x.amount); }
            let parse = t.elapsed() / 5000;
            let t = Instant::now();
            for b in &bodies {
                let r = axum::http::Request::post("/predict").header("content-type", "application/json").body(axum::body::Body::from(b.clone())).unwrap();
                let a = router.clone().oneshot(r).await.unwrap(); assert_eq!(a.status(), 200);
            }
            let whole = t.elapsed() / 5000;
            if round == 2 { println!("{kind}: score {each:?} p50 {:?} p99 {:?} max {:?}, parse {parse:?}, whole in router {whole:?} ({s:.3})", worst[2500], worst[4950], worst[4999]); }
        }
        let list = (0..10_000).map(|i| body(i, kind)).collect::<Vec<_>>().join(",");
        let batch = format!(r#"{{"transactions":[{list}]}}"#);
        let t = Instant::now();
        for _ in 0..5 {
            let r = axum::http::Request::post("/predict/batch").header("content-type", "application/json").body(axum::body::Body::from(batch.clone())).unwrap();
            let a = router.clone().oneshot(r).await.unwrap(); assert_eq!(a.status(), 200);
        }
        println!("{kind}: batch of 10000 ({} kB) {:?}; size of Transaction {}", batch.len() / 1000, t.elapsed() / 5, std::mem::size_of::<Transaction>());
    }
}
