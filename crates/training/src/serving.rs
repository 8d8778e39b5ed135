//! What is chosen on the calibration rows: the latest training rows, which a fit of their own has not seen.
//!
//! Rows that were fitted on score too well to calibrate by, and test rows must not choose anything. So a candidate is fitted
//! once on the rows before, and its scores of the rows after give the map and the threshold; the candidate that serves is
//! fitted on all training rows.

use lakehouse_models::{Calibration, CalibrationError, Serving};
use lakehouse_spec::{CalibrationMethod, CalibrationSpec, DecisionRule};

/// Fitted on the calibration rows' scores and labels.
pub(crate) fn fit(
    calibration: &CalibrationSpec,
    decision: Option<&DecisionRule>,
    scores: &[f64],
    labels: &[bool],
) -> Result<Serving, CalibrationError> {
    let map = match calibration.method {
        CalibrationMethod::Platt => Calibration::platt(scores, labels)?,
        CalibrationMethod::Isotonic => Calibration::isotonic(scores, labels)?,
    };
    let scores: Vec<f64> = scores.iter().map(|score| map.apply(*score)).collect();
    let threshold = decision.map(|rule| threshold(rule, &scores, labels));
    Ok(Serving { calibration: Some(map), threshold })
}

/// The probability above which a row is an alert.
pub(crate) fn threshold(rule: &DecisionRule, scores: &[f64], labels: &[bool]) -> f64 {
    match *rule {
        // An alert costs (1 − p) · false alarm, none costs p · missed.
        DecisionRule::Cost { false_alarm, missed } => false_alarm / (false_alarm + missed),
        DecisionRule::AlertRate { rate } => {
            let mut sorted = scores.to_vec();
            sorted.sort_unstable_by(|one, other| other.total_cmp(one));
            let alerts = (sorted.len() as f64 * rate).round() as usize;
            // The first score that is no alert: alerts lie above it. Of scores that are all the highest, all are alerts.
            let first = sorted.get(alerts).filter(|score| Some(*score) != sorted.first());
            let below_first = || sorted.iter().find(|score| Some(*score) != sorted.first());
            first.or_else(below_first).copied().unwrap_or(0.0)
        }
        DecisionRule::FBeta { beta } => best_f(beta * beta, scores, labels),
    }
}

/// Of the scores to cut above, the one with the best F-score; the highest of equally good ones.
fn best_f(weight: f64, scores: &[f64], labels: &[bool]) -> f64 {
    let mut rows: Vec<(f64, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
    rows.sort_unstable_by(|one, other| other.0.total_cmp(&one.0));
    let positives = labels.iter().filter(|label| **label).count() as f64;
    let (mut best, mut alerts, mut hits) = ((0.0, 1.0), 0.0, 0.0);
    let groups: Vec<&[(f64, bool)]> = rows.chunk_by(|one, next| one.0 == next.0).collect();
    for (position, group) in groups.iter().enumerate() {
        alerts += group.len() as f64;
        hits += group.iter().filter(|row| row.1).count() as f64;
        let f = (1.0 + weight) * hits / (weight * positives + alerts);
        if f > best.0 {
            let below = groups.get(position + 1).and_then(|next| next.first()).map_or(0.0, |next| next.0);
            best = (f, below);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORES: [f64; 6] = [0.9, 0.8, 0.7, 0.6, 0.2, 0.1];
    const LABELS: [bool; 6] = [true, true, false, true, false, false];

    fn alerts(rule: DecisionRule) -> usize {
        let threshold = threshold(&rule, &SCORES, &LABELS);
        SCORES.iter().filter(|score| **score > threshold).count()
    }

    #[test]
    fn thresholds_follow_their_rules() {
        assert_eq!(threshold(&DecisionRule::Cost { false_alarm: 1.0, missed: 9.0 }, &[], &[]), 0.1);
        assert_eq!(alerts(DecisionRule::AlertRate { rate: 0.34 }), 2);
        assert_eq!(alerts(DecisionRule::AlertRate { rate: 0.01 }), 1);
        let tied = threshold(&DecisionRule::AlertRate { rate: 0.34 }, &[1.0, 1.0, 1.0, 0.5], &[true; 4]);
        assert_eq!(tied, 0.5);
        // fbeta_score of scikit-learn: F1 is .857 with four alerts and .8 with two; F0.1 is .995 with two.
        assert_eq!(alerts(DecisionRule::FBeta { beta: 1.0 }), 4);
        assert_eq!(alerts(DecisionRule::FBeta { beta: 0.1 }), 2);
    }
}
