//! Training: which rows, which features, how they are split by time, which families compete and when a winner may serve.

use serde::{Deserialize, Serialize};

use crate::{ColumnName, FeatureSpec, SpecError};

/// One model: the `select` beside it gives the rows, this file the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingSpec {
    /// What the model predicts and from what, in one sentence.
    pub description: String,
    /// Column that orders rows in time; not a feature.
    pub time: ColumnName,
    /// 0/1 column to predict; rows where it is null are not used.
    pub label: ColumnName,
    /// Every random choice starts here: same rows and code, same artifact.
    pub seed: u64,
    /// How rows are kept apart for testing.
    pub split: SplitSpec,
    /// The model's inputs, in order.
    #[serde(rename = "feature")]
    pub features: Vec<FeatureSpec>,
    /// Families that compete.
    #[serde(rename = "candidate")]
    pub candidates: Vec<Candidate>,
    /// When the best candidate becomes champion.
    pub gate: Gate,
}

/// A split by time: training rows all lie before test rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitSpec {
    /// Share of the rows, the latest ones, that are kept for testing; between 0 and 1.
    pub test_share: f64,
}

/// A family and its parameters, checked by the family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// The family's name in `lakehouse-training`.
    pub family: String,
    /// Its parameters; absent ones take the family's defaults.
    #[serde(default)]
    pub parameters: toml::Table,
}

/// When the best candidate of a training run becomes champion.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Average precision on the test rows must reach this many times the share of positives.
    pub min_lift: f64,
    /// Average precision may fall short of the present champion's, on the same test rows, by at most this.
    pub max_regression: f64,
}

impl TrainingSpec {
    pub(crate) fn check(&self, path: &str) -> Result<(), SpecError> {
        if !(self.split.test_share > 0.0 && self.split.test_share < 1.0) {
            return Err(SpecError::rule(path, "`test_share` must lie between 0 and 1"));
        }
        if self.features.is_empty() || self.candidates.is_empty() {
            return Err(SpecError::rule(path, "at least one `feature` and one `candidate` are needed"));
        }
        if !(self.gate.min_lift >= 0.0 && self.gate.max_regression >= 0.0) {
            return Err(SpecError::rule(path, "`min_lift` and `max_regression` cannot be negative"));
        }
        for feature in &self.features {
            // The hour of a purchase tells something that holds next year too; its position in history does not.
            let is_barred = |column: &&ColumnName| **column == self.label || (**column == self.time && !feature.is_of_time());
            if let Some(column) = feature.columns().find(is_barred) {
                return Err(SpecError::rule(path, format!("`{column}` cannot be a feature: it is the label or the time")));
            }
        }
        Ok(())
    }
}
