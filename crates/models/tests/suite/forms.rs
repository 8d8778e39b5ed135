//! Forms score what they should and refuse what they cannot score.

use lakehouse_models::{Combine, FlatForest, Forest, FormError, Linear, LinearParts, ScoringForm};
use proptest::prelude::*;

fn parts() -> LinearParts {
    LinearParts { means: vec![1.0, 10.0], scales: vec![2.0, 5.0], weights: vec![0.5, -1.0], intercept: -2.0 }
}

/// Two trees over two numbers: `x0 < 1.5` then `x1 < 0`, absent left, left; and a single leaf.
fn flat(combine: Combine) -> FlatForest {
    let mut flat = FlatForest::new(2, combine);
    flat.start_tree();
    flat.push_split(0, 1.5, [1, 2], true, 3.0);
    flat.push_split(1, 0.0, [3, 4], false, 2.0);
    flat.push_leaf(0.9, 1.0);
    flat.push_leaf(0.1, 1.0);
    flat.push_leaf(0.2, 1.0);
    flat.start_tree();
    flat.push_leaf(0.5, 1.0);
    flat
}

fn forest(combine: Combine) -> ScoringForm {
    ScoringForm::Forest(Forest::try_from(flat(combine)).expect("valid"))
}

#[test]
fn a_linear_form_is_the_logistic_of_the_weighted_sum() {
    let form = ScoringForm::Linear(Linear::try_from(parts()).expect("valid"));
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    assert!((form.score(&[3.0, 5.0]) - sigmoid(-2.0 + 0.5 + 1.0)).abs() < 1e-15);
    // Absent numbers count as the mean; so do those that are not there at all.
    assert_eq!(form.score(&[f64::NAN, f64::NAN]), form.score(&[1.0, 10.0]));
    assert_eq!(form.score(&[]), form.score(&[1.0, 10.0]));
}

#[test]
fn a_forest_goes_left_below_the_threshold_and_where_absent_goes() {
    let form = forest(Combine::Sum { base: -1.0 });
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    for (row, leaf) in [
        ([1.5, 0.0], 0.9),
        ([1.4, 0.0], 0.2),
        ([1.4, -1.0], 0.1),
        ([f64::NAN, -1.0], 0.1),
        ([f64::NAN, f64::NAN], 0.2),
        ([f64::INFINITY, 0.0], 0.9),
    ] {
        assert_eq!(form.score(&row), sigmoid(-1.0 + leaf + 0.5), "{row:?}");
    }
    let mean = forest(Combine::Mean { odds_factor: 0.1 });
    assert!((mean.score(&[1.5, 0.0]) - 0.07 / (0.07 + 0.3)).abs() < 1e-15);
}

#[test]
fn a_form_reads_back_as_written() {
    for form in [forest(Combine::Sum { base: 0.1 }), ScoringForm::Linear(Linear::try_from(parts()).expect("valid"))] {
        let text = serde_json::to_string(&form).expect("saves");
        let loaded: ScoringForm = serde_json::from_str(&text).expect("loads");
        assert_eq!(loaded, form);
        assert_eq!(serde_json::to_string(&loaded).expect("saves"), text);
    }
}

#[test]
fn corrupt_linear_forms_are_refused() {
    let refuse = |change: fn(&mut LinearParts)| {
        let mut parts = parts();
        change(&mut parts);
        Linear::try_from(parts).expect_err("refused")
    };
    assert_eq!(refuse(|parts| parts.means.truncate(1)), FormError::Length("means"));
    assert_eq!(refuse(|parts| parts.weights[0] = f64::NAN), FormError::NotFinite("weights"));
    assert_eq!(refuse(|parts| parts.intercept = f64::INFINITY), FormError::NotFinite("intercept"));
    assert!(matches!(refuse(|parts| parts.scales[1] = 0.0), FormError::Range { name: "scales", .. }));
    assert!(matches!(refuse(|parts| parts.scales[1] = 1e-310), FormError::Range { name: "scales", .. }));
}

#[test]
fn corrupt_forests_are_refused() {
    let refuse = |change: fn(&mut FlatForest)| {
        let mut flat = flat(Combine::Sum { base: 0.0 });
        change(&mut flat);
        Forest::try_from(flat).expect_err("refused")
    };
    assert_eq!(refuse(|flat| flat.left.truncate(2)), FormError::Length("left"));
    assert_eq!(refuse(|flat| flat.threshold[0] = f64::NAN), FormError::NotFinite("threshold"));
    assert_eq!(refuse(|flat| flat.value[5] = f64::INFINITY), FormError::NotFinite("value"));
    assert_eq!(refuse(|flat| flat.combine = Combine::Sum { base: f64::NAN }), FormError::NotFinite("base"));
    assert_eq!(refuse(|flat| flat.left[1] = 1), FormError::Child { node: 1 }, "a loop");
    assert_eq!(refuse(|flat| flat.right[1] = 0), FormError::Child { node: 1 }, "back to the root");
    assert_eq!(refuse(|flat| flat.right[0] = 5), FormError::Child { node: 0 }, "another tree");
    assert_eq!(refuse(|flat| flat.right[0] = 99), FormError::Child { node: 0 }, "nowhere");
    assert_eq!(refuse(|flat| flat.feature[0] = 2), FormError::Feature { node: 0, feature: 2, width: 2 });
    for roots in [vec![], vec![1], vec![0, 0], vec![0, 6]] {
        let mut flat = flat(Combine::Sum { base: 0.0 });
        flat.roots = roots;
        assert!(matches!(Forest::try_from(flat), Err(FormError::Range { name: "roots", .. })));
    }
    for odds_factor in [0.0, -1.0, 1.5, f64::NAN] {
        assert!(Forest::try_from(flat(Combine::Mean { odds_factor })).is_err());
    }
    assert!(serde_json::from_str::<ScoringForm>(r#"{"tree":{}}"#).is_err());
}

proptest! {
    /// Whatever bytes claim to be a forest: it is refused, or it scores every row between 0 and 1.
    #[test]
    fn any_forest_is_refused_or_scores(
        nodes in prop::collection::vec((0_u32..4, -2.0..2.0_f64, 0_u32..12, 0_u32..12, any::<bool>(), -1.0..2.0_f64), 1..10),
        roots in prop::collection::vec(0_u32..10, 0..3),
        row in prop::collection::vec(prop_oneof![Just(f64::NAN), Just(f64::INFINITY), -3.0..3.0_f64], 0..4),
        is_mean in any::<bool>(),
    ) {
        let combine = if is_mean { Combine::Mean { odds_factor: 0.5 } } else { Combine::Sum { base: 0.0 } };
        let mut flat = FlatForest::new(3, combine);
        flat.roots = if roots.is_empty() { vec![0] } else { roots };
        for (feature, threshold, left, right, missing_left, value) in nodes {
            flat.feature.push(feature);
            flat.threshold.push(threshold);
            flat.left.push(left);
            flat.right.push(right);
            flat.missing_left.push(missing_left);
            flat.value.push(value);
            flat.cover.push(1.0);
        }
        if let Ok(forest) = Forest::try_from(flat) {
            let score = ScoringForm::Forest(forest).score(&row);
            prop_assert!((0.0..=1.0).contains(&score), "{}", score);
        }
    }

    /// Scoring many rows gives to the bit what scoring each of them gives.
    #[test]
    fn blocks_of_rows_score_like_single_rows(numbers in prop::collection::vec(prop_oneof![Just(f64::NAN), -3.0..3.0_f64], 0..400)) {
        for form in [forest(Combine::Sum { base: 0.3 }), forest(Combine::Mean { odds_factor: 0.2 }), ScoringForm::Linear(Linear::try_from(parts()).expect("valid"))] {
            let mut scores = Vec::new();
            form.score_rows(&numbers, &mut scores);
            let single: Vec<f64> = numbers.chunks_exact(2).map(|row| form.score(row)).collect();
            prop_assert_eq!(scores, single);
        }
    }
}
