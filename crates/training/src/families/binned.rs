//! Rows as trees are grown on them: every number cut into at most 254 bins, a byte a number.
//!
//! Cuts lie where about equally much weight is on each side, and all positives weigh as much as all negatives: where positives
//! are rare, equally many rows would put them all into the last bins, and no split could tell them apart.

use lakehouse_models::{FlatForest, Layout};

use super::grow::{Split, Tree};
use crate::Examples;

/// Bin 0 is for absent numbers; the others take what is left of a byte.
pub(super) const MAX_BINS: usize = 254;
pub(super) const ABSENT: u8 = 0;

/// A matrix of bins.
#[derive(Debug)]
pub(super) struct Binned {
    rows: usize,
    columns: Vec<BinnedColumn>,
}

#[derive(Debug)]
pub(super) struct BinnedColumn {
    /// Bin `b` (from 1) holds the numbers below `edges[b - 1]` and not below the edge before; the last bin all others.
    edges: Vec<f64>,
    pub(super) bins: Vec<u8>,
}

impl BinnedColumn {
    fn new(numbers: &[f64], weights: &[f64], max_bins: usize) -> Self {
        let edges = edges(numbers, weights, max_bins);
        let bin = |number: &f64| match number.is_nan() {
            true => ABSENT,
            // There are fewer edges than a byte counts.
            false => u8::try_from(1 + edges.partition_point(|edge| edge <= number)).unwrap_or(u8::MAX),
        };
        Self { bins: numbers.iter().map(bin).collect(), edges }
    }

    /// One more than the number of the last bin.
    pub(super) fn bin_count(&self) -> usize {
        self.edges.len() + 2
    }

    /// Numbers up to bin `last` lie below this; every present number lies above that of bin 0.
    pub(super) fn threshold(&self, last: usize) -> f64 {
        last.checked_sub(1).and_then(|edge| self.edges.get(edge)).copied().unwrap_or(f64::MIN)
    }
}

/// Cuts between neighbouring distinct numbers: between all of them, or where about equally much weight lies on each side.
fn edges(numbers: &[f64], weights: &[f64], max_bins: usize) -> Vec<f64> {
    let present = numbers.iter().copied().zip(weights.iter().copied()).filter(|(number, _)| !number.is_nan());
    let mut sorted: Vec<(f64, f64)> = present.collect();
    sorted.sort_unstable_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let groups: Vec<&[(f64, f64)]> = sorted.chunk_by(|one, next| one.0 == next.0).collect();
    let (mut edges, mut filled, mut left) = (Vec::new(), 0.0, sorted.iter().map(|row| row.1).sum::<f64>());
    let cuts_all = groups.len() <= max_bins;
    for pair in groups.windows(2) {
        let ([(below, _), ..], [(above, _), ..]) = (pair[0], pair[1]) else { continue };
        filled += pair[0].iter().map(|row| row.1).sum::<f64>();
        let room = max_bins.saturating_sub(edges.len());
        if cuts_all || (room > 1 && filled * room as f64 >= left) {
            let middle = below / 2.0 + above / 2.0;
            edges.push(if middle > *below { middle } else { *above });
            (left, filled) = (left - filled, 0.0);
        }
    }
    edges
}

impl Binned {
    /// The bins of `rows`; the matrix they are cut from takes 8 bytes a number while this runs.
    pub(super) fn new(examples: &Examples<'_>, rows: &[u32], max_bins: usize) -> Self {
        let matrix = examples.matrix(rows, Layout::ColumnMajor);
        let targets = examples.targets(rows);
        let positives = targets.iter().sum::<f64>();
        let negatives = targets.len() as f64 - positives;
        let weight = |target: &f64| if *target > 0.0 { 0.5 / positives } else { 0.5 / negatives };
        let weights: Vec<f64> = targets.iter().map(weight).collect();
        let numbers = matrix.chunks_exact(rows.len().max(1));
        let columns = numbers.map(|numbers| BinnedColumn::new(numbers, &weights, max_bins.min(MAX_BINS)));
        Self { rows: rows.len(), columns: columns.collect() }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn column(&self, column: u32) -> &BinnedColumn {
        &self.columns[column as usize]
    }

    /// The columns that have something to split.
    pub(super) fn varying(&self) -> Vec<u32> {
        let varies = |column: &BinnedColumn| column.bins.iter().any(|bin| Some(bin) != column.bins.first());
        (0..).zip(&self.columns).filter(|(_, column)| varies(column)).map(|(position, _)| position).collect()
    }

    /// Does a row go left?
    pub(super) fn goes_left(&self, split: &Split, row: u32) -> bool {
        match self.column(split.feature).bins[row as usize] {
            ABSENT => split.missing_left,
            bin => bin <= split.last_left,
        }
    }

    /// The value of the leaf that a row falls into.
    pub(super) fn value(&self, tree: &Tree, row: u32) -> f64 {
        let mut node = &tree.nodes[0];
        while let Some(split) = &node.split {
            node = &tree.nodes[if self.goes_left(split, row) { split.left } else { split.right }];
        }
        node.value
    }

    /// Adds a tree to `forest`.
    pub(super) fn push_tree(&self, tree: &Tree, forest: &mut FlatForest) {
        forest.start_tree();
        let start = forest.next_node();
        // The forest's check refuses a position that does not fit.
        let position = |node: usize| u32::try_from(node).map_or(u32::MAX, |node| start.saturating_add(node));
        for node in &tree.nodes {
            match &node.split {
                Some(split) => {
                    let threshold = self.column(split.feature).threshold(split.last_left.into());
                    let children = [position(split.left), position(split.right)];
                    forest.push_split(split.feature, threshold, children, split.missing_left, node.cover);
                }
                None => forest.push_leaf(node.value, node.cover),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_distinct_numbers_are_cut_between_each_other() {
        let column = BinnedColumn::new(&[3.0, f64::NAN, 1.0, 3.0, 2.0], &[0.2; 5], 10);
        assert_eq!((column.edges.as_slice(), column.bins.as_slice()), (&[1.5, 2.5][..], &[3, ABSENT, 1, 3, 2][..]));
        assert_eq!((column.threshold(0), column.threshold(1), column.bin_count()), (f64::MIN, 1.5, 4));
        // Between neighbouring doubles there is no middle.
        let next = 1.0_f64.next_up();
        assert_eq!(edges(&[1.0, next], &[0.5; 2], 10), [next]);
        assert_eq!(edges(&[f64::NAN, 7.0], &[0.5; 2], 10), Vec::<f64>::new());
    }

    #[test]
    fn many_distinct_numbers_are_cut_into_bins_of_equal_weight() {
        let numbers: Vec<f64> = (0..100_000).map(|row| f64::from(row * 7919 % 100_000)).collect();
        let column = BinnedColumn::new(&numbers, &[1e-5; 100_000], MAX_BINS);
        let mut counts = vec![0; column.bin_count()];
        column.bins.iter().for_each(|bin| counts[usize::from(*bin)] += 1);
        assert_eq!((counts.len(), counts[0]), (MAX_BINS + 1, 0));
        assert!(counts[1..].iter().all(|count| (390..=395).contains(count)), "{counts:?}");

        // A hundred positives at the top weigh as much as all other rows: half of the bins are theirs.
        let weights: Vec<f64> = numbers.iter().map(|number| if *number >= 99_900.0 { 5e-3 } else { 5e-6 }).collect();
        let column = BinnedColumn::new(&numbers, &weights, 50);
        let above = column.edges.iter().filter(|edge| **edge > 99_900.0).count();
        assert!((24..=25).contains(&above), "{above}");
    }
}
