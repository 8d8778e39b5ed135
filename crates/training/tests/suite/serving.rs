//! Calibration and decision thresholds: chosen on training rows, stored in the model, applied wherever it scores.

use lakehouse_models::{Column, DEFAULT_THRESHOLD, metrics::Ranking};
use lakehouse_spec::TrainingSpec;
use lakehouse_training::TrainingError;

use crate::{
    data::{made, spec},
    training::{ALL, run},
};

fn with(extra: &str) -> TrainingSpec {
    let text = toml::to_string(&spec(&ALL)).expect("saves");
    toml::from_str(&format!("{extra}\n{text}")).unwrap_or_else(|_| {
        // Tables end the plain keys: they go last.
        toml::from_str(&format!("{text}\n{extra}")).expect("valid specification")
    })
}

#[test]
fn a_candidate_that_ranks_backwards_is_left_out_and_the_others_go_on() {
    let mut made = made(4000, 1);
    for (name, column) in &mut made.columns {
        if name == "velocity"
            && let Column::Number(numbers) = column
        {
            numbers.iter_mut().for_each(|number| *number = 10.0 - *number);
        }
    }
    let calibrated = |candidates: &[(&str, &str)]| {
        let text = toml::to_string(&spec(candidates)).expect("saves");
        toml::from_str::<TrainingSpec>(&format!("{text}\n[calibration]\nmethod = \"platt\"\nshare = 0.25")).expect("valid")
    };
    let rules = ("rules", "limits = { velocity = 9.2 }");

    let outcome = run(&calibrated(&[rules, ("logistic_regression", "")]), &made.rows(), None).expect("trains");

    let families: Vec<&str> = outcome.candidates.iter().map(|candidate| candidate.family.as_str()).collect();
    assert_eq!((families, outcome.best), (vec!["logistic_regression"], 0));
    let alone = run(&calibrated(&[rules]), &made.rows(), None).expect_err("nobody is left");
    assert!(matches!(alone, TrainingError::Calibration { family: "rules", .. }), "{alone:?}");
}

#[test]
fn nothing_is_stored_that_was_not_asked_for() {
    let outcome = run(&spec(&ALL), &made(2000, 1).rows(), None).expect("trains");
    for candidate in &outcome.candidates {
        assert_eq!(candidate.model.threshold(), DEFAULT_THRESHOLD);
        assert!(candidate.model.manifest().serving.calibration.is_none());
        assert_eq!(candidate.metrics().at_threshold.threshold, DEFAULT_THRESHOLD);
    }
}

#[test]
fn platt_keeps_every_rank_and_both_maps_keep_the_promise() {
    let rows = made(8000, 2).rows();
    let plain = run(&spec(&ALL), &rows, None).expect("trains");
    for method in ["platt", "isotonic"] {
        let spec = with(&format!("[calibration]\nmethod = \"{method}\"\nshare = 0.25"));
        let outcome = run(&spec, &rows, None).expect("trains");
        for (candidate, plain) in outcome.candidates.iter().zip(&plain.candidates) {
            let (metrics, before) = (candidate.metrics(), plain.metrics());
            // The form that serves is fitted on all training rows, calibrated or not.
            assert_eq!(candidate.model.form(), plain.model.form(), "{}", candidate.family);
            assert!(metrics.calibration_error < 0.02, "{method} {}: {}", candidate.family, metrics.calibration_error);
            if method == "platt" {
                let difference = (metrics.average_precision.value - before.average_precision.value).abs();
                assert!(difference < 1e-12, "{}: {difference}", candidate.family);
            }
        }
    }
}

#[test]
fn thresholds_are_chosen_before_the_test_rows() {
    let made = made(8000, 3);
    let (rows, columns) = (made.rows(), made.columns());
    let calibration = "[calibration]\nmethod = \"platt\"\nshare = 0.25\n[decision]\n";
    let run_with = |decision: &str| run(&with(&format!("{calibration}{decision}")), &rows, None).expect("trains");

    let test: Vec<u32> = (6000..8000).collect();
    for candidate in run_with("rule = \"alert_rate\"\nrate = 0.12").candidates {
        let scores = candidate.model.score_columns(&columns, &test).expect("scores");
        let share = scores.iter().filter(|score| **score > candidate.model.threshold()).count() as f64 / 2000.0;
        assert!((0.07..0.17).contains(&share), "{}: {share}", candidate.family);
        let found = Ranking::new(&scores, &made.labels[6000..]).at_threshold(candidate.model.threshold());
        assert_eq!(found, candidate.metrics().at_threshold, "{}", candidate.family);
    }
    for candidate in run_with("rule = \"cost\"\nfalse_alarm = 1.0\nmissed = 19.0").candidates {
        assert_eq!(candidate.model.threshold(), 0.05);
    }
    let (one, two) = (run_with("rule = \"f_beta\"\nbeta = 1.0"), run_with("rule = \"f_beta\"\nbeta = 4.0"));
    for (one, two) in one.candidates.iter().zip(&two.candidates) {
        assert!(two.metrics().at_threshold.recall >= one.metrics().at_threshold.recall, "{}", one.family);
        assert!(one.metrics().at_threshold.f1 > 0.5, "{}", one.family);
    }
}

#[test]
fn the_same_rows_give_the_same_files() {
    let rows = made(4000, 4).rows();
    let spec = with("[calibration]\nmethod = \"isotonic\"\nshare = 0.25\n[decision]\nrule = \"f_beta\"\nbeta = 1.0");
    let (one, two) = (run(&spec, &rows, None).expect("trains"), run(&spec, &rows, None).expect("trains"));
    for (one, two) in one.candidates.iter().zip(&two.candidates) {
        assert!(one.files == two.files, "{}", one.family);
    }
}
