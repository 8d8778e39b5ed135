//! How far a metric could be off by the luck of which rows were tested.

use serde::{Deserialize, Serialize};

use super::Ranking;
use crate::Random;

/// The number of resamples.
pub const RESAMPLES: usize = 200;

/// The middle 95 % of the resampled values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The 2.5 % point.
    pub low: f64,
    /// The 97.5 % point.
    pub high: f64,
}

/// Intervals of the two metrics that decide.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// Of the average precision.
    pub average_precision: Interval,
    /// Of the area under the ROC curve.
    pub roc_auc: Interval,
}

/// Percentile bootstrap over rows: each resample draws as many rows as there are, with replacement, and walks the one ranking
/// again with their counts. A resample without positives or without negatives says nothing and is left out.
pub fn intervals(ranking: &Ranking, seed: u64) -> Intervals {
    let mut random = Random::new(seed, 0xB007);
    let mut counts = vec![0_u32; ranking.rows()];
    let mut pairs = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        counts.fill(0);
        for _ in 0..ranking.rows() {
            let row = random.below(ranking.rows());
            counts[row] += 1;
        }
        pairs.extend(weighted(ranking, &counts));
    }
    Intervals {
        average_precision: middle(pairs.iter().map(|(precision, _)| *precision).collect()),
        roc_auc: middle(pairs.iter().map(|(_, auc)| *auc).collect()),
    }
}

/// Average precision and ROC AUC of a resample.
fn weighted(ranking: &Ranking, counts: &[u32]) -> Option<(f64, f64)> {
    let (mut start, mut positives, mut negatives, mut area, mut won) = (0, 0_u64, 0_u64, 0.0, 0.0);
    for group in &ranking.groups {
        let (mut gained, mut missed) = (0_u64, 0_u64);
        for (count, label) in counts[start..group.end].iter().zip(&ranking.labels[start..group.end]) {
            let hit = u64::from(*label);
            gained += u64::from(*count) * hit;
            missed += u64::from(*count) * (1 - hit);
        }
        won += missed as f64 * (positives as f64 + gained as f64 / 2.0);
        positives += gained;
        negatives += missed;
        if gained > 0 {
            area += gained as f64 * positives as f64 / (positives + negatives) as f64;
        }
        start = group.end;
    }
    (positives > 0 && negatives > 0).then(|| (area / positives as f64, won / (positives as f64 * negatives as f64)))
}

/// Percentiles by linear interpolation, as numpy does.
fn middle(mut values: Vec<f64>) -> Interval {
    values.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let position = share * values.len().saturating_sub(1) as f64;
        let low = values.get(position.floor() as usize).copied().unwrap_or(0.0);
        let high = values.get(position.ceil() as usize).copied().unwrap_or(0.0);
        low + (high - low) * position.fract()
    };
    Interval { low: at(0.025), high: at(0.975) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unweighted_resample_gives_the_plain_metrics() {
        let scores = [0.9, 0.8, 0.8, 0.8, 0.5, 0.5, 0.1];
        let ranking = Ranking::new(&scores, &[true, false, true, false, true, false, false]);
        let (precision, auc) = weighted(&ranking, &[1; 7]).expect("both classes");
        assert!((precision - ranking.average_precision()).abs() < 1e-15);
        assert!((auc - ranking.roc_auc()).abs() < 1e-15);
        assert_eq!(weighted(&ranking, &[1, 0, 0, 0, 0, 0, 0]), None);
    }

    #[test]
    fn percentiles_interpolate() {
        let interval = middle((0..=100).map(f64::from).collect());
        assert!((interval.low - 2.5).abs() < 1e-12 && (interval.high - 97.5).abs() < 1e-12);
        assert_eq!(middle(vec![]), Interval { low: 0.0, high: 0.0 });
    }
}
