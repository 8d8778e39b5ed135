//! Inputs that would make a model look better than it can be.
//!
//! A column that ranks rows all but perfectly is a copy of the label, or something that is only known after it; an id tells
//! rows apart instead of kinds of rows; an instant after the row's own is not known when the row is scored. Found before
//! anything is fitted, unless the specification exempts the column by name and says why.

use std::collections::HashSet;

use lakehouse_models::{BoundEncoder, Column, Encoder, Layout, metrics::Ranking};
use lakehouse_spec::{ColumnName, TrainingSpec};

use crate::TrainingRows;

/// From here on, a single number is taken for the label itself: by area under the ROC curve,
const LEAK_AUC: f64 = 0.9999;
/// or by average precision, which sees a number that gives most positives away and nothing else.
const LEAK_PRECISION: f64 = 0.95;
/// With fewer positives, chance alone can rank perfectly.
const MIN_POSITIVES: usize = 5;
/// Negatives looked at first; all of them only for a number that ranks these too well.
const MAX_NEGATIVES: usize = 100_000;
/// An input is an id when more than this share of its values stand once. Texts repeat, and so do whole numbers.
const ID_SHARE: f64 = 0.95;
/// With fewer rows, a count may never repeat.
const MIN_ROWS: usize = 500;
const BLOCK_ROWS: usize = 4096;

/// An input that must not be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Leak {
    /// It knows the label.
    #[error(
        "`{feature}` alone ranks the training and the test rows with {measure} {value:.5}: it is the label or is known only after it"
    )]
    Label {
        /// The encoded input.
        feature: String,
        /// How ranking was measured.
        measure: &'static str,
        /// The lower one of the two parts' values.
        value: f64,
    },
    /// Hardly any value stands twice.
    #[error("`{input}` has {distinct} different values in {rows} rows: it is an id")]
    Id {
        /// The input.
        input: String,
        /// Different values.
        distinct: usize,
        /// Rows with a value.
        rows: usize,
    },
    /// It holds instants after the row's own.
    #[error("`{input}` lies after the row's own time in {rows} rows: it is not known when they are scored")]
    Future {
        /// The input.
        input: String,
        /// Rows where it does.
        rows: usize,
    },
}

/// Looks at every input that is not exempt, on training and on test rows.
pub(crate) fn check(
    spec: &TrainingSpec,
    rows: &TrainingRows,
    [train, test]: [&[u32]; 2],
    encoder: &Encoder,
    bound: &BoundEncoder<'_>,
    labels: &[bool],
) -> Result<(), Leak> {
    let is_exempt = |name: &str| spec.exemptions.iter().any(|exemption| exemption.column.as_str() == name);
    for feature in &spec.features {
        for name in feature.columns().map(ColumnName::as_str).filter(|name| !is_exempt(name)) {
            let Some(column) = rows.columns().get(name) else { continue };
            if !feature.is_of_time() {
                check_id(name, column, train)?;
            } else if name != spec.time.as_str() {
                check_future(name, column, rows, train.iter().chain(test))?;
            }
        }
    }
    let is_watched = |position: &usize| encoder.inputs_of(*position).all(|input| !is_exempt(&input.name));
    let suspects = suspects(bound, test, labels).into_iter().filter(is_watched);
    for position in suspects {
        // A pattern of the test rows only is news, not a leak: a leak ranks both parts.
        let parts = [train, test].map(|part| measures(&number(bound, part, position), &of(labels, part)));
        let measures = [("ROC AUC", LEAK_AUC), ("average precision", LEAK_PRECISION)];
        for (which, (measure, limit)) in measures.into_iter().enumerate() {
            let value = parts.iter().map(|part| part[which]).fold(1.0, f64::min);
            if value >= limit && [train, test].iter().all(|part| positives(labels, part) >= MIN_POSITIVES) {
                let feature = encoder.output_names().swap_remove(position);
                return Err(Leak::Label { feature, measure, value });
            }
        }
    }
    Ok(())
}

fn check_id(name: &str, column: &Column, rows: &[u32]) -> Result<(), Leak> {
    let (present, distinct) = match column {
        Column::Flag(_) => return Ok(()),
        Column::Number(numbers) => {
            let at = |row: &u32| numbers.get(*row as usize).copied().filter(|number| number.is_finite());
            let numbers: Vec<f64> = rows.iter().filter_map(at).collect();
            // Measurements need not repeat.
            if numbers.iter().any(|number| number.fract() != 0.0) {
                return Ok(());
            }
            (numbers.len(), numbers.iter().map(|number| number.to_bits()).collect::<HashSet<_>>().len())
        }
        Column::Text(texts) => {
            let frequencies = texts.frequencies(rows);
            (frequencies.iter().map(|(_, count)| *count as usize).sum(), frequencies.len())
        }
    };
    if present >= MIN_ROWS && distinct as f64 > ID_SHARE * present as f64 {
        return Err(Leak::Id { input: name.to_owned(), distinct, rows: present });
    }
    Ok(())
}

fn check_future<'r>(
    name: &str,
    column: &Column,
    rows: &TrainingRows,
    labelled: impl Iterator<Item = &'r u32>,
) -> Result<(), Leak> {
    let Column::Number(instants) = column else { return Ok(()) };
    let lies_after = |row: &&u32| instants.get(**row as usize).is_some_and(|instant| *instant > rows.time(**row) as f64);
    match labelled.filter(lies_after).count() {
        0 => Ok(()),
        rows => Err(Leak::Future { input: name.to_owned(), rows }),
    }
}

/// Numbers that rank all positives and a share of the negatives too well.
fn suspects(encoder: &BoundEncoder<'_>, rows: &[u32], labels: &[bool]) -> Vec<usize> {
    let is_positive = |row: &&u32| labels.get(**row as usize).copied().unwrap_or(false);
    let (mut looked_at, negatives): (Vec<u32>, Vec<u32>) = rows.iter().partition(is_positive);
    if looked_at.is_empty() || negatives.is_empty() {
        return Vec::new();
    }
    looked_at.extend(negatives.iter().step_by(negatives.len().div_ceil(MAX_NEGATIVES)));
    let matrix = encoder.matrix(&looked_at, Layout::ColumnMajor);
    let labels = of(labels, &looked_at);
    let columns = matrix.chunks_exact(looked_at.len()).enumerate();
    let is_suspect = |[auc, precision]: [f64; 2]| auc >= LEAK_AUC || precision >= LEAK_PRECISION;
    columns.filter(|(_, column)| is_suspect(measures(column, &labels))).map(|(position, _)| position).collect()
}

/// ROC AUC and average precision, in whichever direction is better. Absent ranks below every number.
fn measures(column: &[f64], labels: &[bool]) -> [f64; 2] {
    let reversed: Vec<f64> = column.iter().map(|number| -number).collect();
    let [up, down] = [column, &reversed].map(|column| {
        let ranking = Ranking::new(column, labels);
        [ranking.roc_auc(), ranking.average_precision()]
    });
    [up[0].max(down[0]), up[1].max(down[1])]
}

/// One number of many rows.
fn number(encoder: &BoundEncoder<'_>, rows: &[u32], position: usize) -> Vec<f64> {
    let (mut matrix, mut numbers) = (Vec::new(), Vec::with_capacity(rows.len()));
    for block in rows.chunks(BLOCK_ROWS) {
        encoder.fill(block, Layout::ColumnMajor, &mut matrix);
        numbers.extend(matrix.iter().skip(position * block.len()).take(block.len()));
    }
    numbers
}

fn of(labels: &[bool], rows: &[u32]) -> Vec<bool> {
    rows.iter().map(|row| labels.get(*row as usize).copied().unwrap_or(false)).collect()
}

fn positives(labels: &[bool], rows: &[u32]) -> usize {
    of(labels, rows).into_iter().filter(|label| *label).count()
}
