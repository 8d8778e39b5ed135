//! The published card transactions, read from beside the project when they are there.
//!
//! A check that the whole works on real files, not a benchmark: 71 test frauds say little about which family is better.

use std::{
    collections::HashMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;
use lakehouse_models::{Column, Columns, TextColumn};
use lakehouse_spec::{TrainingSpec, parse_money, parse_timestamp};
use lakehouse_training::TrainingRows;

use crate::training::run;

const SPEC: &str = r#"
description = "is the purchase fraudulent"
time = "date"
label = "label"
seed = 7
split = { test_share = 0.2 }
gate = { min_lift = 2.0, max_regression = 0.01 }
feature = [
  { column = "amount", transform = "number", required = true },
  { column = "card_brand", transform = "one_hot", max_categories = 8 },
  { column = "card_type", transform = "one_hot", max_categories = 8 },
  { column = "merchant_state", transform = "one_hot", max_categories = 60 },
  { column = "use_chip", transform = "text_flag", words = ["true", "1", "yes"], parts = ["chip"] },
  { column = "credit_limit", transform = "number" },
  { column = "per_capita_income", transform = "number" },
  { column = "yearly_income", transform = "number" },
  { column = "total_debt", transform = "number" },
  { column = "credit_score", transform = "number" },
  { column = "num_credit_cards", transform = "number" },
]
candidate = [{ family = "logistic_regression" }, { family = "random_forest" }, { family = "gradient_boosting" }]
"#;

fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/fraud/kaggle_ct");
    folder.join("transactions_data.csv.gz").exists().then_some(folder)
}

fn records(reader: impl Read) -> impl Iterator<Item = HashMap<String, String>> {
    csv::Reader::from_reader(reader).into_deserialize().map(|record| record.expect("a valid row"))
}

fn by_id(folder: &Path, file: &str) -> HashMap<String, HashMap<String, String>> {
    let records = records(File::open(folder.join(file)).expect(file));
    records.map(|record| (record["id"].clone(), record)).collect()
}

fn rows(folder: &Path) -> TrainingRows {
    let open = |file: &str| GzDecoder::new(File::open(folder.join(file)).expect("the file"));
    let labels: HashMap<String, HashMap<String, String>> =
        serde_json::from_reader(open("train_fraud_labels.json.gz")).expect("valid labels");
    let (cards, users) = (by_id(folder, "cards_data.csv"), by_id(folder, "users_data.csv"));
    let (mut times, mut row_labels) = (vec![], vec![]);
    let mut numbers: Vec<(&str, Vec<f64>)> =
        ["credit_limit", "per_capita_income", "yearly_income", "total_debt", "credit_score", "num_credit_cards", "amount"]
            .map(|name| (name, vec![]))
            .to_vec();
    let mut texts: Vec<(&str, TextColumn)> =
        ["card_brand", "card_type", "merchant_state", "use_chip"].map(|name| (name, TextColumn::default())).to_vec();
    for transaction in records(open("transactions_data.csv.gz")) {
        let amount = parse_money(transaction["amount"].as_bytes()).expect("an amount");
        if amount <= 0.0 {
            continue;
        }
        times.push(parse_timestamp(transaction["date"].as_bytes()).expect("a time"));
        row_labels.push(labels["target"].get(&transaction["id"]).map(|label| label == "Yes"));
        let (card, user) = (&cards[&transaction["card_id"]], &users[&transaction["client_id"]]);
        let text = |name: &str| [&transaction, card, user].into_iter().find_map(|record| record.get(name)).expect("a value");
        for (name, column) in &mut numbers {
            column.push(parse_money(text(name).as_bytes()).unwrap_or(f64::NAN));
        }
        for (name, column) in &mut texts {
            let value = text(name);
            column.push(Some(if value.is_empty() { "ONLINE" } else { value }));
        }
    }
    let numbers = numbers.into_iter().map(|(name, column)| (name.to_owned(), Column::Number(column)));
    let texts = texts.into_iter().map(|(name, column)| (name.to_owned(), Column::Text(column)));
    TrainingRows::new(times, row_labels, Columns::new(numbers.chain(texts).collect()).expect("fit together"))
        .expect("fit together")
}

#[test]
fn the_published_transactions_train_and_beat_chance_by_far() {
    let Some(folder) = folder() else {
        eprintln!("skipped: shared/data/fraud/kaggle_ct is not beside the project");
        return;
    };
    let spec: TrainingSpec = toml::from_str(SPEC).expect("valid specification");
    let outcome = run(&spec, &rows(&folder), None).expect("trains");
    assert_eq!((outcome.split.train.rows, outcome.split.test.rows), (112_164, 28_041));
    assert_eq!((outcome.split.train.positives, outcome.split.test.positives), (190, 71));
    for candidate in &outcome.candidates {
        let metrics = candidate.metrics();
        assert!(metrics.roc_auc.value > 0.9, "{}: {:?}", candidate.family, metrics.roc_auc);
        assert!(metrics.lift() > 10.0, "{}: {:?}", candidate.family, metrics.average_precision);
        assert!(metrics.calibration_error < 0.005, "{}: {}", candidate.family, metrics.calibration_error);
    }
}
