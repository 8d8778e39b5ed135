//! An isolation forest (Liu, Ting and Zhou 2008): rows that few random splits set apart are unusual. Labels are not looked at.
//!
//! A tree grows on its own few rows, at each node splitting a random number of those that vary at a random place between its
//! ends; absent numbers go to the side with more rows. Scores are ranks of unusualness, not probabilities: calibrate them.

use std::collections::BTreeMap;

use lakehouse_models::{Combine, FlatForest, Forest, Layout, Random, ScoringForm};
use serde::{Deserialize, Serialize};

use super::{
    FitError, ModelFamily, ParameterError, Trainer,
    parameters::{Parameters, read, to_map},
};
use crate::Examples;

const NAME: &str = "isolation_forest";
/// Euler's constant, of the harmonic numbers.
const EULER: f64 = 0.577_215_664_901_532_9;

/// The family `isolation_forest`.
#[derive(Debug)]
pub struct IsolationForest;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct IsolationForestTrainer {
    /// The number of trees.
    trees: usize,
    /// Rows that a tree grows on.
    rows_per_tree: usize,
}

impl Default for IsolationForestTrainer {
    fn default() -> Self {
        Self { trees: 100, rows_per_tree: 256 }
    }
}

impl Parameters for IsolationForestTrainer {
    fn ranges(&self) -> Vec<(&'static str, bool, &'static str)> {
        vec![
            ("trees", (1..=2_000).contains(&self.trees), "between 1 and 2,000"),
            ("rows_per_tree", (2..=65_536).contains(&self.rows_per_tree), "between 2 and 65,536"),
        ]
    }
}

impl ModelFamily for IsolationForest {
    fn name(&self) -> &'static str {
        NAME
    }

    fn is_supervised(&self) -> bool {
        false
    }

    fn check(&self, parameters: &toml::Table) -> Result<Box<dyn Trainer>, ParameterError> {
        Ok(Box::new(read::<IsolationForestTrainer>(NAME, parameters)?))
    }
}

impl Trainer for IsolationForestTrainer {
    fn parameters(&self) -> BTreeMap<String, serde_json::Value> {
        to_map(self)
    }

    fn fit(&self, examples: &Examples<'_>, seed: u64) -> Result<ScoringForm, FitError> {
        let width = examples.width();
        let count = self.rows_per_tree.min(examples.rows().len());
        let typical = mean_path(count).max(f64::MIN_POSITIVE);
        let mut flat = FlatForest::new(u32::try_from(width).unwrap_or(u32::MAX), Combine::Isolation { typical });
        let mut random = Random::new(seed, 0x150);
        let mut positions: Vec<usize> = (0..examples.rows().len()).collect();
        for _ in 0..self.trees {
            random.choose_front(&mut positions, count);
            let rows: Vec<u32> =
                positions.iter().take(count).filter_map(|position| examples.rows().get(*position).copied()).collect();
            let matrix = examples.matrix(&rows, Layout::RowMajor);
            let mut tree = Growing { matrix: &matrix, width, limit: depth_limit(count), nodes: Vec::new(), random: &mut random };
            tree.grow((0..rows.len()).collect(), 0);
            push(&tree.nodes, &mut flat);
        }
        Forest::try_from(flat).map(ScoringForm::Forest).map_err(FitError::Form)
    }
}

/// Half of the rows are isolated by then.
fn depth_limit(rows: usize) -> usize {
    (rows.max(2) as f64).log2().ceil() as usize
}

/// The mean length of a path to one of so many rows: that of an unsuccessful search in a binary tree.
fn mean_path(rows: usize) -> f64 {
    match rows {
        0 | 1 => 0.0,
        2 => 1.0,
        rows => {
            let rows = rows as f64;
            2.0 * ((rows - 1.0).ln() + EULER) - 2.0 * (rows - 1.0) / rows
        }
    }
}

/// A node of a tree under way: its rows, and a split or the length of the path to here.
enum Node {
    Leaf { path: f64, rows: usize },
    Split { number: usize, threshold: f64, missing_left: bool, children: [usize; 2], rows: usize },
}

struct Growing<'a> {
    matrix: &'a [f64],
    width: usize,
    limit: usize,
    nodes: Vec<Node>,
    random: &'a mut Random,
}

impl Growing<'_> {
    /// Adds the node of `rows` and those below it, and tells where it stands.
    fn grow(&mut self, rows: Vec<usize>, depth: usize) -> usize {
        let place = self.nodes.len();
        let count = rows.len();
        self.nodes.push(Node::Leaf { path: depth as f64 + mean_path(count), rows: count });
        if depth >= self.limit || count < 2 {
            return place;
        }
        let Some((number, threshold)) = self.split(&rows) else { return place };
        let (present, absent): (Vec<usize>, Vec<usize>) = rows.into_iter().partition(|row| !self.number(*row, number).is_nan());
        let (mut left, mut right): (Vec<usize>, Vec<usize>) =
            present.into_iter().partition(|row| self.number(*row, number) < threshold);
        let missing_left = left.len() >= right.len();
        if missing_left { &mut left } else { &mut right }.extend(absent);
        let children = [self.grow(left, depth + 1), self.grow(right, depth + 1)];
        if let Some(node) = self.nodes.get_mut(place) {
            *node = Node::Split { number, threshold, missing_left, children, rows: count };
        }
        place
    }

    /// A random number of those that vary over the rows, and a random place between its ends, the lower one excluded.
    fn split(&mut self, rows: &[usize]) -> Option<(usize, f64)> {
        let mut numbers: Vec<usize> = (0..self.width).collect();
        for drawn in 0..self.width {
            let other = drawn + self.random.below(self.width - drawn);
            numbers.swap(drawn, other);
            let number = *numbers.get(drawn)?;
            let values = rows.iter().map(|row| self.number(*row, number)).filter(|value| value.is_finite());
            let (low, high) =
                values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
            let share = (self.random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
            if low < high && (high - low).is_finite() {
                let threshold = high - (high - low) * share;
                return (threshold > low).then_some((number, threshold));
            }
        }
        None
    }

    fn number(&self, row: usize, number: usize) -> f64 {
        self.matrix.get(row * self.width + number).copied().unwrap_or(f64::NAN)
    }
}

fn push(nodes: &[Node], flat: &mut FlatForest) {
    flat.start_tree();
    let root = flat.next_node();
    let position = |place: usize| root + u32::try_from(place).unwrap_or(u32::MAX - root);
    for node in nodes {
        match node {
            Node::Leaf { path, rows } => flat.push_leaf(-path, *rows as f64),
            Node::Split { number, threshold, missing_left, children, rows } => flat.push_split(
                u32::try_from(*number).unwrap_or(u32::MAX),
                *threshold,
                children.map(position),
                *missing_left,
                *rows as f64,
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::mean_path;

    #[test]
    fn paths_are_as_long_as_published() {
        assert_eq!([0, 1, 2].map(mean_path), [0.0, 0.0, 1.0]);
        // The paper's c(256).
        assert!((mean_path(256) - 10.244_770).abs() < 1e-3, "{}", mean_path(256));
    }
}
