//! A random forest of probability trees: a leaf's value is its share of positives.
//!
//! Trees are grown in batches, each on all positives and its own sample of the negatives (together they see far more negatives
//! than one of them could hold); the mean of the leaves is taken, and its odds are multiplied by the share of negatives kept,
//! which takes the sampling back out. Batches are grown on all cores and put together in their order, so the forest does not
//! depend on how many cores there are.

use std::{collections::BTreeMap, thread};

use lakehouse_models::{Combine, FlatForest, Forest, Random, ScoringForm};
use serde::{Deserialize, Serialize};

use super::{
    FitError, ModelFamily, ParameterError, Trainer,
    binned::{Binned, MAX_BINS},
    grow::{Grower, Limits, Tree},
    parameters::{Parameters, read, to_map},
};
use crate::{Examples, examples::NEGATIVES_PER_POSITIVE};

const NAME: &str = "random_forest";
/// Trees that share a sample and its bins.
const TREES_PER_BATCH: usize = 10;

/// The family `random_forest`.
#[derive(Debug)]
pub struct RandomForest;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RandomForestTrainer {
    /// The number of trees.
    trees: usize,
    /// Levels of a tree.
    max_depth: usize,
    /// No leaf has fewer rows.
    min_rows_per_leaf: usize,
    /// Numbers tried at a split, as a share of all; 0 takes the square root of their number.
    features_share: f64,
    /// Extremely randomised trees: thresholds are drawn, and each tree sees all rows of its batch instead of a bootstrap.
    random_thresholds: bool,
    /// Negatives a batch of trees is fitted on for every positive,
    negatives_per_positive: f64,
    /// as long as a batch has at most about this many rows. Fitting takes 9 bytes a number, on every core.
    max_rows: usize,
}

impl Default for RandomForestTrainer {
    fn default() -> Self {
        Self {
            trees: 100,
            max_depth: 10,
            min_rows_per_leaf: 1,
            features_share: 0.0,
            random_thresholds: false,
            negatives_per_positive: NEGATIVES_PER_POSITIVE,
            max_rows: 300_000,
        }
    }
}

impl Parameters for RandomForestTrainer {
    fn ranges(&self) -> Vec<(&'static str, bool, &'static str)> {
        vec![
            ("trees", (1..=2_000).contains(&self.trees), "between 1 and 2,000"),
            ("max_depth", (2..=64).contains(&self.max_depth), "between 2 and 64"),
            ("min_rows_per_leaf", (1..=100_000).contains(&self.min_rows_per_leaf), "between 1 and 100,000"),
            ("features_share", (0.0..=1.0).contains(&self.features_share), "between 0 and 1"),
            ("negatives_per_positive", (1.0..=1e6).contains(&self.negatives_per_positive), "between 1 and 1,000,000"),
            ("max_rows", (1_000..=100_000_000).contains(&self.max_rows), "between 1,000 and 100,000,000"),
        ]
    }
}

impl ModelFamily for RandomForest {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self, parameters: &toml::Table) -> Result<Box<dyn Trainer>, ParameterError> {
        Ok(Box::new(read::<RandomForestTrainer>(NAME, parameters)?))
    }
}

/// Trees that were grown on one sample, and the share of the negatives it kept.
#[derive(Debug)]
struct Batch {
    binned: Binned,
    trees: Vec<Tree>,
    kept_share: f64,
}

impl Trainer for RandomForestTrainer {
    fn parameters(&self) -> BTreeMap<String, serde_json::Value> {
        to_map(self)
    }

    fn fit(&self, examples: &Examples<'_>, seed: u64) -> Result<ScoringForm, FitError> {
        let batches = self.fit_batches(examples, seed)?;
        let odds_factor = batches.first().map_or(1.0, |batch| batch.kept_share);
        let width = u32::try_from(examples.width()).unwrap_or(u32::MAX);
        let mut flat = FlatForest::new(width, Combine::Mean { odds_factor });
        for batch in &batches {
            batch.trees.iter().for_each(|tree| batch.binned.push_tree(tree, &mut flat));
        }
        Forest::try_from(flat).map(ScoringForm::Forest).map_err(FitError::Form)
    }
}

impl RandomForestTrainer {
    fn limits(&self, width: usize) -> Limits {
        let share = if self.features_share > 0.0 { self.features_share } else { (width.max(1) as f64).sqrt().recip() };
        Limits {
            max_leaves: usize::MAX,
            max_depth: self.max_depth,
            min_rows: self.min_rows_per_leaf,
            min_curvature: 0.0,
            l2: 0.0,
            columns_share: share,
            random_thresholds: self.random_thresholds,
            // Batches share the cores.
            threads: 1,
        }
    }

    /// Grows `trees` trees on one sample of the negatives.
    fn fit_batch(&self, examples: &Examples<'_>, seed: u64, batch: u64, trees: usize) -> Result<Batch, FitError> {
        let mut random = Random::new(seed, 0xBA66 + batch);
        let room = self.max_rows as f64 / examples.positives().max(1) as f64 - 1.0;
        let sample = examples.sample(self.negatives_per_positive.min(room).max(1.0), &mut random)?;
        let targets = examples.targets(&sample.rows);
        let weights = sample.weights(&targets);
        let binned = Binned::new(examples, &sample.rows, MAX_BINS);
        let columns = binned.varying();
        let slopes: Vec<[f64; 2]> = targets.iter().map(|target| [-target, 1.0]).collect();
        let grower =
            Grower { limits: self.limits(columns.len()), binned: &binned, columns: &columns, slopes: &slopes, weights: &weights };
        let trees = (0..trees).map(|_| grower.grow(self.drawn_rows(binned.rows(), &mut random), &mut random)).collect();
        Ok(Batch { trees, kept_share: sample.kept_share, binned })
    }

    /// A bootstrap in order.
    fn drawn_rows(&self, rows: usize, random: &mut Random) -> Vec<u32> {
        if self.random_thresholds {
            return (0_u32..).take(rows).collect();
        }
        let mut drawn: Vec<u32> = (0..rows).map(|_| u32::try_from(random.below(rows)).unwrap_or(0)).collect();
        drawn.sort_unstable();
        drawn
    }

    fn fit_batches(&self, examples: &Examples<'_>, seed: u64) -> Result<Vec<Batch>, FitError> {
        let batches = self.trees.div_ceil(TREES_PER_BATCH);
        let workers = examples.threads().min(batches);
        let fit_share = |worker: usize| -> Result<Vec<_>, FitError> {
            let fit = |batch: usize| {
                let trees = TREES_PER_BATCH.min(self.trees - batch * TREES_PER_BATCH);
                Ok((batch, self.fit_batch(examples, seed, batch as u64, trees)?))
            };
            (worker..batches).step_by(workers).map(fit).collect()
        };
        let shares = thread::scope(|scope| {
            let handles: Vec<_> = (0..workers).map(|worker| scope.spawn(move || fit_share(worker))).collect();
            let join = |handle: thread::ScopedJoinHandle<'_, _>| {
                handle.join().unwrap_or_else(|_| Err(FitError::Library("a batch of trees was abandoned".to_owned())))
            };
            handles.into_iter().map(join).collect::<Result<Vec<_>, _>>()
        })?;
        let mut fitted: Vec<_> = shares.into_iter().flatten().collect();
        fitted.sort_by_key(|(batch, _)| *batch);
        Ok(fitted.into_iter().map(|(_, batch)| batch).collect())
    }
}
