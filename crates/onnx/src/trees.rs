//! `TreeEnsembleClassifier` and `TreeEnsembleRegressor` as our forest.
//!
//! How leaves become scores follows the reference runtime where the specification is silent:
//! <https://github.com/microsoft/onnxruntime>, `tree_ensemble_aggregator.h`.

use std::collections::BTreeMap;

use lakehouse_models::{Combine, FlatForest, Forest, ScoringForm};

use crate::{ImportError, chain::Chain, graph::Tensor, proto::NodeProto};

/// How far outside of 0 to 1 rounding to single precision may put a probability.
const ROUNDING: f64 = 1e-4;
/// Any weight: the rows a node was fitted on are not in the file, and are counted when there is a sample.
const UNKNOWN_COVER: f64 = 1.0;

/// Two classes, with leaves for one of them or for both.
pub fn classifier(node: &NodeProto<'_>, chains: &[Chain]) -> Result<Tensor, ImportError> {
    let classes = node.integers("classlabels_int64s").len() + node.texts("classlabels_strings").len();
    if classes != 2 {
        return Err(node.refuse(format!("it has {classes} classes instead of two")));
    }
    let ids = node.integers("class_ids");
    let has_both = ids.contains(&0) && ids.contains(&1);
    let transform = node.text("post_transform", "NONE");
    // With leaves for both classes, the logistic function and the identity look at the positive one alone.
    let weight_of = |id: i64, weight: f64| match (has_both, id, transform) {
        (true, 0, "SOFTMAX") => Ok(-weight),
        (true, 0, _) => Ok(0.0),
        (_, 0 | 1, _) => Ok(weight),
        _ => Err(ImportError::Corrupt("a leaf is for a class that does not exist")),
    };
    let base = match (node.floats("base_values"), has_both, transform) {
        ([], ..) => 0.0,
        ([one], false, _) => f64::from(*one),
        ([_, positive], false, _) | ([_, positive], true, "NONE" | "LOGISTIC") => f64::from(*positive),
        ([negative, positive], true, "SOFTMAX") => f64::from(*positive) - f64::from(*negative),
        _ => return Err(node.refuse("its base values are not those of two classes")),
    };
    let leaves = leaves(node, "class", weight_of)?;
    let is_boosted = match transform {
        "NONE" => false,
        "LOGISTIC" => true,
        "SOFTMAX" if has_both => true,
        other => return Err(node.refuse(format!("its scores go through {other}"))),
    };
    forest(node, chains, &leaves, base, is_boosted)
}

/// One target, which has to be a probability or the log-odds of one.
pub fn regressor(node: &NodeProto<'_>, chains: &[Chain]) -> Result<Tensor, ImportError> {
    if node.integer("n_targets", 1) != 1 {
        return Err(node.refuse("it has several targets"));
    }
    let base = match node.floats("base_values") {
        [] => 0.0,
        [one] => f64::from(*one),
        _ => return Err(node.refuse("it has several base values")),
    };
    let mut leaves = leaves(node, "target", |_, weight| Ok(weight))?;
    match node.text("aggregate_function", "SUM") {
        "SUM" => {}
        "AVERAGE" => {
            let trees = node.integers("nodes_treeids").iter().collect::<std::collections::BTreeSet<_>>().len();
            leaves.values_mut().for_each(|value| *value /= trees.max(1) as f64);
        }
        other => return Err(node.refuse(format!("its trees are combined by {other}"))),
    }
    match node.text("post_transform", "NONE") {
        "NONE" => forest(node, chains, &leaves, base, false),
        "LOGISTIC" => forest(node, chains, &leaves, base, true),
        other => Err(node.refuse(format!("its scores go through {other}"))),
    }
}

/// Tree and node → what the leaf adds.
type Leaves = BTreeMap<(i64, i64), f64>;

fn leaves(
    node: &NodeProto<'_>,
    kind: &str,
    weight_of: impl Fn(i64, f64) -> Result<f64, ImportError>,
) -> Result<Leaves, ImportError> {
    let list = |name: &str| node.integers(&format!("{kind}_{name}"));
    let (trees, nodes, ids) = (list("treeids"), list("nodeids"), list("ids"));
    let weights = node.floats(&format!("{kind}_weights"));
    if [trees.len(), nodes.len(), ids.len()].iter().any(|length| *length != weights.len()) {
        return Err(node.refuse("its leaves have lists of different lengths, or weights of double precision"));
    }
    let mut leaves = Leaves::new();
    for (((tree, at), id), weight) in trees.iter().zip(nodes).zip(ids).zip(weights) {
        *leaves.entry((*tree, *at)).or_default() += weight_of(*id, f64::from(*weight))?;
    }
    Ok(leaves)
}

fn forest(node: &NodeProto<'_>, chains: &[Chain], leaves: &Leaves, base: f64, is_boosted: bool) -> Result<Tensor, ImportError> {
    let nodes = Nodes::read(node, chains)?;
    let roots = nodes.roots();
    let combine = if is_boosted { Combine::Sum { base } } else { Combine::Mean { odds_factor: 1.0 } };
    let width = chains.iter().map(|chain| chain.number + 1).max().unwrap_or(0);
    let mut flat = FlatForest::new(width, combine);
    let (count, mut visited) = (roots.len() as f64, 0);
    // The mean of the trees is the sum of what each adds, so a leaf holds as much of the whole as all trees would add.
    let value_of = |leaf: f64| if is_boosted { Ok(leaf) } else { probability(node, leaf * count + base) };
    for root in roots {
        flat.start_tree();
        nodes.push_tree(root, &mut flat, &mut visited, |at| value_of(leaves.get(&at).copied().unwrap_or(0.0)))?;
    }
    let form = ScoringForm::Forest(Forest::try_from(flat)?);
    Ok(Tensor::Probability(Box::new(form)))
}

fn probability(node: &NodeProto<'_>, value: f64) -> Result<f64, ImportError> {
    if (-ROUNDING..=1.0 + ROUNDING).contains(&value) {
        Ok(value.clamp(0.0, 1.0))
    } else {
        Err(node.refuse(format!("a leaf stands for {value}, which is no probability, and no function makes it one")))
    }
}

/// The nodes of all trees.
struct Nodes<'a> {
    node: &'a NodeProto<'a>,
    chains: &'a [Chain],
    /// Tree and node → its place in the lists.
    places: BTreeMap<(i64, i64), usize>,
}

const KNOWN: [&str; 28] = [
    "aggregate_function",
    "base_values",
    "class_ids",
    "class_nodeids",
    "class_treeids",
    "class_weights",
    "classlabels_int64s",
    "classlabels_strings",
    "domain",
    "n_targets",
    "name",
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_hitrates",
    "nodes_missing_value_tracks_true",
    "nodes_modes",
    "nodes_nodeids",
    "nodes_treeids",
    "nodes_truenodeids",
    "nodes_values",
    "post_transform",
    "target_ids",
    "target_nodeids",
    "target_treeids",
    "target_weights",
    "doc_string",
    "op_type",
    "version",
];

impl<'a> Nodes<'a> {
    fn read(node: &'a NodeProto<'a>, chains: &'a [Chain]) -> Result<Self, ImportError> {
        node.check_attributes(&KNOWN)?;
        let (trees, ids) = (node.integers("nodes_treeids"), node.integers("nodes_nodeids"));
        let lengths = ["nodes_featureids", "nodes_falsenodeids", "nodes_truenodeids", "nodes_nodeids"];
        let is_whole = lengths.iter().all(|name| node.integers(name).len() == trees.len())
            && node.texts("nodes_modes").len() == trees.len()
            && node.floats("nodes_values").len() == trees.len()
            && [0, trees.len()].contains(&node.integers("nodes_missing_value_tracks_true").len());
        if !is_whole {
            return Err(node.refuse("its nodes have lists of different lengths, or values of double precision"));
        }
        let places: BTreeMap<(i64, i64), usize> =
            trees.iter().copied().zip(ids.iter().copied()).enumerate().map(|(place, at)| (at, place)).collect();
        if places.len() == trees.len() { Ok(Self { node, chains, places }) } else { Err(node.refuse("a node stands twice")) }
    }

    /// The first node of each tree, in the order of the file: the one that no other leads to.
    fn roots(&self) -> Vec<(i64, i64)> {
        let [falses, trues] = ["nodes_falsenodeids", "nodes_truenodeids"].map(|name| self.node.integers(name));
        let trees = self.node.integers("nodes_treeids");
        let branches = self.places.iter().filter(|(_, place)| !self.is_leaf(**place));
        let children: std::collections::BTreeSet<(i64, i64)> =
            branches.flat_map(|(at, place)| [falses, trues].map(|list| (at.0, list[*place]))).collect();
        let in_order = trees.iter().copied().zip(self.node.integers("nodes_nodeids").iter().copied());
        in_order.filter(|at| !children.contains(at)).collect()
    }

    fn is_leaf(&self, place: usize) -> bool {
        self.node.texts("nodes_modes").get(place) == Some(&b"LEAF".as_slice())
    }

    /// Appends a tree, each node before its children.
    fn push_tree(
        &self,
        root: (i64, i64),
        flat: &mut FlatForest,
        visited: &mut usize,
        value_of: impl Fn((i64, i64)) -> Result<f64, ImportError>,
    ) -> Result<(), ImportError> {
        // What is still to be placed, and where its parent waits for its position: the parent's, and which child it is.
        let mut waiting = vec![(root, None)];
        while let Some((at, parent)) = waiting.pop() {
            let place = *self.places.get(&at).ok_or(ImportError::Corrupt("a node leads to one that is not there"))?;
            *visited += 1;
            if *visited > self.places.len() {
                return Err(ImportError::Corrupt("the nodes of a tree go round in a circle"));
            }
            let position = flat.next_node();
            match parent {
                Some((parent, true)) => flat.left[parent] = position,
                Some((parent, false)) => flat.right[parent] = position,
                None => {}
            }
            if self.is_leaf(place) {
                flat.push_leaf(value_of(at)?, UNKNOWN_COVER);
                continue;
            }
            let split = self.split(place)?;
            flat.push_split(split.number, split.threshold, [0, 0], split.missing_left, UNKNOWN_COVER);
            for (child, is_left) in [(split.right, false), (split.left, true)] {
                waiting.push(((at.0, child), Some((position as usize, is_left))));
            }
        }
        Ok(())
    }

    fn split(&self, place: usize) -> Result<Split, ImportError> {
        let node = self.node;
        let feature = node.integers("nodes_featureids")[place];
        let chain = usize::try_from(feature).ok().and_then(|feature| self.chains.get(feature));
        let chain = chain.ok_or(ImportError::Corrupt("a node looks at a column that does not exist"))?;
        let value = f64::from(node.floats("nodes_values")[place]);
        if !value.is_finite() {
            return Err(ImportError::Corrupt("a node's value is not finite"));
        }
        let tracks_true = node.integers("nodes_missing_value_tracks_true").get(place).is_some_and(|flag| *flag != 0);
        let (when_true, when_false) = (node.integers("nodes_truenodeids")[place], node.integers("nodes_falsenodeids")[place]);
        let (threshold, is_left_true) = match node.texts("nodes_modes")[place] {
            b"BRANCH_LEQ" => (chain.first_above(|number| number <= value), true),
            b"BRANCH_LT" => (chain.first_above(|number| number < value), true),
            b"BRANCH_GT" => (chain.first_above(|number| number <= value), false),
            b"BRANCH_GTE" => (chain.first_above(|number| number < value), false),
            other => return Err(node.refuse(format!("a node of mode {}", String::from_utf8_lossy(other)))),
        };
        let (left, right) = if is_left_true { (when_true, when_false) } else { (when_false, when_true) };
        let seen = chain.apply(f64::NAN);
        let missing_left = if seen.is_nan() {
            tracks_true == is_left_true
        } else {
            let imputed = chain.imputed().unwrap_or(seen);
            imputed < threshold
        };
        Ok(Split { number: chain.number, threshold, left, right, missing_left })
    }
}

/// A node with children: rows below the threshold go left.
struct Split {
    number: u32,
    threshold: f64,
    left: i64,
    right: i64,
    missing_left: bool,
}
