//! Gradient boosting with logistic loss, fitted by forust.
//!
//! Sees all positives and a sample of the negatives, weighted by one over the share kept: the fit stands for all rows. Memory
//! is 8 bytes a number of the sample and 4 more for its bins: a million rows by 60 numbers, 720 MB. Numbers that do not vary
//! are left out (the library refuses them), which loses the absence of an input that has one value otherwise. Absent numbers
//! go where the fitted tree sends them.

use std::collections::BTreeMap;

use forust_ml::{
    GradientBooster, Matrix, errors::ForustError, gradientbooster::GrowPolicy, objective::ObjectiveType, sampler::SampleMethod,
};
use lakehouse_models::{Combine, FlatForest, Forest, Layout, Random, ScoringForm};
use serde::{Deserialize, Serialize};

use super::{
    FitError, ModelFamily, ParameterError, Trainer,
    export::push_forust_tree,
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
    /// No leaf has a smaller sum of p·(1 − p). A usual 1 would forbid leaves for a new pattern of a handful of frauds.
    min_leaf_weight: f64,
    /// Share of the rows a tree is fitted on.
    rows_share: f64,
    /// Share of the numbers a tree may look at.
    features_share: f64,
    /// Bins a number is cut into.
    bins: u16,
    /// Negatives fitted on for every positive.
    negatives_per_positive: f64,
}

impl Default for GradientBoostingTrainer {
    fn default() -> Self {
        Self {
            rounds: 200,
            max_leaves: 31,
            max_depth: 6,
            learning_rate: 0.05,
            l2: 1.0,
            min_leaf_weight: 0.1,
            rows_share: 0.8,
            features_share: 0.8,
            bins: 255,
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
            ("min_leaf_weight", (0.0..=1e6).contains(&self.min_leaf_weight), "between 0 and 1,000,000"),
            ("rows_share", self.rows_share > 0.0 && self.rows_share <= 1.0, "above 0, at most 1"),
            ("features_share", self.features_share > 0.0 && self.features_share <= 1.0, "above 0, at most 1"),
            ("bins", (2..=1_024).contains(&self.bins), "between 2 and 1,024"),
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
        let (booster, columns) = self.fit_booster(examples, seed)?;
        let width = u32::try_from(examples.width()).unwrap_or(u32::MAX);
        let mut flat = FlatForest::new(width, Combine::Sum { base: booster.base_score });
        for tree in &booster.trees {
            push_forust_tree(tree, &columns, &mut flat);
        }
        Forest::try_from(flat).map(ScoringForm::Forest).map_err(FitError::Form)
    }
}

impl GradientBoostingTrainer {
    /// The fitted booster and the encoder's numbers it looks at.
    fn fit_booster(&self, examples: &Examples<'_>, seed: u64) -> Result<(GradientBooster, Vec<u32>), FitError> {
        let sample = examples.sample(self.negatives_per_positive, &mut Random::new(seed, 0x6B))?;
        let rows = &sample.rows;
        let targets = examples.targets(rows);
        let weights = sample.weights(&targets);
        let (matrix, columns) = varying_columns(examples.matrix(rows, Layout::ColumnMajor), rows.len());
        if columns.is_empty() {
            return Err(FitError::NothingVaries);
        }
        let mut booster = self.booster(seed);
        // The library takes a share of the columns rounded down; of very few it would take none.
        if columns.len() as f64 * self.features_share < 1.0 {
            booster.colsample_bytree = 1.0;
        }
        let library = |source: ForustError| FitError::Library(source.to_string());
        booster.fit(&Matrix::new(&matrix, rows.len(), columns.len()), &targets, &weights, None).map_err(library)?;
        Ok((booster, columns))
    }

    fn booster(&self, seed: u64) -> GradientBooster {
        let sample_method = if self.rows_share < 1.0 { SampleMethod::Random } else { SampleMethod::None };
        let mut booster = GradientBooster::default()
            .set_objective_type(ObjectiveType::LogLoss)
            .set_iterations(self.rounds)
            .set_max_leaves(self.max_leaves)
            .set_max_depth(self.max_depth)
            .set_learning_rate(self.learning_rate as f32)
            .set_l2(self.l2 as f32)
            .set_min_leaf_weight(self.min_leaf_weight as f32)
            .set_subsample(self.rows_share as f32)
            .set_sample_method(sample_method)
            .set_colsample_bytree(self.features_share)
            .set_nbins(self.bins)
            .set_initialize_base_score(true)
            .set_tiled_histograms(true)
            .set_seed(seed);
        booster.grow_policy = GrowPolicy::LossGuide;
        booster
    }
}

/// Keeps the columns whose present numbers differ, and tells which they are.
fn varying_columns(mut matrix: Vec<f64>, rows: usize) -> (Vec<f64>, Vec<u32>) {
    let mut kept = Vec::new();
    for column in 0..matrix.len() / rows.max(1) {
        let numbers = column * rows..(column + 1) * rows;
        let mut present = matrix[numbers.clone()].iter().filter(|number| !number.is_nan());
        let first = present.next().copied();
        if first.is_some_and(|first| present.any(|number| *number != first)) {
            matrix.copy_within(numbers, kept.len() * rows);
            kept.push(u32::try_from(column).unwrap_or(u32::MAX));
        }
    }
    matrix.truncate(kept.len() * rows);
    (matrix, kept)
}

#[cfg(test)]
mod tests {
    use lakehouse_models::{Column, Columns, Encoder};

    use super::*;

    /// Three numbers, the second constant, the others with absent values, and labels that depend on them.
    fn columns() -> (Columns, Vec<bool>) {
        let number = |row: u32, factor: u32| f64::from(row * factor % 997) / 997.0;
        let absent = |row: u32, value: f64| if row.is_multiple_of(11) { f64::NAN } else { value };
        let numbers: Vec<Vec<f64>> = vec![
            (0..4000).map(|row| absent(row, number(row, 31))).collect(),
            vec![5.0; 4000],
            (0..4000).map(|row| absent(row + 3, number(row, 57))).collect(),
        ];
        let labels = (0..4000).map(|row| number(row, 31) > 0.8 && (number(row, 57) < 0.5 || row.is_multiple_of(5))).collect();
        let named = ["a", "b", "c"].into_iter().zip(numbers).map(|(name, numbers)| (name.to_owned(), Column::Number(numbers)));
        (Columns::new(named.collect()).expect("fit together"), labels)
    }

    #[test]
    fn the_exported_form_scores_as_the_library_does() {
        let (columns, labels) = columns();
        let features = ["a", "b", "c"].map(|name| toml::from_str(&format!("column = \"{name}\"\ntransform = \"number\"")));
        let features: Vec<_> = features.into_iter().collect::<Result<_, _>>().expect("valid features");
        let rows: Vec<u32> = (0..4000).collect();
        let encoder = Encoder::fit(&features, &columns, &rows).expect("fits");
        let bound = encoder.bind(&columns).expect("binds");
        let examples = Examples::new(&bound, &rows, &labels);

        let trainer = GradientBoostingTrainer::default();
        let (booster, kept) = trainer.fit_booster(&examples, 3).expect("fits");
        assert_eq!(kept, [0, 2]);
        let (matrix, _) = varying_columns(examples.matrix(&rows, Layout::ColumnMajor), rows.len());
        let log_odds = booster.predict(&Matrix::new(&matrix, rows.len(), kept.len()), false);

        let scores = bound.score(&trainer.fit(&examples, 3).expect("fits"), &rows);
        for (score, log_odds) in scores.iter().zip(&log_odds) {
            let expected = 1.0 / (1.0 + (-log_odds).exp());
            assert!((score - expected).abs() < 1e-9, "{score} instead of {expected}");
        }
        assert!(scores.iter().any(|score| *score > 0.9) && scores.iter().any(|score| *score < 0.1));
    }
}
