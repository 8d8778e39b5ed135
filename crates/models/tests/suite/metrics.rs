//! Metrics agree with scikit-learn.
//!
//! The expected values were computed by scikit-learn 1.9.1 on the rows that `rows` makes; the call stands beside each group.

use lakehouse_models::metrics::{Metrics, MetricsError, Ranking, brier, calibration_error, intervals, log_loss, reliability};

/// 1,000 scores and labels from a linear congruential generator; with ties, scores are rounded down to sixteenths.
pub fn rows(with_ties: bool) -> (Vec<f64>, Vec<bool>) {
    let mut state = 12_345_u64;
    let mut next = || {
        state = (state * 1_103_515_245 + 12_345) % (1 << 31);
        state as f64 / (1_u64 << 31) as f64
    };
    let row = |_| {
        let (noise, chance) = (next(), next());
        let label = chance < 0.08;
        let score = noise * 0.6 + if label { 0.35 } else { 0.0 };
        (if with_ties { (score * 16.0).floor() / 16.0 } else { score }, label)
    };
    (0..1000).map(row).unzip()
}

fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}");
}

#[test]
fn average_precision_and_roc_auc() {
    // average_precision_score(labels, scores), roc_auc_score(labels, scores)
    for (with_ties, average_precision, roc_auc) in
        [(false, 0.727_689_130_663_097, 0.917_673_414_972_718_3), (true, 0.679_335_801_122_972_6, 0.915_536_222_323_012_1)]
    {
        let (scores, labels) = rows(with_ties);
        let ranking = Ranking::new(&scores, &labels);
        assert_eq!(ranking.positives(), 79);
        assert_near(ranking.average_precision(), average_precision);
        assert_near(ranking.roc_auc(), roc_auc);
    }
}

#[test]
fn metrics_at_a_threshold() {
    // precision_score, recall_score, f1_score, accuracy_score of (labels, scores > threshold)
    for (with_ties, threshold, expected) in [
        (false, 0.5, [0.293_814_432_989_690_73, 0.721_518_987_341_772_1, 0.417_582_417_582_417_6, 0.841]),
        (false, 0.3, [0.149_056_603_773_584_9, 1.0, 0.259_441_707_717_569_8, 0.549]),
        (true, 0.5, [0.536_082_474_226_804_1, 0.658_227_848_101_265_8, 0.590_909_090_909_090_9, 0.928]),
        (true, 0.3, [0.155_206_286_836_935_16, 1.0, 0.268_707_482_993_197_3, 0.57]),
    ] {
        let (scores, labels) = rows(with_ties);
        let found = Ranking::new(&scores, &labels).at_threshold(threshold);
        for (found, expected) in [found.precision, found.recall, found.f1, found.accuracy].into_iter().zip(expected) {
            assert_near(found, expected);
        }
    }
    let (scores, labels) = rows(false);
    let none = Ranking::new(&scores, &labels).at_threshold(1.0);
    assert_eq!((none.precision, none.recall, none.f1, none.accuracy), (0.0, 0.0, 0.0, 0.921));
}

#[test]
fn losses() {
    // log_loss(labels, scores), brier_score_loss(labels, scores)
    for (with_ties, expected_log_loss, expected_brier) in
        [(false, 0.387_310_269_751_910_8, 0.118_941_240_150_152_98), (true, 0.350_490_585_144_353_8, 0.105_226_562_5)]
    {
        let (scores, labels) = rows(with_ties);
        assert_near(log_loss(&scores, &labels), expected_log_loss);
        assert_near(brier(&scores, &labels), expected_brier);
    }
}

#[test]
fn reliability_has_equally_many_rows_in_a_bin() {
    // calibration_curve(labels, scores, n_bins=10, strategy="quantile")
    let observed = [0.0, 0.0, 0.0, 0.0, 0.0, 0.06, 0.05, 0.1, 0.05, 0.53];
    let predicted = [0.031_486_872_157_081_944, 0.095_369_275_789_707_89, 0.155_623_384_349_048_1, 0.221_118_371_313_437_95];
    let (scores, labels) = rows(false);
    let table = reliability(&Ranking::new(&scores, &labels), 10);
    assert!(table.iter().all(|bin| bin.rows == 100));
    for (bin, expected) in table.iter().zip(observed) {
        assert_near(bin.positive_share, expected);
    }
    for (bin, expected) in table.iter().zip(predicted) {
        assert_near(bin.mean_score, expected);
    }
    // numpy.mean(numpy.abs(observed - predicted))
    assert_near(calibration_error(&table), 0.243_097_766_513_377_5);
}

#[test]
fn rows_of_equal_score_stay_in_one_bin() {
    let ranking = Ranking::new(&[0.1, 0.1, 0.1, 0.9], &[true, false, false, true]);
    let table = reliability(&ranking, 4);
    assert_eq!(table.iter().map(|bin| bin.rows).collect::<Vec<_>>(), [3, 1]);
    assert_near(table[0].positive_share, 1.0 / 3.0);
}

#[test]
fn recall_at_an_alert_rate() {
    // order = argsort(-scores); labels[order[:k]].sum() / labels.sum()
    let (scores, labels) = rows(false);
    let ranking = Ranking::new(&scores, &labels);
    for (rate, alerts, recall) in
        [(0.001, 1, 0.012_658_227_848_101_266), (0.005, 5, 0.063_291_139_240_506_33), (0.01, 10, 0.126_582_278_481_012_67)]
    {
        let found = ranking.at_alert_rate(rate);
        assert_eq!(found.alerts, alerts);
        assert_near(found.recall, recall);
        assert_near(found.precision, 1.0);
    }
    // One alert among three rows of equal score, one of them positive: a third of it on average.
    let tied = Ranking::new(&[0.5, 0.5, 0.5, 0.1], &[false, true, false, false]).at_alert_rate(0.25);
    assert_near(tied.recall, 1.0 / 3.0);
    assert_near(tied.precision, 1.0 / 3.0);
}

#[test]
fn metrics_do_not_depend_on_the_order_of_rows() {
    let (mut scores, mut labels) = rows(true);
    let before = Metrics::new(&scores, &labels, 0.5, 1).expect("both classes");
    scores.reverse();
    labels.reverse();
    let after = Metrics::new(&scores, &labels, 0.5, 1).expect("both classes");
    assert_near(after.average_precision.value, before.average_precision.value);
    assert_near(after.roc_auc.value, before.roc_auc.value);
    assert_eq!((after.alert_rates, after.at_threshold), (before.alert_rates, before.at_threshold));
    assert_eq!(after.curve, before.curve);
}

#[test]
fn intervals_hold_the_value_and_repeat_with_the_seed() {
    let (scores, labels) = rows(false);
    let ranking = Ranking::new(&scores, &labels);
    let found = intervals(&ranking, 1);
    assert_eq!(found, intervals(&ranking, 1));
    assert_ne!(found, intervals(&ranking, 2));
    // numpy.percentile over 2,000 resamples of default_rng(0)
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 0.03, "{found} is far from {expected}");
    near(found.average_precision.low, 0.637);
    near(found.average_precision.high, 0.811);
    near(found.roc_auc.low, 0.887);
    near(found.roc_auc.high, 0.944);
}

#[test]
fn the_curve_is_thinned_and_ends_with_every_row() {
    let (scores, labels) = rows(false);
    let curve = Ranking::new(&scores, &labels).curve(20);
    assert!(curve.len() <= 23, "{}", curve.len());
    assert!(curve.is_sorted_by(|one, next| one.recall <= next.recall && one.threshold > next.threshold));
    let last = curve.last().expect("a point");
    // precision_recall_curve(labels, scores): the point of the lowest threshold
    assert_eq!((last.precision, last.recall), (0.079, 1.0));
}

#[test]
fn what_cannot_be_judged_is_refused() {
    let refuse = |labels: &[bool]| Metrics::new(&[0.1, 0.2], labels, 0.5, 0).expect_err("refused");
    assert_eq!(refuse(&[true]), MetricsError::Length { scores: 2, labels: 1 });
    assert_eq!(refuse(&[true, true]), MetricsError::SingleClass { rows: 2, positives: 2 });
    assert_eq!(refuse(&[false, false]), MetricsError::SingleClass { rows: 2, positives: 0 });
    let empty = Ranking::new(&[], &[]);
    assert_eq!((empty.average_precision(), empty.roc_auc()), (0.0, 0.5));
    assert_eq!(empty.at_alert_rate(0.01).alerts, 0);
    assert!(empty.curve(10).is_empty() && reliability(&empty, 10).is_empty());
}
