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
    /// Inputs that the guards against leaks let pass.
    #[serde(default, rename = "exempt", skip_serializing_if = "Vec::is_empty")]
    pub exemptions: Vec<Exemption>,
    /// How scores become probabilities that hold what they say; as the family gives them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<CalibrationSpec>,
    /// Above which probability a row is an alert; 0.5 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionRule>,
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

/// An input that looks like a leak and is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exemption {
    /// The input.
    pub column: ColumnName,
    /// Why it may be used, for whoever reads the specification next.
    pub reason: String,
}

/// How scores become probabilities that hold what they say.
///
/// Every candidate is fitted once more without the latest training rows, and the map is fitted on its scores of those.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationSpec {
    /// The kind of map.
    pub method: CalibrationMethod,
    /// Share of the training rows, the latest ones, that the map is fitted on; between 0 and 1.
    pub share: f64,
}

/// The kinds of map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationMethod {
    /// A slope and an intercept of log-odds: enough for few positives, and ranks stay as they are.
    Platt,
    /// Any map that never falls: for thousands of positives.
    Isotonic,
}

/// What makes a probability an alert. Rates and scores are those of the calibration rows, never of the test rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
pub enum DecisionRule {
    /// So many alerts as somebody can look at.
    AlertRate {
        /// Share of the rows; between 0 and 1.
        rate: f64,
    },
    /// Where the cost to expect is lowest.
    Cost {
        /// What an alert about an honest row costs.
        false_alarm: f64,
        /// What a positive row without an alert costs.
        missed: f64,
    },
    /// Where the F-score is highest.
    FBeta {
        /// How much more recall counts than precision.
        beta: f64,
    },
}

impl DecisionRule {
    /// Does it need scores of rows that were not fitted on?
    pub fn needs_rows(&self) -> bool {
        !matches!(self, Self::Cost { .. })
    }

    fn is_valid(&self) -> bool {
        let is_positive = |number: f64| number > 0.0 && number.is_finite();
        match *self {
            Self::AlertRate { rate } => rate > 0.0 && rate < 1.0,
            Self::Cost { false_alarm, missed } => is_positive(false_alarm) && is_positive(missed),
            Self::FBeta { beta } => is_positive(beta),
        }
    }
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
        if self.calibration.is_some_and(|calibration| !(calibration.share > 0.0 && calibration.share < 1.0)) {
            return Err(SpecError::rule(path, "`calibration.share` must lie between 0 and 1"));
        }
        if self.decision.is_some_and(|rule| !rule.is_valid()) {
            return Err(SpecError::rule(path, "`decision`: a rate lies between 0 and 1, costs and `beta` are above 0"));
        }
        if self.calibration.is_none() && self.decision.is_some_and(|rule| rule.needs_rows()) {
            return Err(SpecError::rule(path, "`decision` by rate or F-score needs the rows that `calibration` keeps apart"));
        }
        for Exemption { column, reason } in &self.exemptions {
            if !self.features.iter().flat_map(FeatureSpec::columns).any(|used| used == column) {
                return Err(SpecError::rule(path, format!("`exempt` names `{column}`, which no feature reads")));
            }
            if reason.trim().is_empty() {
                return Err(SpecError::rule(path, format!("`exempt` must say why `{column}` may be used")));
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = r#"
description = "made up"
time = "at"
label = "label"
seed = 1
split = { test_share = 0.2 }
gate = { min_lift = 1.0, max_regression = 0.0 }
feature = [{ column = "amount", transform = "number" }]
candidate = [{ family = "any" }]
"#;

    fn check(extra: &str) -> Result<(), SpecError> {
        let spec: TrainingSpec = toml::from_str(&format!("{SPEC}{extra}")).expect(extra);
        spec.check("training/any.toml")
    }

    #[test]
    fn calibration_decision_and_exemptions_are_checked() {
        let calibration = "calibration = { method = \"platt\", share = 0.2 }\n";
        for good in [
            "",
            calibration,
            "decision = { rule = \"cost\", false_alarm = 1.0, missed = 20.0 }",
            &format!("{calibration}decision = {{ rule = \"alert_rate\", rate = 0.01 }}"),
            "exempt = [{ column = \"amount\", reason = \"known at once\" }]",
        ] {
            check(good).expect(good);
        }
        for (bad, reason) in [
            ("calibration = { method = \"platt\", share = 1.0 }", "`calibration.share` must lie between 0 and 1"),
            ("decision = { rule = \"alert_rate\", rate = 0.01 }", "needs the rows that `calibration` keeps apart"),
            ("decision = { rule = \"cost\", false_alarm = 0.0, missed = 20.0 }", "costs and `beta` are above 0"),
            ("exempt = [{ column = \"amount\", reason = \" \" }]", "must say why `amount` may be used"),
            ("exempt = [{ column = \"balance\", reason = \"known at once\" }]", "which no feature reads"),
        ] {
            let refused = check(bad).expect_err(bad).to_string();
            assert!(refused.contains(reason), "{refused}");
        }
    }
}
