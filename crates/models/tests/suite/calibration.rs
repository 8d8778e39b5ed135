//! Calibrations agree with SciPy and scikit-learn, and keep the order of scores.
//!
//! The expected values were computed on the rows that `metrics::rows` makes; the call stands beside each group.

use lakehouse_models::{Calibration, CalibrationError, CalibrationParts};
use proptest::prelude::*;

use crate::metrics::rows;

#[test]
fn platt_finds_the_most_likely_slope_and_intercept() {
    // scipy.optimize.minimize(BFGS) of sum(logaddexp(0, a x + b) - y (a x + b)) + (a - 1)² / 2, x the log-odds of the scores
    let (scores, labels) = rows(false);
    let CalibrationParts::Platt { slope, intercept } = Calibration::platt(&scores, &labels).expect("fits").into() else {
        panic!("Platt")
    };
    assert!((slope - 3.271_146_157).abs() < 1e-7 && (intercept + 2.130_269_263).abs() < 1e-7, "{slope} {intercept}");
}

#[test]
fn isotonic_regression_pools_adjacent_violators() {
    // IsotonicRegression(out_of_bounds="clip").fit(scores, labels).predict(score)
    let (scores, labels) = rows(false);
    let map = Calibration::isotonic(&scores, &labels).expect("fits");
    for (score, expected) in [
        (0.0, 0.0),
        (0.36, 0.0),
        (0.4, 0.076_433_121_019_108_28),
        (0.5, 0.079_754_601_226_993_86),
        (0.58, 0.111_111_111_111_111_1),
        (0.6, 0.413_708_053_117_771_7),
        (0.62, 1.0),
        (1.0, 1.0),
    ] {
        assert!((map.apply(score) - expected).abs() < 1e-12, "{score}: {} instead of {expected}", map.apply(score));
    }
}

#[test]
fn calibrated_scores_say_what_happens() {
    let (scores, labels) = rows(false);
    for map in [Calibration::platt(&scores, &labels), Calibration::isotonic(&scores, &labels)] {
        let map = map.expect("fits");
        let predicted: f64 = scores.iter().map(|score| map.apply(*score)).sum();
        // Both maps keep the number of positives: 79 of 1,000.
        assert!((predicted - 79.0).abs() < 1e-6, "{predicted}");
    }
}

#[test]
fn rows_and_files_that_make_no_map_are_refused() {
    for fit in [Calibration::platt, Calibration::isotonic] {
        assert_eq!(fit(&[0.1, 0.2], &[true, true]), Err(CalibrationError::SingleClass));
    }
    let backwards: Vec<f64> = (0..100).map(|row| if row < 50 { 0.999_999 } else { 0.000_001 }).collect();
    let labels: Vec<bool> = (0..100).map(|row| row >= 50).collect();
    assert_eq!(Calibration::platt(&backwards, &labels), Err(CalibrationError::Backwards));
    for text in [
        r#"{"method":"platt","slope":-1.0,"intercept":0.0}"#,
        r#"{"method":"platt","slope":1.0}"#,
        r#"{"method":"isotonic","scores":[],"probabilities":[]}"#,
        r#"{"method":"isotonic","scores":[0.2,0.1],"probabilities":[0.0,1.0]}"#,
        r#"{"method":"isotonic","scores":[0.1,0.2],"probabilities":[1.0,0.0]}"#,
        r#"{"method":"isotonic","scores":[0.1],"probabilities":[1.5]}"#,
    ] {
        assert!(serde_json::from_str::<Calibration>(text).is_err(), "{text}");
    }
}

proptest! {
    /// Whatever rows it is fitted on: the map never falls, stays between 0 and 1, and reads back as written.
    #[test]
    fn a_map_keeps_the_order(
        scores in prop::collection::vec(prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0_f64], 2..60),
        labels in prop::collection::vec(any::<bool>(), 60),
    ) {
        let labels = &labels[..scores.len()];
        for map in [Calibration::platt(&scores, labels), Calibration::isotonic(&scores, labels)].into_iter().flatten() {
            let text = serde_json::to_string(&map).expect("saves");
            prop_assert_eq!(&serde_json::from_str::<Calibration>(&text).expect("loads"), &map);
            let mut sorted = scores.clone();
            sorted.sort_by(f64::total_cmp);
            let mapped: Vec<f64> = sorted.iter().map(|score| map.apply(*score)).collect();
            prop_assert!(mapped.is_sorted() && mapped.iter().all(|score| (0.0..=1.0).contains(score)), "{:?}", mapped);
        }
    }
}
