//! Decision trees in one flat array.
//!
//! A row goes left where its number is below the threshold. Children stand after their parent and inside their tree, so every
//! walk ends. In memory a node is 24 bytes and a tree is contiguous; in files the nodes are parallel lists ([`FlatForest`]).
//!
//! A walk is a chain of loads, each waiting for the one before. So eight walks are made side by side, of eight rows or of eight
//! trees, without a branch: a leaf is its own child, and all go on for as many steps as the deepest tree has.

use serde::{Deserialize, Serialize};

use super::{
    FormError,
    probability::{multiply_odds, sigmoid},
};

/// Rows that walk one tree before the next is loaded: the rows stay in the first-level cache, the tree in the second.
const BLOCK_ROWS: usize = 64;
/// Walks that are made side by side.
const LANES: usize = 8;
/// No row has so many numbers: a leaf looks at one that is absent, and absent goes left.
const LEAF: u32 = u32::MAX;
const MISSING_LEFT: u32 = 1 << 31;

/// How the values of the leaves become a probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "combine", rename_all = "snake_case", deny_unknown_fields)]
pub enum Combine {
    /// Boosting: log-odds, added to `base`, through the logistic function.
    Sum {
        /// The log-odds before the first tree.
        base: f64,
    },
    /// Bagging: the mean of the leaves' probabilities, its odds multiplied by `odds_factor`.
    Mean {
        /// The share of the negatives that was kept for fitting; 1 when all were.
        odds_factor: f64,
    },
    /// Isolation (Liu, Ting and Zhou 2008): leaves hold minus the length of the path to them, and the score is two to the power
    /// of their mean over `typical`: near 1 for a row that is isolated quickly, 0.5 for a typical one.
    Isolation {
        /// The mean length of a path in a tree of as many rows; above 0.
        typical: f64,
    },
}

/// A forest as it is written: parallel lists, one entry for every node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlatForest {
    /// How many numbers a row has.
    pub width: u32,
    /// How leaves become a probability.
    pub combine: Combine,
    /// Position of each tree's first node, ascending, the first one 0.
    pub roots: Vec<u32>,
    /// The number a node looks at; 0 in a leaf.
    pub feature: Vec<u32>,
    /// Below it a row goes left; 0 in a leaf.
    pub threshold: Vec<f64>,
    /// Position of the left child; 0 in a leaf.
    pub left: Vec<u32>,
    /// Position of the right child; 0 in a leaf.
    pub right: Vec<u32>,
    /// Does a row whose number is absent go left?
    pub missing_left: Vec<bool>,
    /// A leaf's value; 0 in other nodes.
    pub value: Vec<f64>,
    /// The weight of the rows a node was fitted on; empty where it is not known, and such a forest cannot be explained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cover: Vec<f64>,
}

/// A checked forest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "FlatForest", into = "FlatForest")]
pub struct Forest {
    width: u32,
    combine: Combine,
    roots: Vec<u32>,
    /// The steps to each tree's deepest leaf.
    depths: Vec<u32>,
    nodes: Vec<Node>,
    /// One a node, or none at all.
    cover: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Node {
    /// The threshold, or the value of a leaf.
    number: f64,
    /// Left and right; a leaf's own position twice.
    children: [u32; 2],
    /// The number it looks at with [`MISSING_LEFT`], or [`LEAF`].
    feature: u32,
}

/// One step down a tree.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// A leaf and its value.
    Leaf(f64),
    /// A number is looked at, and the row takes one of two ways.
    Split { feature: u32, taken: Child, other: Child },
}

/// A child and the share of its parent's rows that went there when the tree was fitted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child {
    pub(super) node: u32,
    pub(super) share: f64,
}

impl Node {
    fn goes_left(&self, numbers: &[f64]) -> bool {
        let number = numbers.get((self.feature & !MISSING_LEFT) as usize).copied().unwrap_or(f64::NAN);
        // Not `||`: a branch here is guessed wrong every other time.
        (number < self.number) | (number.is_nan() & (self.feature & MISSING_LEFT != 0))
    }

    fn next(&self, numbers: &[f64]) -> u32 {
        self.children[usize::from(!self.goes_left(numbers))]
    }
}

impl Forest {
    /// How many numbers it takes.
    pub fn width(&self) -> usize {
        self.width as usize
    }

    /// The number of trees.
    pub fn trees(&self) -> usize {
        self.roots.len()
    }

    pub(super) fn score(&self, numbers: &[f64]) -> f64 {
        let mut sum = self.start();
        let (chunks, rest) = self.roots.as_chunks::<LANES>();
        let (depths, _) = self.depths.as_chunks::<LANES>();
        for (roots, depths) in chunks.iter().zip(depths) {
            let deepest = depths.iter().copied().max().unwrap_or_default();
            let leaves = self.leaves(*roots, deepest, |_| numbers);
            sum = leaves.iter().fold(sum, |sum, leaf| sum + leaf);
        }
        self.finish(rest.iter().fold(sum, |sum, root| sum + self.leaf(*root, numbers)))
    }

    pub(super) fn score_rows(&self, matrix: &[f64], out: &mut Vec<f64>) {
        let width = self.width().max(1);
        for block in matrix.chunks(BLOCK_ROWS * width) {
            let mut sums = [self.start(); BLOCK_ROWS];
            for (root, depth) in self.roots.iter().zip(&self.depths) {
                let (chunks, _) = sums.as_chunks_mut::<LANES>();
                for (sums, rows) in chunks.iter_mut().zip(block.chunks(LANES * width)) {
                    // Lanes without a row find every number absent; nobody reads their sums.
                    let row = |lane: usize| rows.get(lane * width..).unwrap_or_default();
                    let leaves = self.leaves([*root; LANES], *depth, row);
                    sums.iter_mut().zip(leaves).for_each(|(sum, leaf)| *sum += leaf);
                }
            }
            out.extend(sums.iter().take(block.len() / width).map(|sum| self.finish(*sum)));
        }
    }

    fn leaf(&self, root: u32, numbers: &[f64]) -> f64 {
        let mut node = self.nodes[root as usize];
        while node.feature != LEAF {
            node = self.nodes[node.next(numbers) as usize];
        }
        node.number
    }

    /// The leaves of walks that begin at `nodes` and are `depth` steps long at most.
    fn leaves<'a>(&self, mut nodes: [u32; LANES], depth: u32, numbers_of: impl Fn(usize) -> &'a [f64]) -> [f64; LANES] {
        let numbers: [&[f64]; LANES] = std::array::from_fn(numbers_of);
        for _ in 0..depth {
            for (node, numbers) in nodes.iter_mut().zip(numbers) {
                *node = self.nodes[*node as usize].next(numbers);
            }
        }
        nodes.map(|node| self.nodes[node as usize].number)
    }

    /// The first node of each tree.
    pub(super) fn roots(&self) -> &[u32] {
        &self.roots
    }

    /// How leaves become a probability.
    pub(super) fn combine(&self) -> Combine {
        self.combine
    }

    /// What explaining a row needs to know of a node; `None` where the rows it was fitted on are not known.
    pub(super) fn step(&self, node: u32, numbers: &[f64]) -> Option<Step> {
        let position = node as usize;
        let node = self.nodes.get(position)?;
        if node.feature == LEAF {
            return Some(Step::Leaf(node.number));
        }
        let [left, right] = node.children.map(|child| Some((child, *self.cover.get(child as usize)?)));
        let (taken, other) = if node.goes_left(numbers) { (left?, right?) } else { (right?, left?) };
        let both = taken.1 + other.1;
        let child = |(node, cover): (u32, f64)| Child { node, share: cover / both };
        Some(Step::Split { feature: node.feature & !MISSING_LEFT, taken: child(taken), other: child(other) })
    }

    fn start(&self) -> f64 {
        match self.combine {
            Combine::Sum { base } => base,
            Combine::Mean { .. } | Combine::Isolation { .. } => 0.0,
        }
    }

    fn finish(&self, sum: f64) -> f64 {
        match self.combine {
            Combine::Sum { .. } => self.probability(sum),
            Combine::Mean { .. } | Combine::Isolation { .. } => self.probability(sum / self.roots.len() as f64),
        }
    }

    /// From the sum or the mean of the leaves.
    pub(super) fn probability(&self, combined: f64) -> f64 {
        match self.combine {
            Combine::Sum { .. } if combined.is_nan() => 0.5,
            Combine::Sum { .. } => sigmoid(combined),
            Combine::Mean { odds_factor } => multiply_odds(combined, odds_factor),
            Combine::Isolation { typical } => (combined / typical).exp2().clamp(0.0, 1.0),
        }
    }
}

impl FlatForest {
    /// A forest without trees, to be filled with [`push_leaf`](Self::push_leaf) and [`push_split`](Self::push_split).
    pub fn new(width: u32, combine: Combine) -> Self {
        let (feature, left, right, roots) = (vec![], vec![], vec![], vec![]);
        let (missing_left, value, cover) = (vec![], vec![], vec![]);
        Self { width, combine, roots, feature, threshold: vec![], left, right, missing_left, value, cover }
    }

    /// The next node starts a tree.
    pub fn start_tree(&mut self) {
        self.roots.push(self.next_node());
    }

    /// The position the next node will have.
    pub fn next_node(&self) -> u32 {
        // More nodes than a `u32` counts take 100 GB; the check refuses such a forest.
        u32::try_from(self.value.len()).unwrap_or(u32::MAX)
    }

    /// Adds a leaf that was fitted on rows of weight `cover`.
    pub fn push_leaf(&mut self, value: f64, cover: f64) {
        self.push(0, 0.0, [0, 0], false, value, cover);
    }

    /// Adds a node with two children, given by their positions.
    pub fn push_split(&mut self, feature: u32, threshold: f64, children: [u32; 2], missing_left: bool, cover: f64) {
        self.push(feature, threshold, children, missing_left, 0.0, cover);
    }

    fn push(&mut self, feature: u32, threshold: f64, [left, right]: [u32; 2], missing_left: bool, value: f64, cover: f64) {
        self.feature.push(feature);
        self.threshold.push(threshold);
        self.left.push(left);
        self.right.push(right);
        self.missing_left.push(missing_left);
        self.value.push(value);
        self.cover.push(cover);
    }

    fn check(&self) -> Result<(), FormError> {
        let nodes = self.value.len();
        let lengths = [
            ("feature", self.feature.len()),
            ("threshold", self.threshold.len()),
            ("left", self.left.len()),
            ("right", self.right.len()),
            ("missing_left", self.missing_left.len()),
            ("cover", if self.cover.is_empty() { nodes } else { self.cover.len() }),
        ];
        if let Some((name, _)) = lengths.into_iter().find(|(_, length)| *length != nodes) {
            return Err(FormError::Length(name));
        }
        if u32::try_from(nodes).is_err() || self.width >= MISSING_LEFT - 1 {
            return Err(FormError::Range { name: "width", rule: "fewer than 2³¹ numbers and 2³² nodes" });
        }
        for (name, numbers) in [("threshold", &self.threshold), ("value", &self.value)] {
            if !numbers.iter().all(|number| number.is_finite()) {
                return Err(FormError::NotFinite(name));
            }
        }
        if !self.cover.iter().all(|cover| cover.is_finite() && *cover > 0.0) {
            return Err(FormError::Range { name: "cover", rule: "above 0" });
        }
        self.check_combine()?;
        let is_ascending = self.roots.is_sorted_by(|one, next| one < next);
        if self.roots.first() != Some(&0) || !is_ascending || self.roots.last().is_none_or(|last| *last as usize >= nodes) {
            return Err(FormError::Range { name: "roots", rule: "0 first, ascending, each the position of a node" });
        }
        self.check_trees(nodes)
    }

    /// The steps to the deepest leaf of each tree of a checked forest.
    fn depths(&self) -> Vec<u32> {
        let mut steps = vec![0_u32; self.value.len()];
        for node in 0..self.value.len() {
            let (left, right) = (self.left[node] as usize, self.right[node] as usize);
            if (left, right) != (0, 0) {
                steps[left] = steps[node] + 1;
                steps[right] = steps[node] + 1;
            }
        }
        let ends = self.roots.iter().skip(1).map(|root| *root as usize).chain([steps.len()]);
        let trees = self.roots.iter().map(|root| *root as usize).zip(ends);
        trees.map(|(start, end)| steps[start..end].iter().copied().max().unwrap_or_default()).collect()
    }

    fn check_combine(&self) -> Result<(), FormError> {
        match self.combine {
            Combine::Sum { base } if !base.is_finite() => Err(FormError::NotFinite("base")),
            Combine::Mean { odds_factor } if !(odds_factor > 0.0 && odds_factor <= 1.0) => {
                Err(FormError::Range { name: "odds_factor", rule: "above 0, at most 1" })
            }
            Combine::Mean { .. } if !self.value.iter().all(|value| (0.0..=1.0).contains(value)) => {
                Err(FormError::Range { name: "value", rule: "a probability, for the mean" })
            }
            Combine::Isolation { typical } if !(typical > 0.0 && typical.is_finite()) => {
                Err(FormError::Range { name: "typical", rule: "above 0" })
            }
            Combine::Isolation { .. } if !self.value.iter().all(|value| *value <= 0.0) => {
                Err(FormError::Range { name: "value", rule: "minus the length of a path, for isolation" })
            }
            _ => Ok(()),
        }
    }

    fn check_trees(&self, nodes: usize) -> Result<(), FormError> {
        let ends = self.roots.iter().skip(1).map(|root| *root as usize).chain([nodes]);
        for (start, end) in self.roots.iter().map(|root| *root as usize).zip(ends) {
            for node in start..end {
                let (left, right) = (self.left[node] as usize, self.right[node] as usize);
                if (left, right) == (0, 0) {
                    continue;
                }
                if left <= node || right <= node || left >= end || right >= end {
                    return Err(FormError::Child { node });
                }
                if self.feature[node] >= self.width {
                    return Err(FormError::Feature { node, feature: self.feature[node], width: self.width });
                }
            }
        }
        Ok(())
    }
}

impl TryFrom<FlatForest> for Forest {
    type Error = FormError;

    fn try_from(flat: FlatForest) -> Result<Self, FormError> {
        flat.check()?;
        let node = |node: usize| {
            let (left, right) = (flat.left[node], flat.right[node]);
            if (left, right) == (0, 0) {
                return Node { number: flat.value[node], children: [node as u32; 2], feature: LEAF };
            }
            let missing = if flat.missing_left[node] { MISSING_LEFT } else { 0 };
            Node { number: flat.threshold[node], children: [left, right], feature: flat.feature[node] | missing }
        };
        let nodes = (0..flat.value.len()).map(node).collect();
        let depths = flat.depths();
        Ok(Self { width: flat.width, combine: flat.combine, nodes, depths, roots: flat.roots, cover: flat.cover })
    }
}

impl From<Forest> for FlatForest {
    fn from(forest: Forest) -> Self {
        let mut flat = Self::new(forest.width, forest.combine);
        for node in &forest.nodes {
            if node.feature == LEAF {
                flat.push_leaf(node.number, 0.0);
            } else {
                let missing_left = node.feature & MISSING_LEFT != 0;
                flat.push_split(node.feature & !MISSING_LEFT, node.number, node.children, missing_left, 0.0);
            }
        }
        flat.roots = forest.roots;
        flat.cover = forest.cover;
        flat
    }
}
