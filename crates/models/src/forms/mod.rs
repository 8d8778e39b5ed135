//! Scoring forms: what is left of a model when its fitting library is gone.
//!
//! Numbers in, a probability out. A form is checked when it is built or read: positions in range, children after their
//! parents, every number finite. After that, scoring cannot fail, loop or panic, whatever the numbers are.

mod forest;
mod linear;
mod probability;
mod rules;
mod tree_shap;

use serde::{Deserialize, Serialize};

pub use forest::{Combine, FlatForest, Forest};
pub use linear::{Linear, LinearParts};
pub use rules::{Limit, Rules, RulesParts, Trend};
pub use tree_shap::ExplainError;

/// What contributions add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Log-odds, before the logistic function: linear forms and boosted trees.
    LogOdds,
    /// The mean of the leaves' probabilities, before its odds are corrected for sampling: bagged trees.
    LeafMean,
    /// How quickly the trees isolate the row, as minus the mean number of steps: isolation forests.
    Isolation,
    /// The score itself: rules.
    Score,
}

/// How numbers become a probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoringForm {
    /// A weighted sum through the logistic function.
    Linear(Linear),
    /// Decision trees: boosted, bagged or isolating.
    Forest(Forest),
    /// Limits, and how many of them a row exceeds.
    Rules(Rules),
}

/// A form that cannot be scored safely.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// Lists that belong together have different lengths.
    #[error("`{0}` has another length than the lists beside it")]
    Length(&'static str),
    /// A number is infinite or not a number.
    #[error("`{0}` holds a number that is not finite")]
    NotFinite(&'static str),
    /// A number is outside its range.
    #[error("`{name}` is out of range: {rule}")]
    Range {
        /// The member.
        name: &'static str,
        /// What would be right.
        rule: &'static str,
    },
    /// A node of a tree leads outside its tree or backwards.
    #[error("node {node} leads outside its tree or back")]
    Child {
        /// The node's position.
        node: usize,
    },
    /// A node looks at a number that does not exist.
    #[error("node {node} looks at number {feature} of {width}")]
    Feature {
        /// The node's position.
        node: usize,
        /// The number it looks at.
        feature: u32,
        /// How many there are.
        width: u32,
    },
}

impl ScoringForm {
    /// The form's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linear(_) => "linear",
            Self::Forest(_) => "forest",
            Self::Rules(_) => "rules",
        }
    }

    /// How many numbers it takes.
    pub fn width(&self) -> usize {
        match self {
            Self::Linear(linear) => linear.width(),
            Self::Forest(forest) => forest.width(),
            Self::Rules(rules) => rules.width(),
        }
    }

    /// The probability for one row, between 0 and 1. Allocates nothing. Numbers that are missing at the end are absent.
    pub fn score(&self, numbers: &[f64]) -> f64 {
        match self {
            Self::Linear(linear) => linear.score(numbers),
            Self::Forest(forest) => forest.score(numbers),
            Self::Rules(rules) => rules.score(numbers),
        }
    }

    /// What contributions to this form's score add up to.
    pub fn scale(&self) -> Scale {
        match self {
            Self::Linear(_) => Scale::LogOdds,
            Self::Forest(forest) => match forest.combine() {
                Combine::Sum { .. } => Scale::LogOdds,
                Combine::Mean { .. } => Scale::LeafMean,
                Combine::Isolation { .. } => Scale::Isolation,
            },
            Self::Rules(_) => Scale::Score,
        }
    }

    /// Exact Shapley values of one row, one a number, on this form's [`scale`](Self::scale): with the value returned, that of
    /// no row in particular, they add up to the row's own. `out` is replaced.
    pub fn contributions(&self, numbers: &[f64], out: &mut Vec<f64>) -> Result<f64, ExplainError> {
        out.clear();
        out.resize(self.width(), 0.0);
        match self {
            Self::Linear(linear) => Ok(linear.contributions(numbers, out)),
            Self::Forest(forest) => tree_shap::contributions(forest, numbers, out),
            Self::Rules(rules) => Ok(rules.contributions(numbers, out)),
        }
    }

    /// The probability at a point of the [`scale`](Self::scale).
    pub fn probability(&self, point: f64) -> f64 {
        match self {
            Self::Forest(forest) => forest.probability(point),
            Self::Linear(_) => probability::sigmoid(point),
            Self::Rules(_) => point.clamp(0.0, 1.0),
        }
    }

    /// Appends the probability of each row of a row-major matrix: to the bit what [`score`](Self::score) gives.
    pub fn score_rows(&self, matrix: &[f64], out: &mut Vec<f64>) {
        let rows = matrix.chunks_exact(self.width().max(1));
        match self {
            Self::Linear(linear) => out.extend(rows.map(|row| linear.score(row))),
            Self::Forest(forest) => forest.score_rows(matrix, out),
            Self::Rules(rules) => out.extend(rows.map(|row| rules.score(row))),
        }
    }
}
