//! Planted drift is found, and where there is none, none is called.

use lakehouse_models::{
    Column, Description, DriftReference, InputStatistics, Metrics, NumberStatistics, Random, Source, Split, SplitPart, Value,
};

const WINDOWS: usize = 250;
const ROWS: usize = 2_000;
const STATES: [&str; 5] = ["CA", "NY", "TX", "ONLINE", "FL"];

/// A record: amount, state, credit score if known, PIN failed.
struct Row {
    amount: f64,
    state: &'static str,
    credit_score: f64,
    is_failed: bool,
    score: f64,
}

/// What is different from training.
#[derive(Clone, Copy, PartialEq)]
enum Change {
    Nothing,
    Amounts,
    States,
    Missing,
    NewState,
    Flags,
    Scores,
}

fn row(random: &mut Random, change: Change) -> Row {
    let mut unit = || random.below(1 << 53) as f64 / (1_u64 << 53) as f64;
    let normal = (0..12).map(|_| unit()).sum::<f64>() - 6.0;
    let shifted = if change == Change::Amounts { normal + 0.7 } else { normal };
    let place = (unit().powi(if change == Change::States { 3 } else { 1 }) * 5.0) as usize;
    let is_new = change == Change::NewState && unit() < 0.05;
    let is_missing = unit() < if change == Change::Missing { 0.35 } else { 0.1 };
    Row {
        amount: shifted.exp() * 40.0,
        state: if is_new { "Atlantis" } else { STATES[place.min(4)] },
        credit_score: if is_missing { f64::NAN } else { 500.0 + 300.0 * unit() },
        is_failed: unit() < if change == Change::Flags { 0.3 } else { 0.05 },
        score: unit().powi(if change == Change::Scores { 2 } else { 4 }),
    }
}

fn rows(random: &mut Random, count: usize, change: Change) -> Vec<Row> {
    (0..count).map(|_| row(random, change)).collect()
}

fn reference(random: &mut Random) -> DriftReference {
    let rows = rows(random, 100_000, Change::Nothing);
    let all: Vec<u32> = (0..).take(rows.len()).collect();
    let columns = [
        ("amount", Column::Number(rows.iter().map(|row| row.amount).collect())),
        ("state", Column::Text(rows.iter().map(|row| Some(row.state)).collect())),
        ("credit_score", Column::Number(rows.iter().map(|row| row.credit_score).collect())),
        ("is_failed", Column::Flag(rows.iter().map(|row| Some(row.is_failed)).collect())),
    ];
    let part = SplitPart { rows: 2, positives: 1, from: 0, to: 1 };
    let description = Description {
        model: "fraud".to_owned(),
        about: String::new(),
        family: String::new(),
        parameters: Default::default(),
        seed: 1,
        source: Source::default(),
        split: Split { train: part.clone(), test: part },
        metrics: Metrics::new(&[0.9, 0.1], &[true, false], 0.5, 1).expect("metrics"),
        inputs: columns.iter().map(|(name, column)| InputStatistics::new(name, column, &all)).collect(),
        scores: NumberStatistics::new(rows.iter().map(|row| row.score).collect()),
    };
    DriftReference::new(&description, columns.iter().map(|(name, _)| *name))
}

/// The names of what is called drifted in a window.
fn called(reference: &DriftReference, rows: &[Row]) -> Vec<String> {
    let mut window = reference.window();
    for row in rows {
        let value = |input: usize| match input {
            0 => Value::Number(row.amount),
            1 => Value::Text(row.state),
            2 => Value::Number(row.credit_score),
            _ => Value::Flag(row.is_failed),
        };
        reference.add(&mut window, value, row.score);
    }
    reference.compare(&window).drifted().map(|drift| drift.feature.clone()).collect()
}

#[test]
fn planted_drift_is_found_and_where_there_is_none_none_is_called() {
    let mut random = Random::new(7, 1);
    let reference = reference(&mut random);
    for (change, feature) in [
        (Change::Nothing, None),
        (Change::Amounts, Some("amount")),
        (Change::States, Some("state")),
        (Change::Missing, Some("credit_score")),
        (Change::NewState, Some("state")),
        (Change::Flags, Some("is_failed")),
        (Change::Scores, Some("score")),
    ] {
        let windows: Vec<Vec<String>> = (0..WINDOWS).map(|_| called(&reference, &rows(&mut random, ROWS, change))).collect();
        let found = windows.iter().filter(|called| called.iter().any(|name| Some(name.as_str()) == feature)).count();
        let wrong = windows.iter().filter(|called| called.iter().any(|name| Some(name.as_str()) != feature)).count();
        println!(
            "{:>12}: found in {found}, called wrongly in {wrong} of {WINDOWS} windows of {ROWS}",
            feature.unwrap_or("nothing")
        );
        assert!(wrong * 100 <= WINDOWS, "at most one window of a hundred: {wrong}");
        assert!(feature.is_none() || found * 100 >= WINDOWS * 99, "{feature:?}: {found}");
    }
}

#[test]
fn few_records_call_nothing_by_chance() {
    let mut random = Random::new(11, 1);
    let reference = reference(&mut random);
    for count in [1, 10, 50, 200] {
        let called = (0..WINDOWS).filter(|_| !called(&reference, &rows(&mut random, count, Change::Nothing)).is_empty()).count();
        println!("called wrongly in {called} of {WINDOWS} windows of {count}");
        assert!(called * 50 <= WINDOWS, "{called}");
    }
}
