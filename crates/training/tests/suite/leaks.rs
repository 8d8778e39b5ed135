//! Inputs that make a model look better than it can be are refused by name, unless they are exempt with a reason.

use lakehouse_models::{Column, TextColumn};
use lakehouse_spec::TrainingSpec;
use lakehouse_training::{Leak, TrainingError};

use crate::{
    data::{Made, made, spec},
    training::{ALL, run},
};

/// Rows whose input that is never known holds `column` instead.
fn with(column: impl Fn(usize, bool) -> f64) -> Made {
    let mut made = made(2000, 6);
    let numbers = made.labels.iter().enumerate().map(|(row, label)| column(row, *label)).collect();
    made.columns[4] = ("never_known".into(), Column::Number(numbers));
    made
}

fn leak(spec: &TrainingSpec, made: &Made) -> Option<Leak> {
    match run(spec, &made.rows(), None) {
        Ok(_) => None,
        Err(TrainingError::Leak(leak)) => Some(leak),
        Err(other) => panic!("{other}"),
    }
}

fn plain() -> TrainingSpec {
    spec(&ALL[..1])
}

fn of_time() -> TrainingSpec {
    let text = toml::to_string(&plain()).expect("saves");
    let number = "column = \"never_known\"\nrequired = false\ntransform = \"number\"";
    assert!(text.contains(number), "{text}");
    toml::from_str(&text.replace(number, &number.replace("number\"", "hour\""))).expect("valid specification")
}

fn exempt(spec: TrainingSpec) -> TrainingSpec {
    let exemption = toml::from_str("column = \"never_known\"\nreason = \"a copy, on purpose\"").expect("valid");
    TrainingSpec { exemptions: vec![exemption], ..spec }
}

#[test]
fn copies_of_the_label_are_refused() {
    let absent_or = |is_known: bool| if is_known { 5.0 } else { f64::NAN };
    let cases: [(&str, Made); 3] = [
        ("ROC AUC", with(|_, label| if label { 1.0 } else { 4.0 })),
        ("ROC AUC", with(|_, label| absent_or(label))),
        // Known for nine frauds in ten and for nothing else: the area is far from 1, every alert is right.
        ("average precision", with(|row, label| if label && row % 10 != 0 { 5.0 + row as f64 / 1e4 } else { 0.5 })),
    ];
    for (expected, made) in &cases[..2] {
        let found = leak(&plain(), made);
        assert!(
            matches!(&found, Some(Leak::Label { feature, measure, value }) if feature == "never_known" && measure == expected && *value == 1.0),
            "{found:?}"
        );
        assert_eq!(leak(&exempt(plain()), made), None);
    }
    // Of 2,000 rows a tenth of the frauds is missed, which costs a tenth of the precision: not yet a copy.
    assert_eq!(leak(&plain(), &cases[2].1), None);
    let nearly = with(|row, label| if label && row % 40 != 0 { 5.0 } else { 0.5 });
    let found = leak(&plain(), &nearly);
    assert!(matches!(&found, Some(Leak::Label { measure: "average precision", value, .. }) if *value < 1.0), "{found:?}");
}

#[test]
fn a_pattern_that_is_new_in_the_test_rows_is_no_leak() {
    let news = with(|row, label| f64::from(u8::from(label && row >= 1500)));
    assert_eq!(leak(&plain(), &news), None);
}

#[test]
fn ids_are_refused_and_measurements_are_not() {
    let id = with(|row, _| 1e6 + (row * 1_237 % 2000) as f64);
    assert_eq!(leak(&plain(), &id), Some(Leak::Id { input: "never_known".into(), distinct: 1500, rows: 1500 }));
    assert_eq!(leak(&exempt(plain()), &id), None);
    assert_eq!(leak(&plain(), &with(|row, _| row as f64 / 7.0)), None);
    assert_eq!(leak(&plain(), &with(|row, _| (row % 700) as f64)), None);

    let mut texts = made(2000, 6);
    let names: Vec<String> = (0..2000).map(|row| format!("row {row}")).collect();
    texts.columns[2] = ("state".into(), Column::Text(names.iter().map(|name| Some(name.as_str())).collect::<TextColumn>()));
    assert_eq!(leak(&plain(), &texts), Some(Leak::Id { input: "state".into(), distinct: 1500, rows: 1500 }));
}

#[test]
fn instants_after_the_row_s_own_are_refused() {
    let at = |row: usize| (row / 3) as f64 * 1e6;
    assert_eq!(leak(&of_time(), &with(|row, _| at(row) - 5.0)), None);
    let later = with(|row, _| at(row) + if row % 100 == 0 { 3.6e9 } else { 0.0 });
    assert_eq!(leak(&of_time(), &later), Some(Leak::Future { input: "never_known".into(), rows: 20 }));
    assert_eq!(leak(&exempt(of_time()), &later), None);
}

#[test]
fn the_refusal_names_the_input() {
    let refused = run(&plain(), &with(|_, label| f64::from(u8::from(label))).rows(), None).expect_err("refused");
    let cause = std::error::Error::source(&refused).expect("a cause").to_string();
    assert!(cause.starts_with("`never_known` alone ranks the training and the test rows with ROC AUC 1.00000"), "{cause}");
    assert!(refused.to_string().contains("`exempt` it with a reason"), "{refused}");
}
