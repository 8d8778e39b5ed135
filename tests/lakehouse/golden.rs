//! The real transactions against values that another engine computed: see `tests/golden/kaggle_ct/README.md`.

use std::{collections::BTreeMap, path::Path};

use crate::program::REAL;

type Row = BTreeMap<String, String>;

fn golden(file: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/kaggle_ct").join(file);
    csv::Reader::from_path(&path).unwrap().deserialize().map(|row| row.unwrap()).collect()
}

/// Reals within the tolerance the README states; everything else equal.
fn is_same(column: &str, ours: &str, theirs: &str) -> bool {
    if ours == theirs {
        return true;
    }
    if column == "timestamp_ts" {
        return ours.trim_end_matches('Z').replace('T', " ") == theirs;
    }
    let (Ok(ours), Ok(theirs)) = (ours.parse::<f64>(), theirs.parse::<f64>()) else { return false };
    let tolerance = if column == "amount_zscore_30d" { 1e-6 } else { 1e-9 };
    (ours - theirs).abs() <= tolerance * theirs.abs().max(1.0)
}

fn compare(ours: &[Row], theirs: &[Row], key: &str) {
    assert_eq!(ours.len(), theirs.len(), "rows");
    let by_key: BTreeMap<&str, &Row> = ours.iter().map(|row| (row[key].as_str(), row)).collect();
    let mut differences = Vec::new();
    for expected in theirs {
        let Some(found) = by_key.get(expected[key].as_str()) else {
            differences.push(format!("no {key} {}", expected[key]));
            continue;
        };
        for (column, value) in expected {
            if !is_same(column, &found[column], value) {
                differences.push(format!("{key} {}: {column} is {} and should be {value}", expected[key], found[column]));
            }
        }
    }
    assert!(
        differences.is_empty(),
        "{} differences, the first: {:#?}",
        differences.len(),
        &differences[..differences.len().min(10)]
    );
}

fn mart_equals_golden(mart: &str, key: &str) {
    let Some(real) = REAL.as_ref() else { return };
    compare(&real.rows(&format!("select * from gold.{mart}")), &golden(&format!("{mart}.csv")), key);
}

#[test]
fn client_features_are_duckdbs() {
    mart_equals_golden("dm_client_features", "client_id");
}

#[test]
fn card_features_are_duckdbs() {
    mart_equals_golden("dm_card_features", "tx_card_id");
}

#[test]
fn client_velocity_is_duckdbs() {
    mart_equals_golden("dm_client_velocity", "client_id");
}

#[test]
fn mcc_fraud_risk_is_duckdbs() {
    mart_equals_golden("dm_mcc_fraud_risk", "mcc_code");
}

#[test]
fn time_of_day_fraud_is_duckdbs() {
    mart_equals_golden("dm_time_of_day_fraud", "hour");
}

#[test]
fn signals_of_single_purchases_are_duckdbs() {
    let Some(real) = REAL.as_ref() else { return };
    let expected = golden("signals_sample.csv");
    let ids: Vec<&str> = expected.iter().map(|row| row["transaction_id"].as_str()).collect();
    let ours = real.rows(&format!("select * from signals.transactions where transaction_id in ({})", ids.join(",")));
    compare(&ours, &expected, "transaction_id");
}

#[test]
fn signals_of_all_purchases_add_up_to_duckdbs() {
    let Some(real) = REAL.as_ref() else { return };
    for expected in golden("signals_totals.csv") {
        let column = &expected["column"];
        let number = match column.as_str() {
            "timestamp_ts" => "extract(epoch from timestamp_ts)".to_owned(),
            name if name.starts_with("is_") => format!("cast({name} as int)"),
            name => name.to_owned(),
        };
        let ours = real.rows(&format!(
            "select count({number}) as count, sum({number}) as sum, min({number}) as min, max({number}) as max from signals.transactions"
        ));
        for measure in ["count", "sum", "min", "max"] {
            let (found, wanted) = (&ours[0][measure], &expected[measure]);
            // Adding 200,000 doubles in another order moves the last digits.
            let is_close = match (found.parse::<f64>(), wanted.parse::<f64>()) {
                (Ok(found), Ok(wanted)) => (found - wanted).abs() <= 1e-6 * wanted.abs().max(1.0),
                _ => found == wanted,
            };
            assert!(is_close, "{column}: {measure} is {found} and should be {wanted}");
        }
    }
}

#[test]
fn silver_adds_up_to_duckdbs() {
    let Some(real) = REAL.as_ref() else { return };
    for expected in golden("silver_totals.csv") {
        let (column, measure, wanted) = (&expected["column"], expected["measure"].as_str(), &expected["value"]);
        let expression = match (column.as_str(), measure) {
            ("*", "rows") => "count(*)".to_owned(),
            ("*", "refunds") => "sum(cast(is_refund as int))".to_owned(),
            ("*", "labels_0") => "sum(case when label = 0 then 1 else 0 end)".to_owned(),
            ("*", "labels_1") => "sum(case when label = 1 then 1 else 0 end)".to_owned(),
            ("*", "labels_null") => "sum(case when label is null then 1 else 0 end)".to_owned(),
            (name, "nulls") => format!("count(*) - count({name})"),
            (name, "bytes") => format!("sum(octet_length({name}))"),
            ("timestamp_ts", "sum") => "sum(extract(epoch from timestamp_ts))".to_owned(),
            (name @ ("acct_open_date" | "situation_date"), "sum") => format!("sum(date_part('epoch', {name}) / 86400)"),
            (name @ ("has_chip" | "card_on_dark_web" | "is_refund"), "sum") => format!("sum(cast({name} as int))"),
            (name, "sum") => format!("sum({name})"),
            (name, other) => panic!("the golden file has an unknown measure {other} of {name}"),
        };
        let found = real.value(&format!("select {expression} as value from silver.transactions"));
        let is_close = match (found.parse::<f64>(), wanted.parse::<f64>()) {
            (Ok(found), Ok(wanted)) => (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0),
            _ => found == *wanted,
        };
        assert!(is_close, "{column}: {measure} is {found} and should be {wanted}");
    }
}
