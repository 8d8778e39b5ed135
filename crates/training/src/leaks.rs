//! Inputs that know the label.
//!
//! A column that ranks the test rows all but perfectly is a copy of the label, or something that is only known after it: a
//! model fitted on it looks perfect and is useless. Found before anything is fitted.

use lakehouse_models::{BoundEncoder, Layout, metrics::Ranking};

/// From here on, a single number is taken for the label itself.
pub(crate) const LEAK_AUC: f64 = 0.9999;
/// With fewer positives, chance alone can rank perfectly.
const MIN_POSITIVES: usize = 5;
/// Negatives looked at; more would not change the answer and cost a sort for every number.
const MAX_NEGATIVES: usize = 100_000;

/// The number that ranks the rows best, when it is a leak: its position and ROC AUC. Absent ranks below every number.
pub(crate) fn find(encoder: &BoundEncoder<'_>, rows: &[u32], labels: &[bool]) -> Option<(usize, f64)> {
    let is_positive = |row: &u32| labels.get(*row as usize).copied().unwrap_or(false);
    let (mut looked_at, negatives): (Vec<u32>, Vec<u32>) = rows.iter().partition(|row| is_positive(row));
    if looked_at.len() < MIN_POSITIVES || negatives.len() < MIN_POSITIVES {
        return None;
    }
    looked_at.extend(negatives.iter().step_by(negatives.len().div_ceil(MAX_NEGATIVES)));
    let looked_at_labels: Vec<bool> = looked_at.iter().map(is_positive).collect();
    let matrix = encoder.matrix(&looked_at, Layout::ColumnMajor);
    let separation = |column: &[f64]| {
        let auc = Ranking::new(column, &looked_at_labels).roc_auc();
        auc.max(1.0 - auc)
    };
    let separations = matrix.chunks_exact(looked_at.len()).map(separation).enumerate();
    separations.filter(|(_, auc)| *auc >= LEAK_AUC).max_by(|one, other| one.1.total_cmp(&other.1))
}
