//! Logistic regression, fitted by smartcore's L-BFGS.
//!
//! The library knows no sample weights and reads a dense matrix on one thread at every step, so it sees all positives and a
//! sample of the negatives. Keeping a share β of the negatives leaves the weights as they would be and adds −ln β to the
//! log-odds; `intercept + ln β` takes it back out. An absent number counts as the mean; constant numbers get no weight.

use lakehouse_models::{Layout, Linear, LinearParts, Random, ScoringForm};
use serde::{Deserialize, Serialize};
use smartcore::optimization::{
    FunctionOrder,
    first_order::{FirstOrderOptimizer, lbfgs::LBFGS},
    line_search::Backtracking,
};
use super::logistic_loss::{LogisticLoss, Remembered};

use super::{
    FitError, ModelFamily, ParameterError, Trainer,
    parameters::{Parameters, read, to_map},
};
use crate::Examples;

const NAME: &str = "logistic_regression";

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
    /// But never fewer negatives than this, if there are as many.
    min_negatives: usize,
}

impl Default for LogisticRegressionTrainer {
    fn default() -> Self {
        Self { l2: 1.0, negatives_per_positive: 50.0, min_negatives: 20_000 }
    }
}

impl Parameters for LogisticRegressionTrainer {
    fn ranges(&self) -> Vec<(&'static str, bool, &'static str)> {
        vec![
            ("l2", self.l2 > 0.0 && self.l2 <= 1e6, "above 0, at most 1,000,000"),
            ("negatives_per_positive", (1.0..=1e4).contains(&self.negatives_per_positive), "between 1 and 10,000"),
            ("min_negatives", self.min_negatives <= 10_000_000, "at most 10,000,000"),
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
    fn parameters(&self) -> std::collections::BTreeMap<String, serde_json::Value> {
        to_map(self)
    }

    fn fit(&self, examples: &Examples<'_>, seed: u64) -> Result<ScoringForm, FitError> {
        let mut random = Random::new(seed, 0x1061);
        let sample = examples.sample(self.negatives_per_positive, self.min_negatives, &mut random)?;
        let mut matrix = examples.matrix(&sample.rows, Layout::RowMajor);
        let (means, scales) = standardise(&mut matrix, examples.width());

        let labels = examples.targets(&sample.rows);
        let weighted = std::env::var("UNW").is_err();
        let negative_weight = if weighted { 1.0 / sample.kept_share } else { 1.0 };
        let weights: Vec<f64> = labels.iter().map(|label| if *label > 0.0 { 1.0 } else { negative_weight }).collect();
        let width = examples.width();
        let loss = LogisticLoss { matrix: &matrix, width, labels: &labels, weights: &weights, l2: self.l2 };
        let loss = Remembered::new(&loss);
        let tol: f64 = std::env::var("TOL").map_or(1e-6, |t| t.parse().unwrap());
        let optimizer = LBFGS { max_iter: 500, g_atol: tol, ..LBFGS::default() };
        let line = Backtracking { order: FunctionOrder::THIRD, ..Backtracking::default() };
        let start = vec![0.0; width + 1];
        let fitted = optimizer.optimize(&|point: &Vec<f64>| loss.value(point), &|g: &mut Vec<f64>, point: &Vec<f64>| loss.gradient(point, g), &start, &line);
        println!("iterations {} f {}", fitted.iterations, fitted.f_x);
        let mut weights = fitted.x;
        let intercept = weights.pop().unwrap_or(0.0) + if weighted {0.0} else {sample.kept_share.ln()};
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
