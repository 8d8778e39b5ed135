//! The graph once more, flat: what the search for routes runs over.

use petgraph::{
    graph::{NodeIndex, UnGraph},
    visit::EdgeRef,
};

use crate::{
    topology::{Demand, Link, Node},
    units::to_nanos,
};

/// A link in one of its directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hop(u32);

impl Hop {
    /// Forward is from the link's source to its target.
    pub fn new(link: usize, is_forward: bool) -> Self {
        Self((link as u32) << 1 | u32::from(!is_forward))
    }

    pub fn link(self) -> usize {
        (self.0 >> 1) as usize
    }

    /// Its place in tables of two entries per link.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    pub fn reversed(self) -> Self {
        Self(self.0 ^ 1)
    }
}

/// A way out of a node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arc {
    pub to: u32,
    pub hop: Hop,
    pub nanos: u64,
}

/// Demands whose routes are read off one tree.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub root: usize,
    /// A demand, the end that is not the root, and whether the root is its source.
    pub demands: Vec<(usize, usize, bool)>,
}

/// Arcs by node, the heads of hops, and the demands by root.
#[derive(Debug, Clone)]
pub(crate) struct Fabric {
    /// Where the arcs of a node begin; one entry more than there are nodes.
    starts: Vec<u32>,
    arcs: Vec<Arc>,
    /// Where a hop leads to.
    heads: Vec<u32>,
    groups: Vec<Group>,
}

impl Fabric {
    pub fn new(graph: &UnGraph<Node, Link>, demands: &[Demand]) -> Self {
        let mut starts = Vec::with_capacity(graph.node_count() + 1);
        let mut arcs = Vec::with_capacity(2 * graph.edge_count());
        starts.push(0);
        for node in graph.node_indices() {
            let first = arcs.len();
            arcs.extend(graph.edges(node).map(|edge| Arc {
                to: edge.target().index() as u32,
                hop: Hop::new(edge.id().index(), edge.weight().source == node),
                nanos: to_nanos(edge.weight().latency_ms),
            }));
            if let Some(of_node) = arcs.get_mut(first..) {
                of_node.sort_by_key(|arc| arc.hop);
            }
            starts.push(arcs.len() as u32);
        }
        let heads = graph.raw_edges().iter().flat_map(|edge| [edge.weight.target, edge.weight.source]);
        let heads = heads.map(|node| node.index() as u32).collect();
        Self { starts, arcs, heads, groups: group(graph.node_count(), demands) }
    }

    pub fn node_count(&self) -> usize {
        self.starts.len() - 1
    }

    /// The ways out of a node, by link.
    pub fn arcs(&self, node: usize) -> &[Arc] {
        let start = |node: usize| self.starts.get(node).map_or(0, |start| *start as usize);
        self.arcs.get(start(node)..start(node + 1)).unwrap_or_default()
    }

    /// The node a hop leads to.
    pub fn head(&self, hop: Hop) -> usize {
        self.heads.get(hop.index()).map_or(0, |node| *node as usize)
    }

    pub fn groups(&self) -> &[Group] {
        &self.groups
    }
}

/// Puts each demand under the end that more demands share, so that few trees serve all.
fn group(node_count: usize, demands: &[Demand]) -> Vec<Group> {
    let mut shared = vec![0_u32; node_count];
    for end in demands.iter().flat_map(|demand| [demand.source, demand.target]) {
        if let Some(count) = shared.get_mut(end.index()) {
            *count += 1;
        }
    }
    let weight = |node: NodeIndex| (shared.get(node.index()).copied().unwrap_or(0), std::cmp::Reverse(node));
    let mut by_root: Vec<Vec<(usize, usize, bool)>> = vec![Vec::new(); node_count];
    for (index, demand) in demands.iter().enumerate() {
        let is_source = weight(demand.source) >= weight(demand.target);
        let (root, other) = if is_source { (demand.source, demand.target) } else { (demand.target, demand.source) };
        if let Some(of_root) = by_root.get_mut(root.index()) {
            of_root.push((index, other.index(), is_source));
        }
    }
    let groups = by_root.into_iter().enumerate().filter(|(_, demands)| !demands.is_empty());
    groups.map(|(root, demands)| Group { root, demands }).collect()
}
