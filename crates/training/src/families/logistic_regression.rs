//! Logistic regression, fitted by smartcore's L-BFGS on our own loss.
//!
//! smartcore's `LogisticRegression` knows no sample weights, takes five passes over the data a step and cannot be told when to
//! stop; its optimiser can be given another loss, which mends all three (see `logistic_loss`). It sees all positives and a
//! sample of the negatives, weighted by one over the share kept: the fit is then that of all rows, intercept included. An
//! absent number counts as the mean; constant numbers get no weight.

use std::collections::BTreeMap;

use lakehouse_models::{Layout, Linear, LinearParts, Random, ScoringForm};
use serde::{Deserialize, Serialize};
use smartcore::optimization::{
    FunctionOrder,
    first_order::{FirstOrderOptimizer, lbfgs::LBFGS},
    line_search::Backtracking,
};

use super::{
    FitError, ModelFamily, ParameterError, Trainer,
    logistic_loss::{LogisticLoss, Remembered},
    parameters::{Parameters, read, to_map},
};
use crate::{Examples, examples::NEGATIVES_PER_POSITIVE};

const NAME: &str = "logistic_regression";
/// Steps after which the fit is good enough, converged or not.
const MAX_STEPS: usize = 300;
/// The fit has converged when no coefficient of the mean loss slopes more than this.
const TOLERANCE: f64 = 1e-6;

/// The family `logistic_regression`.
#[derive(Debug)]
pub struct LogisticRegression;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LogisticRegressionTrainer {
    /// Strength of the penalty on squared weights of standardised numbers.
    l2: f64,
    /// Negatives fitted on for every positive.
    negatives_per_positive: f64,
}

impl Default for LogisticRegressionTrainer {
    fn default() -> Self {
        Self { l2: 1.0, negatives_per_positive: NEGATIVES_PER_POSITIVE }
    }
}

impl Parameters for LogisticRegressionTrainer {
    fn ranges(&self) -> Vec<(&'static str, bool, &'static str)> {
        vec![
            ("l2", self.l2 > 0.0 && self.l2 <= 1e6, "above 0, at most 1,000,000"),
            ("negatives_per_positive", (1.0..=1e6).contains(&self.negatives_per_positive), "between 1 and 1,000,000"),
        ]
    }
}

impl ModelFamily for LogisticRegression {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self, parameters: &toml::Table) -> Result<Box<dyn Trainer>, ParameterError> {
        Ok(Box::new(read::<LogisticRegressionTrainer>(NAME, parameters)?))
    }
}

impl Trainer for LogisticRegressionTrainer {
    fn parameters(&self) -> BTreeMap<String, serde_json::Value> {
        to_map(self)
    }

    fn fit(&self, examples: &Examples<'_>, seed: u64) -> Result<ScoringForm, FitError> {
        let sample = examples.sample(self.negatives_per_positive, &mut Random::new(seed, 0x1061))?;
        let width = examples.width();
        let mut matrix = examples.matrix(&sample.rows, Layout::RowMajor);
        let (means, scales) = standardise(&mut matrix, width);
        let labels = examples.targets(&sample.rows);
        let weights = sample.weights(&labels);

        let threads = examples.threads();
        let loss = LogisticLoss { matrix: &matrix, width, labels: &labels, weights: &weights, l2: self.l2, threads };
        let loss = Remembered::new(&loss);
        let optimizer = LBFGS { max_iter: MAX_STEPS, g_atol: TOLERANCE, ..LBFGS::default() };
        let line_search = Backtracking { order: FunctionOrder::THIRD, ..Backtracking::default() };
        let fitted = optimizer.optimize(
            &|point: &Vec<f64>| loss.value(point),
            &|gradient: &mut Vec<f64>, point: &Vec<f64>| loss.gradient(point, gradient),
            &vec![0.0; width + 1],
            &line_search,
        );
        let mut weights = fitted.x;
        let intercept = weights.pop().unwrap_or(0.0);
        let parts = LinearParts { means, scales, weights, intercept };
        Linear::try_from(parts).map(ScoringForm::Linear).map_err(FitError::Form)
    }
}

/// Moves and stretches each number to mean 0 and deviation 1, in place; absent ones become 0. Returns means and deviations.
fn standardise(matrix: &mut [f64], width: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut means, mut scales) = (vec![0.0; width], vec![1.0; width]);
    for (position, (mean, scale)) in means.iter_mut().zip(&mut scales).enumerate() {
        let present = || matrix.iter().skip(position).step_by(width.max(1)).filter(|number| number.is_finite());
        let count = present().count().max(1) as f64;
        *mean = present().map(|number| number / count).sum();
        let deviation = present().map(|number| (number - *mean).powi(2) / count).sum::<f64>().sqrt();
        // Below this the numbers differ by rounding only. Scaled by 1 they are 0 everywhere and the penalty keeps the weight 0.
        if deviation > 1e-9 * mean.abs().max(1e-9) && deviation.is_finite() {
            *scale = deviation;
        }
        for number in matrix.iter_mut().skip(position).step_by(width.max(1)) {
            *number = if number.is_finite() { (*number - *mean) / *scale } else { 0.0 };
        }
    }
    (means, scales)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_standardised_and_constants_stay_harmless() {
        let mut matrix = vec![1.0, 7.0, f64::NAN, 3.0, 7.0, f64::NAN];
        let (means, scales) = standardise(&mut matrix, 3);
        assert_eq!((means, scales), (vec![2.0, 7.0, 0.0], vec![1.0, 1.0, 1.0]));
        assert_eq!(matrix, [-1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    }
}
