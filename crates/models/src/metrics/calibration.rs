//! Metrics of probabilities as probabilities.

use serde::{Deserialize, Serialize};

use super::Ranking;

/// Rows of similar score: what was predicted and what happened.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// The number of rows.
    pub rows: usize,
    /// Their mean score.
    pub mean_score: f64,
    /// The share of them that is positive.
    pub positive_share: f64,
}

/// Mean of the negated log-likelihood; scores of 0 and 1 are moved inwards by the smallest step from 1, as scikit-learn does.
pub fn log_loss(scores: &[f64], labels: &[bool]) -> f64 {
    let loss = |(score, label): (&f64, &bool)| {
        let score = score.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        if *label { -score.ln() } else { -(-score).ln_1p() }
    };
    mean(scores.iter().zip(labels).map(loss))
}

/// Mean squared difference between score and outcome.
pub fn brier(scores: &[f64], labels: &[bool]) -> f64 {
    mean(scores.iter().zip(labels).map(|(score, label)| (score - f64::from(u8::from(*label))).powi(2)))
}

/// About `bins` groups of equally many rows, the lowest scores first; rows of equal score stay together.
///
/// Equally many rows, because fraud scores crowd near 0: bins of equal width would put nearly all rows in one.
pub fn reliability(ranking: &Ranking, bins: usize) -> Vec<ReliabilityBin> {
    let size = ranking.rows().div_ceil(bins.max(1)).max(1);
    let mut table: Vec<ReliabilityBin> = Vec::new();
    let (mut rows, mut score_sum, mut positives) = (0_usize, 0.0, 0_usize);
    let starts = ranking.groups.iter().rev().skip(1).map(|group| group.end).chain([0]);
    for (group, start) in ranking.groups.iter().rev().zip(starts) {
        rows += group.end - start;
        score_sum += group.score * (group.end - start) as f64;
        positives += ranking.labels[start..group.end].iter().filter(|label| **label).count();
        if rows >= size || start == 0 {
            let count = rows as f64;
            table.push(ReliabilityBin { rows, mean_score: score_sum / count, positive_share: positives as f64 / count });
            (rows, score_sum, positives) = (0, 0.0, 0);
        }
    }
    table
}

/// Expected calibration error: mean distance between predicted and observed share, weighted by rows.
pub fn calibration_error(table: &[ReliabilityBin]) -> f64 {
    let rows: usize = table.iter().map(|bin| bin.rows).sum();
    let distance = |bin: &ReliabilityBin| (bin.mean_score - bin.positive_share).abs() * bin.rows as f64;
    if rows == 0 { 0.0 } else { table.iter().map(distance).sum::<f64>() / rows as f64 }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0_usize, 0.0), |(count, sum), value| (count + 1, sum + value));
    if count == 0 { 0.0 } else { sum / count as f64 }
}
