//! May the best candidate serve? A pure function of figures, so that `plan` and tests can ask it too.

use lakehouse_models::Metrics;
use lakehouse_spec::Gate;

/// Whether the candidate becomes champion, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// It becomes champion.
    pub promote: bool,
    /// The reason in one sentence, with the figures.
    pub sentence: String,
}

/// Decides by average precision on the test rows; `champion` is the present champion's on the same rows.
pub fn decide(gate: &Gate, candidate: &Metrics, champion: Option<&Metrics>) -> Decision {
    let precision = candidate.average_precision.value;
    let lift = candidate.lift();
    let of_candidate = format!("average precision {precision:.4} is {lift:.1} times the share of positives");
    if lift < gate.min_lift {
        let sentence = format!("refused: {of_candidate}, the gate asks for {:.1} times", gate.min_lift);
        return Decision { promote: false, sentence };
    }
    let Some(champion) = champion.map(|champion| champion.average_precision.value) else {
        return Decision { promote: true, sentence: format!("promoted: {of_candidate}, and no champion can be compared") };
    };
    let against = format!("against {champion:.4} of the present champion on the same rows");
    if precision < champion - gate.max_regression {
        let sentence = format!("refused: {of_candidate}, {against}, more than {} below it", gate.max_regression);
        return Decision { promote: false, sentence };
    }
    Decision { promote: true, sentence: format!("promoted: {of_candidate}, {against}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATE: Gate = Gate { min_lift: 4.0, max_regression: 0.01 };

    /// One positive of ten, ranked `rank` from the top: an average precision of 1 / `rank`.
    fn metrics(rank: usize) -> Metrics {
        let scores: Vec<f64> = (0..10).map(|row| 1.0 - f64::from(row) / 10.0).collect();
        let labels: Vec<bool> = (1..=10).map(|row| row == rank).collect();
        Metrics::new(&scores, &labels, 0.5, 0).expect("both classes")
    }

    #[test]
    fn without_a_champion_the_lift_decides() {
        let promoted = decide(&GATE, &metrics(2), None);
        assert_eq!(
            promoted.sentence,
            "promoted: average precision 0.5000 is 5.0 times the share of positives, and no champion can be compared"
        );
        assert!(promoted.promote);
        let refused = decide(&GATE, &metrics(3), None);
        assert!(!refused.promote);
        assert!(refused.sentence.ends_with("the gate asks for 4.0 times"), "{}", refused.sentence);
    }

    #[test]
    fn against_a_champion_the_regression_decides_too() {
        assert!(decide(&GATE, &metrics(1), Some(&metrics(2))).promote);
        assert!(decide(&GATE, &metrics(2), Some(&metrics(2))).promote);
        let refused = decide(&GATE, &metrics(2), Some(&metrics(1)));
        assert!(!refused.promote);
        assert!(refused.sentence.contains("more than 0.01 below it"), "{}", refused.sentence);
        assert!(decide(&Gate { max_regression: 0.5, ..GATE }, &metrics(2), Some(&metrics(1))).promote);
    }
}
