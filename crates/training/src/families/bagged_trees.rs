//! A few trees of a random forest: smartcore's forest on one sample of the negatives.

use lakehouse_models::{Layout, Random};
use smartcore::{
    ensemble::random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters},
    linalg::basic::matrix::DenseMatrix,
};

use super::{
    FitError,
    export::{SmartcoreRegressor, SmartcoreTree},
};
use crate::Examples;

/// Absent numbers become this. Trees only compare, so any number below all others will do; it must be finite because the
/// library takes the middle between neighbours.
const BELOW_ALL: f64 = -1e300;

/// What the trees of a forest share.
#[derive(Debug, Clone, Copy)]
pub(super) struct TreeSettings {
    pub(super) max_depth: u16,
    pub(super) min_rows_per_leaf: usize,
    pub(super) features_per_split: usize,
    pub(super) negatives_per_positive: f64,
}

/// Trees that were fitted on one sample, and the share of the negatives it kept.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) trees: Vec<SmartcoreTree>,
    pub(super) kept_share: f64,
}

/// Fits `trees` trees, each on its own bootstrap of all positives and the batch's negatives.
pub(super) fn fit_batch(
    settings: TreeSettings,
    examples: &Examples<'_>,
    seed: u64,
    batch: u64,
    trees: usize,
) -> Result<Batch, FitError> {
    let mut random = Random::new(seed, 0xBA66 + batch);
    let sample = examples.sample(settings.negatives_per_positive, &mut random)?;
    let mut matrix = examples.matrix(&sample.rows, Layout::ColumnMajor);
    for number in matrix.iter_mut().filter(|number| number.is_nan()) {
        *number = BELOW_ALL;
    }
    let library = |failed: smartcore::error::Failed| FitError::Library(failed.to_string());
    let matrix = DenseMatrix::new(sample.rows.len(), examples.width(), matrix, true).map_err(library)?;
    let parameters = RandomForestRegressorParameters::default()
        .with_n_trees(trees)
        .with_m(settings.features_per_split)
        .with_max_depth(settings.max_depth)
        .with_min_samples_leaf(settings.min_rows_per_leaf)
        .with_seed(random.next_u64());
    let targets = examples.targets(&sample.rows);
    let fitted = RandomForestRegressor::fit(&matrix, &targets, parameters).map_err(library)?;
    let text = serde_json::to_string(&fitted).map_err(FitError::Export)?;
    let regressor: SmartcoreRegressor = serde_json::from_str(&text).map_err(FitError::Export)?;
    Ok(Batch { trees: regressor.into_trees(), kept_share: sample.kept_share })
}
