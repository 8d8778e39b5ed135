//! The contract every family keeps. A new family is held to it by its line in `FAMILIES`.

use lakehouse_models::{Columns, Encoder, ScoringForm, metrics::Ranking};
use lakehouse_training::{
    Examples,
    families::{FAMILIES, FitError, ModelFamily, find},
};

use crate::data::{features, made};

/// Those that learn from labels: only their scores are probabilities.
fn supervised() -> impl Iterator<Item = &'static &'static dyn ModelFamily> {
    FAMILIES.iter().filter(|family| family.is_supervised())
}

fn fit_rows(
    family: &dyn ModelFamily,
    columns: &Columns,
    labels: &[bool],
    rows: &[u32],
    seed: u64,
) -> Result<(ScoringForm, Vec<f64>), FitError> {
    let encoder = Encoder::fit(&features(), columns, rows).expect("fits");
    let bound = encoder.bind(columns).expect("binds");
    let trainer = family.check(&toml::Table::new()).expect("defaults are valid");
    let form = trainer.fit(&Examples::new(&bound, rows, labels), seed)?;
    let everything: Vec<u32> = (0..).take(columns.rows()).collect();
    let scores = bound.score(&form, &everything);
    Ok((form, scores))
}

#[test]
fn names_are_distinct() {
    let names: std::collections::BTreeSet<_> = FAMILIES.iter().map(|family| family.name()).collect();
    assert_eq!(names.len(), FAMILIES.len());
}

#[test]
fn a_signal_is_learnt_and_probabilities_are_calibrated() {
    let made = made(6000, 1);
    let rows: Vec<u32> = (0..4000).collect();
    for family in supervised() {
        let (_, scores) = fit_rows(*family, &made.columns(), &made.labels, &rows, 1).expect("fits");
        assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)), "{}", family.name());
        let auc = Ranking::new(&scores[4000..], &made.labels[4000..]).roc_auc();
        assert!(auc > 0.95, "{}: {auc}", family.name());
        let predicted = scores[4000..].iter().sum::<f64>() / 2000.0;
        let observed = made.labels[4000..].iter().filter(|label| **label).count() as f64 / 2000.0;
        assert!((predicted - observed).abs() < 0.03, "{}: {predicted} for {observed}", family.name());
    }
}

#[test]
fn probabilities_stay_calibrated_when_negatives_are_left_out() {
    // Rare enough positives that most negatives are not fitted on.
    let mut made = made(120_000, 2);
    let mut seen = 0;
    for label in &mut made.labels {
        seen += u64::from(*label);
        *label &= seen.is_multiple_of(100);
    }
    let rows: Vec<u32> = (0..120_000).collect();
    let observed = made.labels.iter().filter(|label| **label).count() as f64 / 120_000.0;
    for family in supervised() {
        let (_, scores) = fit_rows(*family, &made.columns(), &made.labels, &rows, 1).expect("fits");
        let predicted = scores.iter().sum::<f64>() / 120_000.0;
        assert!((0.6..1.6).contains(&(predicted / observed)), "{}: {predicted} for {observed}", family.name());
    }
}

#[test]
fn a_form_scores_the_same_after_saving() {
    let made = made(2000, 3);
    let rows: Vec<u32> = (0..2000).collect();
    for family in FAMILIES {
        let (form, _) = fit_rows(*family, &made.columns(), &made.labels, &rows, 1).expect("fits");
        let text = serde_json::to_string(&form).expect("saves");
        let loaded: ScoringForm = serde_json::from_str(&text).expect("loads");
        let columns = made.columns();
        let encoder = Encoder::fit(&features(), &columns, &rows).expect("fits");
        let bound = encoder.bind(&columns).expect("binds");
        let bits = |form| bound.score(form, &rows).iter().map(|score| score.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&form), bits(&loaded), "{}", family.name());
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let made = made(2000, 4);
    let rows: Vec<u32> = (0..2000).collect();
    let fit = |family: &dyn ModelFamily, seed| {
        let (form, _) = fit_rows(family, &made.columns(), &made.labels, &rows, seed).expect("fits");
        serde_json::to_string(&form).expect("saves")
    };
    for family in FAMILIES {
        assert_eq!(fit(*family, 5), fit(*family, 5), "{}", family.name());
    }
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    // Enough rows for several blocks of the logistic loss and for histograms on several threads.
    let made = made(50_000, 8);
    let rows: Vec<u32> = (0..50_000).collect();
    let columns = made.columns();
    let encoder = Encoder::fit(&features(), &columns, &rows).expect("fits");
    let bound = encoder.bind(&columns).expect("binds");
    let quick = [
        ("logistic_regression", ""),
        ("random_forest", "trees = 25"),
        ("gradient_boosting", "rounds = 5\nfeatures_share = 1.0"),
        ("isolation_forest", ""),
        ("rules", ""),
    ];
    assert_eq!(quick.len(), FAMILIES.len());
    for (family, parameters) in quick {
        let parameters = toml::from_str(parameters).expect("valid toml");
        let trainer = find(family).expect("a family").check(&parameters).expect("in range");
        let fit = |threads| {
            let examples = Examples::new(&bound, &rows, &made.labels).with_threads(threads);
            serde_json::to_string(&trainer.fit(&examples, 5).expect("fits")).expect("saves")
        };
        let one = fit(1);
        for threads in [2, 3, 7] {
            assert!(one == fit(threads), "{family} on {threads} threads");
        }
    }
}

#[test]
fn parameters_are_checked() {
    for family in supervised() {
        for text in
            ["negatives_per_positive = 0.5", "negatives_per_positive = nan", "nonsense = 1", "negatives_per_positive = \"x\""]
        {
            let refused = family.check(&toml::from_str(text).expect("valid toml")).expect_err(text).to_string();
            assert!(refused.contains(family.name()), "{refused}");
        }
        let trainer = family.check(&toml::from_str("negatives_per_positive = 7.0").expect("valid toml")).expect("in range");
        assert_eq!(trainer.parameters()["negatives_per_positive"], 7.0);
        let defaults = family.check(&toml::Table::new()).expect("defaults are valid").parameters();
        assert_eq!(defaults.len(), trainer.parameters().len(), "all parameters are told");
    }
}

#[test]
fn one_class_is_refused() {
    let made = made(500, 6);
    let rows: Vec<u32> = (0..500).collect();
    for (label, positives) in [(false, 0), (true, 500)] {
        for family in supervised() {
            let refused = fit_rows(*family, &made.columns(), &[label; 500], &rows, 1).expect_err("refused");
            assert!(matches!(refused, FitError::SingleClass { rows: 500, positives: p } if p == positives), "{}", family.name());
        }
    }
}

#[test]
fn a_handful_of_rows_does_not_break_a_family() {
    let made = made(200, 7);
    let positive = made.labels.iter().position(|label| *label).expect("a positive") as u32;
    let negatives = (0..200).filter(|row| !made.labels[*row as usize]).take(3);
    let rows: Vec<u32> = negatives.chain([positive]).collect();
    for family in FAMILIES {
        let (_, scores) = fit_rows(*family, &made.columns(), &made.labels, &rows, 1).expect("fits");
        assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)), "{}", family.name());
    }
}

#[test]
fn what_is_unusual_is_isolated_quickly() {
    // 20 of 2,000 rows far from the rest, in both numbers.
    let mut made = made(2_000, 9);
    let odd = |row: usize| row.is_multiple_of(100);
    made.move_far(odd);
    let labels: Vec<bool> = (0..2_000).map(odd).collect();
    let rows: Vec<u32> = (0..2_000).collect();
    let (_, scores) = fit_rows(find("isolation_forest").expect("a family"), &made.columns(), &labels, &rows, 1).expect("fits");
    let auc = Ranking::new(&scores, &labels).roc_auc();
    assert!(auc > 0.97, "{auc}");
    // No label has been looked at: the other way round they give the same.
    let turned: Vec<bool> = labels.iter().map(|label| !label).collect();
    let (_, again) = fit_rows(find("isolation_forest").expect("a family"), &made.columns(), &turned, &rows, 1).expect("fits");
    assert_eq!(scores, again);
}

#[test]
fn rules_are_about_numbers_that_exist() {
    let made = made(200, 10);
    let columns = made.columns();
    let rows: Vec<u32> = (0..200).collect();
    let encoder = Encoder::fit(&features(), &columns, &rows).expect("fits");
    let bound = encoder.bind(&columns).expect("binds");
    let trainer = find("rules").expect("a family").check(&toml::from_str("limits = { nowhere = 1.0 }").expect("valid"));
    let refused = trainer.expect("in range").fit(&Examples::new(&bound, &rows, &made.labels), 1).expect_err("refused");
    assert_eq!(refused.to_string(), "there is no number `nowhere` among the inputs");
    for bad in ["scores = []", "scores = [0.5, 0.1]", "scores = [2.0]", "limits = { a = nan }", "trend_adds = -1.0"] {
        find("rules").expect("a family").check(&toml::from_str(bad).expect("valid")).expect_err(bad);
    }
}

#[test]
fn sums_that_are_left_of_a_parents_split_like_those_that_were_summed() {
    let made = made(4000, 5);
    let (columns, rows): (_, Vec<u32>) = (made.columns(), (0..4000).collect());
    let encoder = Encoder::fit(&features(), &columns, &rows).expect("fits");
    let bound = encoder.bind(&columns).expect("binds");
    let scores = |share: f64| {
        let text = format!("rounds = 20\nmax_leaves = 16\nmax_depth = 8\nrows_share = 1.0\nfeatures_share = {share:?}");
        let trainer = find("gradient_boosting").expect("there").check(&toml::from_str(&text).expect("toml")).expect("valid");
        bound.score(&trainer.fit(&Examples::new(&bound, &rows, &made.labels), 1).expect("fits"), &rows)
    };
    // A share that is all columns but for rounding: each node looks at all of them, and is summed by itself.
    let pairs: Vec<(f64, f64)> = scores(1.0).into_iter().zip(scores(0.9999)).collect();
    let alike = pairs.iter().filter(|(left, summed)| (left - summed).abs() < 1e-6).count();
    assert!(alike >= 3_960, "{alike} of 4000: only ties may be cut differently");
}
