//! Gradient boosting with logistic loss: each tree follows the slope that the trees before it have left.
//!
//! Sees all positives and a sample of the negatives, weighted by one over the share kept: the fit stands for all rows. Memory
//! is 8 bytes a number of the sample while it is cut into bins, then one. Absent numbers go where they gain most.

use std::collections::BTreeMap;

use lakehouse_models::{Combine, FlatForest, Forest, Random, ScoringForm};
use serde::{Deserialize, Serialize};

use super::{
    FitError, ModelFamily, ParameterError, Trainer,
    binned::{Binned, MAX_BINS},
    grow::{Grower, Limits},
    parameters::{Parameters, read, to_map},
};
use crate::{Examples, examples::NEGATIVES_PER_POSITIVE};

const NAME: &str = "gradient_boosting";

/// The family `gradient_boosting`.
#[derive(Debug)]
pub struct GradientBoosting;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct GradientBoostingTrainer {
    /// The number of trees.
    rounds: usize,
    /// Leaves of a tree; the most useful split comes first.
    max_leaves: usize,
    /// Levels of a tree.
    max_depth: usize,
    /// What each tree counts for.
    learning_rate: f64,
    /// Penalty on squared leaf values.
    l2: f64,
    /// No leaf has fewer rows.
    min_rows_per_leaf: usize,
    /// No leaf has a smaller sum of p·(1 − p). A usual 1 would forbid leaves for a new pattern of a handful of frauds.
    min_leaf_weight: f64,
    /// Share of the rows a tree is fitted on.
    rows_share: f64,
    /// Share of the numbers a node may look at. Drawn for each node anew, so that many numbers get their turn near the root:
    /// of the few numbers that would always win, the best may tell next year nothing.
    features_share: f64,
    /// Bins a number is cut into.
    bins: usize,
    /// Negatives fitted on for every positive.
    negatives_per_positive: f64,
}

impl Default for GradientBoostingTrainer {
    fn default() -> Self {
        Self {
            rounds: 200,
            max_leaves: 8,
            max_depth: 4,
            learning_rate: 0.03,
            l2: 1.0,
            min_rows_per_leaf: 1,
            min_leaf_weight: 1e-6,
            rows_share: 0.8,
            features_share: 0.3,
            bins: MAX_BINS,
            negatives_per_positive: NEGATIVES_PER_POSITIVE,
        }
    }
}

impl Parameters for GradientBoostingTrainer {
    fn ranges(&self) -> Vec<(&'static str, bool, &'static str)> {
        vec![
            ("rounds", (1..=5_000).contains(&self.rounds), "between 1 and 5,000"),
            ("max_leaves", (2..=1_024).contains(&self.max_leaves), "between 2 and 1,024"),
            ("max_depth", (1..=64).contains(&self.max_depth), "between 1 and 64"),
            ("learning_rate", self.learning_rate > 0.0 && self.learning_rate <= 1.0, "above 0, at most 1"),
            ("l2", (0.0..=1e6).contains(&self.l2), "between 0 and 1,000,000"),
            ("min_rows_per_leaf", (1..=100_000).contains(&self.min_rows_per_leaf), "between 1 and 100,000"),
            ("min_leaf_weight", (1e-9..=1e6).contains(&self.min_leaf_weight), "between 1e-9 and 1,000,000"),
            ("rows_share", self.rows_share > 0.0 && self.rows_share <= 1.0, "above 0, at most 1"),
            ("features_share", self.features_share > 0.0 && self.features_share <= 1.0, "above 0, at most 1"),
            ("bins", (2..=MAX_BINS).contains(&self.bins), "between 2 and 254"),
            ("negatives_per_positive", (1.0..=1e6).contains(&self.negatives_per_positive), "between 1 and 1,000,000"),
        ]
    }
}

impl ModelFamily for GradientBoosting {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self, parameters: &toml::Table) -> Result<Box<dyn Trainer>, ParameterError> {
        Ok(Box::new(read::<GradientBoostingTrainer>(NAME, parameters)?))
    }
}

impl Trainer for GradientBoostingTrainer {
    fn parameters(&self) -> BTreeMap<String, serde_json::Value> {
        to_map(self)
    }

    fn fit(&self, examples: &Examples<'_>, seed: u64) -> Result<ScoringForm, FitError> {
        let mut random = Random::new(seed, 0x6B);
        let sample = examples.sample(self.negatives_per_positive, &mut random)?;
        let targets = examples.targets(&sample.rows);
        let weights = sample.weights(&targets);
        let binned = Binned::new(examples, &sample.rows, self.bins);
        let columns = binned.varying();
        if columns.is_empty() {
            return Err(FitError::NothingVaries);
        }
        let base = log_odds(&targets, &weights);
        let mut margins = vec![base; targets.len()];
        let mut slopes = vec![[0.0; 2]; targets.len()];
        let width = u32::try_from(examples.width()).unwrap_or(u32::MAX);
        let mut flat = FlatForest::new(width, Combine::Sum { base });
        for _ in 0..self.rounds {
            for ((slope, margin), (target, weight)) in slopes.iter_mut().zip(&margins).zip(targets.iter().zip(&weights)) {
                let probability = 1.0 / (1.0 + (-margin).exp());
                *slope = [weight * (probability - target), weight * probability * (1.0 - probability)];
            }
            let grower = Grower {
                limits: self.limits(examples.threads()),
                binned: &binned,
                columns: &columns,
                slopes: &slopes,
                weights: &weights,
            };
            let mut tree = grower.grow(self.drawn_rows(binned.rows(), &mut random), &mut random);
            tree.nodes.iter_mut().for_each(|node| node.value *= self.learning_rate);
            for (row, margin) in (0..).zip(&mut margins) {
                *margin += binned.value(&tree, row);
            }
            binned.push_tree(&tree, &mut flat);
        }
        Forest::try_from(flat).map(ScoringForm::Forest).map_err(FitError::Form)
    }
}

impl GradientBoostingTrainer {
    fn limits(&self, threads: usize) -> Limits {
        Limits {
            max_leaves: self.max_leaves,
            max_depth: self.max_depth,
            min_rows: self.min_rows_per_leaf,
            min_curvature: self.min_leaf_weight,
            l2: self.l2,
            columns_share: self.features_share,
            random_thresholds: false,
            threads,
        }
    }

    /// Each row with the same chance, in order; all rows rather than none.
    fn drawn_rows(&self, rows: usize, random: &mut Random) -> Vec<u32> {
        let all = (0_u32..).take(rows);
        if self.rows_share >= 1.0 {
            return all.collect();
        }
        let below = (self.rows_share * u64::MAX as f64) as u64;
        let drawn: Vec<u32> = all.clone().filter(|_| random.next_u64() < below).collect();
        if drawn.is_empty() { all.collect() } else { drawn }
    }
}

/// Of the weighted share of positives, of which there is at least one, as of negatives.
fn log_odds(targets: &[f64], weights: &[f64]) -> f64 {
    let positives: f64 = targets.iter().zip(weights).map(|(target, weight)| target * weight).sum();
    let all: f64 = weights.iter().sum();
    (positives / (all - positives)).ln()
}
