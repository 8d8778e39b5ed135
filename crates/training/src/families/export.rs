//! From the trees of a library to the flat forest of the scoring form.
//!
//! smartcore keeps its trees to itself but serialises them; what is read here is its serialised form. Its nodes send a row left
//! at `number <= split`, the scoring form at `number < threshold`: the next double above the split says the same.

use lakehouse_models::FlatForest;
use serde::Deserialize;

/// smartcore's `RandomForestRegressor`, as far as scoring needs it.
#[derive(Debug, Deserialize)]
pub(super) struct SmartcoreRegressor {
    forest_regressor: SmartcoreForest,
}

#[derive(Debug, Deserialize)]
struct SmartcoreForest {
    trees: Vec<SmartcoreTree>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SmartcoreTree {
    nodes: Vec<SmartcoreNode>,
}

#[derive(Debug, Deserialize)]
struct SmartcoreNode {
    output: f64,
    split_feature: u32,
    split_value: Option<f64>,
    true_child: Option<u32>,
    false_child: Option<u32>,
}

impl SmartcoreRegressor {
    pub(super) fn into_trees(self) -> Vec<SmartcoreTree> {
        self.forest_regressor.trees
    }
}

impl SmartcoreTree {
    /// Adds the tree to `forest`. Absent goes left: it was fitted as a number below all others.
    pub(super) fn push_to(&self, forest: &mut FlatForest) {
        forest.start_tree();
        let start = forest.next_node();
        for node in &self.nodes {
            match (node.split_value, node.true_child, node.false_child) {
                (Some(split), Some(left), Some(right)) => {
                    forest.push_split(node.split_feature, split.next_up(), [start + left, start + right], true);
                }
                // Means of zeros and ones may leave the range by rounding.
                _ => forest.push_leaf(node.output.clamp(0.0, 1.0)),
            }
        }
    }
}

/// Adds a tree of forust to `forest`; `columns` maps its features to the encoder's numbers.
pub(super) fn push_forust_tree(tree: &forust_ml::tree::Tree, columns: &[u32], forest: &mut FlatForest) {
    forest.start_tree();
    let start = forest.next_node();
    let position = |node: usize| start + u32::try_from(node).unwrap_or(u32::MAX - start);
    for node in &tree.nodes {
        if node.is_leaf {
            forest.push_leaf(f64::from(node.weight_value));
            continue;
        }
        let feature = columns.get(node.split_feature).copied().unwrap_or(u32::MAX);
        let children = [position(node.left_child), position(node.right_child)];
        forest.push_split(feature, node.split_value, children, node.missing_node == node.left_child);
    }
}
