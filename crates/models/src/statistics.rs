//! What the inputs of the training rows looked like, so that drift can be told later without the rows.

use serde::{Deserialize, Serialize};

use crate::Column;

/// Where the quantiles of a number are taken.
pub const QUANTILES: [f64; 13] = [0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0];
const BINS: usize = 10;
/// The most frequent texts that are named; the others are counted together.
const NAMED_TEXTS: usize = 50;
/// More rows say nothing more about a quantile and cost a sort: of longer inputs, this many evenly spaced rows are read.
const ROWS_READ: usize = 1_000_000;

/// One input of the training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputStatistics {
    /// The input.
    pub input: String,
    /// Share of the rows without a value.
    pub absent_share: f64,
    /// Of the rows with a value.
    pub values: Statistics,
}

/// The values of one input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Statistics {
    /// Of numbers.
    Number(NumberStatistics),
    /// Of texts, in lower case.
    Text {
        /// The most frequent ones and their shares.
        shares: Vec<(String, f64)>,
        /// The share of all others.
        other_share: f64,
    },
    /// Of flags.
    Flag {
        /// The share that is true.
        true_share: f64,
    },
}

/// Of numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NumberStatistics {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
    /// At [`QUANTILES`].
    pub quantiles: Vec<f64>,
    /// Distinct inner deciles: a value belongs to the first bin whose edge is above it, or to the last.
    pub edges: Vec<f64>,
    /// Shares of the bins, one more than edges. Far from even where one value is frequent.
    pub shares: Vec<f64>,
}

impl InputStatistics {
    /// Of one column's `rows`.
    pub fn new(input: &str, column: &Column, rows: &[u32]) -> Self {
        let step = rows.len().div_ceil(ROWS_READ).max(1);
        let rows: Vec<u32> = rows.iter().copied().step_by(step).collect();
        let (present, values) = match column {
            Column::Number(numbers) => {
                let at = |row: &u32| numbers.get(*row as usize).copied().filter(|number| number.is_finite());
                let numbers: Vec<f64> = rows.iter().filter_map(at).collect();
                (numbers.len(), Statistics::Number(NumberStatistics::new(numbers)))
            }
            Column::Flag(flags) => {
                let at = |row: &u32| flags.get(*row as usize).copied().flatten();
                let flags: Vec<bool> = rows.iter().filter_map(at).collect();
                let count = flags.iter().filter(|flag| **flag).count();
                (flags.len(), Statistics::Flag { true_share: share(count, flags.len()) })
            }
            Column::Text(texts) => {
                let frequencies = texts.frequencies(&rows);
                let present = frequencies.iter().map(|(_, count)| *count as usize).sum();
                let shares = frequencies.into_iter().map(|(text, count)| (text, share(count as usize, present)));
                let (named, others): (Vec<_>, Vec<_>) = shares.enumerate().partition(|(rank, _)| *rank < NAMED_TEXTS);
                let other_share = others.iter().fold(0.0, |sum, (_, (_, share))| sum + share);
                (present, Statistics::Text { shares: named.into_iter().map(|(_, share)| share).collect(), other_share })
            }
        };
        Self { input: input.to_owned(), absent_share: share(rows.len() - present, rows.len()), values }
    }
}

impl NumberStatistics {
    /// Of finite numbers; all zero when there is none.
    pub fn new(mut numbers: Vec<f64>) -> Self {
        numbers.sort_unstable_by(f64::total_cmp);
        let count = numbers.len().max(1) as f64;
        let mean = numbers.iter().map(|number| number / count).sum::<f64>();
        let variance = numbers.iter().map(|number| (number - mean).powi(2) / count).sum::<f64>();
        let at = |share: f64| {
            let position = (share * numbers.len().saturating_sub(1) as f64).round() as usize;
            numbers.get(position).copied().unwrap_or(0.0)
        };
        let mut edges: Vec<f64> = (1..BINS).map(|bin| at(bin as f64 / BINS as f64)).collect();
        edges.dedup();
        let ends = edges.iter().map(|edge| numbers.partition_point(|number| number < edge)).chain([numbers.len()]);
        let mut start = 0;
        let shares = ends.map(|end| share(end - std::mem::replace(&mut start, end), numbers.len())).collect();
        Self {
            mean: finite(mean),
            deviation: finite(variance.sqrt()),
            quantiles: QUANTILES.iter().map(|quantile| at(*quantile)).collect(),
            edges,
            shares,
        }
    }
}

/// Sums of the largest doubles overflow, and JSON has no infinity.
fn finite(number: f64) -> f64 {
    if number.is_finite() { number } else { f64::MAX }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TextColumn;

    fn of(column: &Column) -> InputStatistics {
        let rows: Vec<u32> = (0..).take(column.len()).collect();
        InputStatistics::new("input", column, &rows)
    }

    #[test]
    fn numbers_have_quantiles_and_bins() {
        let statistics = of(&Column::Number((0..=100).map(f64::from).chain([f64::NAN]).collect()));
        assert!((statistics.absent_share - 1.0 / 102.0).abs() < 1e-15);
        let Statistics::Number(numbers) = statistics.values else { panic!("numbers") };
        assert_eq!((numbers.mean.round(), numbers.quantiles[6], numbers.quantiles[12]), (50.0, 50.0, 100.0));
        assert_eq!(numbers.edges, [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]);
        assert!((numbers.shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(numbers.shares[0], 10.0 / 101.0);
    }

    #[test]
    fn a_frequent_value_gives_fewer_bins() {
        let Statistics::Number(numbers) = of(&Column::Number(vec![0.0, 0.0, 0.0, 0.0, 5.0])).values else { panic!("numbers") };
        assert_eq!((numbers.edges, numbers.shares), (vec![0.0, 5.0], vec![0.0, 0.8, 0.2]));
        let Statistics::Number(none) = of(&Column::Number(vec![f64::NAN])).values else { panic!("numbers") };
        assert_eq!((none.mean, none.edges, none.shares), (0.0, vec![0.0], vec![0.0, 0.0]));
    }

    #[test]
    fn texts_and_flags_have_shares() {
        let texts: TextColumn = [Some("Visa"), Some("VISA"), Some("Amex"), None].into_iter().collect();
        let texts = of(&Column::Text(texts));
        let shares = vec![("visa".to_owned(), 2.0 / 3.0), ("amex".to_owned(), 1.0 / 3.0)];
        assert_eq!(texts.values, Statistics::Text { shares, other_share: 0.0 });
        assert_eq!(texts.absent_share, 0.25);
        let flags = of(&Column::Flag(vec![Some(true), Some(false), None]));
        assert_eq!(flags.values, Statistics::Flag { true_share: 0.5 });
    }
}
