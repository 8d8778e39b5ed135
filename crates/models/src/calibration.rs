//! From a form's score to a probability that holds what it says: fitted on rows the form had not seen, applied after it.

use serde::{Deserialize, Serialize};

/// Scores are kept this far from 0 and 1 before their log-odds are taken.
const CLOSEST: f64 = 1e-9;
/// Newton steps; a handful is enough for two numbers.
const STEPS: usize = 100;

/// A map of scores that never turns their order around.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "CalibrationParts", into = "CalibrationParts")]
pub struct Calibration(CalibrationParts);

/// A calibration as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum CalibrationParts {
    /// The logistic function of `slope` times the score's log-odds plus `intercept`; ranks exactly as the scores do.
    Platt {
        /// Above 0.
        slope: f64,
        /// Any finite number.
        intercept: f64,
    },
    /// Straight lines between points, level beyond the ends; scores of one level become equal.
    Isotonic {
        /// Ascending.
        scores: Vec<f64>,
        /// Between 0 and 1, never falling, one for each score.
        probabilities: Vec<f64>,
    },
}

/// Parts that are not a calibration, or rows none can be fitted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CalibrationError {
    /// The map would not keep the order of scores, or would leave the range of probabilities.
    #[error("a calibration must keep the order of scores and stay between 0 and 1")]
    NotAMap,
    /// One class only.
    #[error("a calibration needs rows of both classes")]
    SingleClass,
    /// The scores of positives are not above those of negatives.
    #[error("the scores rank the calibration rows backwards")]
    Backwards,
}

impl Calibration {
    /// Platt 1999: the most likely slope and intercept, a slope other than 1 costing half its squared distance, so that a few
    /// positives cannot stretch the scores without end.
    pub fn platt(scores: &[f64], labels: &[bool]) -> Result<Self, CalibrationError> {
        check_classes(labels)?;
        let (mut slope, mut intercept) = (1.0, 0.0);
        let rows: Vec<(f64, f64)> =
            scores.iter().zip(labels).map(|(score, label)| (log_odds(*score), f64::from(u8::from(*label)))).collect();
        let loss = |slope: f64, intercept: f64| {
            let of_row = |(odds, label): &(f64, f64)| {
                let odds = slope * odds + intercept;
                odds.max(0.0) + (-odds.abs()).exp().ln_1p() - label * odds
            };
            rows.iter().map(of_row).sum::<f64>() + 0.5 * (slope - 1.0).powi(2)
        };
        let mut before = loss(slope, intercept);
        for _ in 0..STEPS {
            // The gradient and the second derivatives of the loss.
            let (mut g, mut h) = ([slope - 1.0, 0.0], [1.0, 0.0, 0.0]);
            for (odds, label) in &rows {
                let probability = logistic(slope * odds + intercept);
                let (error, curvature) = (probability - label, probability * (1.0 - probability));
                g = [g[0] + error * odds, g[1] + error];
                h = [h[0] + curvature * odds * odds, h[1] + curvature * odds, h[2] + curvature];
            }
            let determinant = h[0] * h[2] - h[1] * h[1];
            if determinant <= 0.0 {
                break;
            }
            let step = [(h[2] * g[0] - h[1] * g[1]) / determinant, (h[0] * g[1] - h[1] * g[0]) / determinant];
            // Newton may overshoot far from the minimum: half the way as often as needed.
            let halved = (0..30).map(|half| 0.5_f64.powi(half)).map(|part| (slope - part * step[0], intercept - part * step[1]));
            let Some((next, value)) = halved.map(|next| (next, loss(next.0, next.1))).find(|(_, value)| *value < before) else {
                break;
            };
            ((slope, intercept), before) = (next, value);
        }
        if slope <= 0.0 {
            return Err(CalibrationError::Backwards);
        }
        Self::try_from(CalibrationParts::Platt { slope, intercept })
    }

    /// Isotonic regression by pooling adjacent violators; the points are the ends of each level.
    pub fn isotonic(scores: &[f64], labels: &[bool]) -> Result<Self, CalibrationError> {
        check_classes(labels)?;
        let mut rows: Vec<(f64, f64)> =
            scores.iter().zip(labels).map(|(score, label)| (*score, f64::from(u8::from(*label)))).collect();
        rows.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        let mut levels: Vec<Level> = Vec::new();
        for group in rows.chunk_by(|one, next| one.0 == next.0) {
            let Some((score, _)) = group.first().copied() else { continue };
            let mut level = Level { from: score, to: score, sum: group.iter().map(|row| row.1).sum(), rows: group.len() as f64 };
            while let Some(below) = levels.pop_if(|below| below.mean() >= level.mean()) {
                level = Level { from: below.from, to: level.to, sum: below.sum + level.sum, rows: below.rows + level.rows };
            }
            levels.push(level);
        }
        let (mut points, mut probabilities) = (Vec::new(), Vec::new());
        for level in levels {
            for score in [level.from, level.to] {
                if points.last() != Some(&score) {
                    points.push(score);
                    probabilities.push(level.mean());
                }
            }
        }
        Self::try_from(CalibrationParts::Isotonic { scores: points, probabilities })
    }

    /// The probability for a score.
    pub fn apply(&self, score: f64) -> f64 {
        match &self.0 {
            CalibrationParts::Platt { slope, intercept } => logistic(slope * log_odds(score) + intercept),
            CalibrationParts::Isotonic { scores, probabilities } => {
                let above = scores.partition_point(|point| *point <= score);
                let point = |position: usize| Some((*scores.get(position)?, *probabilities.get(position)?));
                match (above.checked_sub(1).and_then(point), point(above)) {
                    (Some((low, from)), Some((high, to))) => from + (to - from) * ((score - low) / (high - low)).clamp(0.0, 1.0),
                    (Some((_, probability)), None) | (None, Some((_, probability))) => probability,
                    (None, None) => score,
                }
            }
        }
    }
}

/// Neighbouring scores that get one probability.
#[derive(Debug, Clone, Copy)]
struct Level {
    from: f64,
    to: f64,
    sum: f64,
    rows: f64,
}

impl Level {
    fn mean(self) -> f64 {
        self.sum / self.rows
    }
}

fn check_classes(labels: &[bool]) -> Result<(), CalibrationError> {
    if labels.contains(&true) && labels.contains(&false) { Ok(()) } else { Err(CalibrationError::SingleClass) }
}

fn log_odds(score: f64) -> f64 {
    let score = score.clamp(CLOSEST, 1.0 - CLOSEST);
    (score / (1.0 - score)).ln()
}

fn logistic(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

impl TryFrom<CalibrationParts> for Calibration {
    type Error = CalibrationError;

    fn try_from(parts: CalibrationParts) -> Result<Self, CalibrationError> {
        let is_map = match &parts {
            CalibrationParts::Platt { slope, intercept } => slope.is_finite() && *slope > 0.0 && intercept.is_finite(),
            CalibrationParts::Isotonic { scores, probabilities } => {
                !scores.is_empty()
                    && scores.len() == probabilities.len()
                    && scores.iter().all(|score| score.is_finite())
                    && scores.is_sorted_by(|one, next| one < next)
                    && probabilities.iter().all(|probability| (0.0..=1.0).contains(probability))
                    && probabilities.is_sorted()
            }
        };
        if is_map { Ok(Self(parts)) } else { Err(CalibrationError::NotAMap) }
    }
}

impl From<Calibration> for CalibrationParts {
    fn from(calibration: Calibration) -> Self {
        calibration.0
    }
}
