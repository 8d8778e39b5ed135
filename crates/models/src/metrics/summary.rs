//! Everything that is said about a model's scores.

use serde::{Deserialize, Serialize};

use super::{
    AlertRate, AtThreshold, CurvePoint, Interval, Ranking, ReliabilityBin, brier, calibration_error, intervals, log_loss,
    reliability,
};

/// Shares of the rows for which recall is quoted.
pub const ALERT_RATES: [f64; 3] = [0.001, 0.005, 0.01];
/// About how many points of the precision-recall curve are kept.
pub const CURVE_POINTS: usize = 200;
/// About how many bins the reliability table has.
pub const RELIABILITY_BINS: usize = 10;

/// A value and how far it could be off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// On the rows themselves.
    pub value: f64,
    /// The middle 95 % of 200 bootstrap resamples.
    pub interval: Interval,
}

/// How good a model's scores are on rows it never saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Test rows.
    pub rows: usize,
    /// Positive test rows.
    pub positives: usize,
    /// Average precision: what decides. Chance gives the share of positives.
    pub average_precision: Estimate,
    /// Area under the ROC curve. Saturates where positives are rare: do not choose by it.
    pub roc_auc: Estimate,
    /// At fixed alert rates.
    pub alert_rates: Vec<AlertRate>,
    /// At the threshold that was asked for.
    pub at_threshold: AtThreshold,
    /// Expected calibration error over the reliability table.
    pub calibration_error: f64,
    /// Mean negated log-likelihood.
    pub log_loss: f64,
    /// Mean squared error.
    pub brier: f64,
    /// Predicted and observed shares, the lowest scores first.
    pub reliability: Vec<ReliabilityBin>,
    /// The precision-recall curve, thinned.
    pub curve: Vec<CurvePoint>,
}

/// Scores that cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetricsError {
    /// Scores and labels do not belong together.
    #[error("{scores} scores for {labels} labels")]
    Length {
        /// The number of scores.
        scores: usize,
        /// The number of labels.
        labels: usize,
    },
    /// Every metric needs both classes.
    #[error("{positives} of {rows} labels are positive: both classes are needed")]
    SingleClass {
        /// The number of rows.
        rows: usize,
        /// The number of positive ones.
        positives: usize,
    },
}

impl Metrics {
    /// Judges `scores`. The same seed gives the same intervals.
    pub fn new(scores: &[f64], labels: &[bool], threshold: f64, seed: u64) -> Result<Self, MetricsError> {
        if scores.len() != labels.len() {
            return Err(MetricsError::Length { scores: scores.len(), labels: labels.len() });
        }
        let ranking = Ranking::new(scores, labels);
        let (rows, positives) = (ranking.rows(), ranking.positives());
        if positives == 0 || positives == rows {
            return Err(MetricsError::SingleClass { rows, positives });
        }
        let intervals = intervals(&ranking, seed);
        let reliability = reliability(&ranking, RELIABILITY_BINS);
        Ok(Self {
            rows,
            positives,
            average_precision: Estimate { value: ranking.average_precision(), interval: intervals.average_precision },
            roc_auc: Estimate { value: ranking.roc_auc(), interval: intervals.roc_auc },
            alert_rates: ALERT_RATES.iter().map(|rate| ranking.at_alert_rate(*rate)).collect(),
            at_threshold: ranking.at_threshold(threshold),
            calibration_error: calibration_error(&reliability),
            log_loss: log_loss(scores, labels),
            brier: brier(scores, labels),
            reliability,
            curve: ranking.curve(CURVE_POINTS),
        })
    }

    /// Share of the test rows that is positive: the average precision of chance.
    pub fn positive_share(&self) -> f64 {
        self.positives as f64 / self.rows as f64
    }

    /// How many times better than chance the average precision is.
    pub fn lift(&self) -> f64 {
        self.average_precision.value / self.positive_share()
    }
}
