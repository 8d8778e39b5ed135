//! A topology that can be routed over: every id is unique, every end exists, every number makes sense.

use std::collections::HashMap;

use petgraph::{
    algo::connected_components,
    graph::{EdgeIndex, NodeIndex, UnGraph},
};
use serde::{Deserialize, Serialize};

use super::{Derivation, Quantity, TopologyError};
use crate::routing::Fabric;

/// What a node is for, by the names the files use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NodeKind {
    /// Carries transit of others.
    #[serde(rename = "CORE")]
    Core,
    /// Collects traffic of edges.
    #[serde(rename = "AGG")]
    Aggregation,
    /// Where traffic begins and ends.
    #[serde(rename = "EDGE")]
    Edge,
}

/// A place where links meet.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Unique among nodes.
    pub id: String,
    /// What people call it; not unique.
    pub label: String,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// Nodes of one site share it.
    pub site: String,
    /// What it is for.
    pub kind: NodeKind,
    /// What it can switch, where stated.
    pub capacity_mbps: Option<f64>,
}

/// A two-way connection with its capacity in either direction. Several may join the same nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Unique among links.
    pub id: String,
    /// Where its forward direction begins.
    pub source: NodeIndex,
    /// Where its forward direction ends.
    pub target: NodeIndex,
    /// Of either direction.
    pub capacity_mbps: f64,
    /// Of either direction.
    pub latency_ms: f64,
    /// The measured share of the capacity in use, where stated.
    pub utilisation: Option<f64>,
}

/// A flow that wants to get from one node to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Demand {
    /// Unique among demands: `FLOW_<source>_<target>` unless stated.
    pub id: String,
    /// Where it begins.
    pub source: NodeIndex,
    /// Where it ends.
    pub target: NodeIndex,
    /// Its offered rate.
    pub mbps: f64,
    /// Served before others where capacity is short, and planned for first.
    pub is_critical: bool,
}

/// A checked network: nodes, links, demands, and a note on every value that its file did not state.
///
/// A link's index is its position in [`links`](Self::links), a node's in [`nodes`](Self::nodes).
#[derive(Debug, Clone)]
pub struct Topology {
    name: String,
    graph: UnGraph<Node, Link>,
    demands: Vec<Demand>,
    derived: Vec<Derivation>,
    node_by_id: HashMap<String, NodeIndex>,
    link_by_id: HashMap<String, EdgeIndex>,
    demand_by_id: HashMap<String, usize>,
    fabric: Fabric,
}

impl Topology {
    /// Puts checked parts together. Links and demands must end at given nodes.
    pub(super) fn assemble(
        name: String,
        nodes: Vec<Node>,
        links: Vec<Link>,
        demands: Vec<Demand>,
        derived: Vec<Derivation>,
    ) -> Result<Self, TopologyError> {
        let mut graph = UnGraph::with_capacity(nodes.len(), links.len());
        let mut node_by_id = HashMap::with_capacity(nodes.len());
        for node in nodes {
            let id = node.id.clone();
            unique("node", node_by_id.insert(id.clone(), graph.add_node(node)).is_none(), id)?;
        }
        let mut link_by_id = HashMap::with_capacity(links.len());
        for link in links {
            let id = link.id.clone();
            let index = graph.add_edge(link.source, link.target, link);
            unique("link", link_by_id.insert(id.clone(), index).is_none(), id)?;
        }
        let mut demand_by_id = HashMap::with_capacity(demands.len());
        for (index, demand) in demands.iter().enumerate() {
            unique("demand", demand_by_id.insert(demand.id.clone(), index).is_none(), demand.id.clone())?;
        }
        let fabric = Fabric::new(&graph, &demands);
        Ok(Self { name, graph, demands, derived, node_by_id, link_by_id, demand_by_id, fabric })
    }

    /// What the network is called; may be empty.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn set_name(&mut self, name: String) {
        self.name = name;
    }

    /// The network as a graph, for algorithms of petgraph's.
    pub fn graph(&self) -> &UnGraph<Node, Link> {
        &self.graph
    }

    /// The nodes, by index.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &Node> {
        self.graph.raw_nodes().iter().map(|node| &node.weight)
    }

    /// The links, by index.
    pub fn links(&self) -> impl ExactSizeIterator<Item = &Link> {
        self.graph.raw_edges().iter().map(|edge| &edge.weight)
    }

    /// The flows, in the order in which results list them.
    pub fn demands(&self) -> &[Demand] {
        &self.demands
    }

    /// What the file did not state and how it was come by.
    pub fn derived(&self) -> &[Derivation] {
        &self.derived
    }

    /// Was this quantity of this node, link or demand derived?
    pub fn is_derived(&self, quantity: Quantity, id: &str) -> bool {
        let notes = self.derived.iter().filter(|note| note.quantity == quantity);
        notes.flat_map(|note| &note.subjects).any(|subject| subject == id)
    }

    /// The node with this id.
    pub fn node(&self, id: &str) -> Option<NodeIndex> {
        self.node_by_id.get(id).copied()
    }

    /// The link with this id.
    pub fn link(&self, id: &str) -> Option<EdgeIndex> {
        self.link_by_id.get(id).copied()
    }

    /// The position of the demand with this id.
    pub fn demand(&self, id: &str) -> Option<usize> {
        self.demand_by_id.get(id).copied()
    }

    /// How many parts the network falls into; 1 if every node reaches every other.
    pub fn component_count(&self) -> usize {
        connected_components(&self.graph)
    }

    pub(crate) fn fabric(&self) -> &Fabric {
        &self.fabric
    }

    /// Multiplies every demand, for [`super::gravity`].
    pub(super) fn scale_demands(&mut self, factor: f64) {
        for demand in &mut self.demands {
            demand.mbps = super::derive::to_kbps(demand.mbps * factor);
        }
    }

    /// Multiplies every capacity, for [`super::derive`].
    pub(super) fn scale_capacities(&mut self, factor: f64) {
        for link in self.graph.edge_weights_mut() {
            link.capacity_mbps = super::derive::to_kbps(link.capacity_mbps * factor);
        }
    }

    /// Marks demands as critical, and adds the note that says so.
    pub(super) fn mark_critical(&mut self, demands: &[usize], note: Derivation) {
        for demand in demands {
            if let Some(demand) = self.demands.get_mut(*demand) {
                demand.is_critical = true;
            }
        }
        self.derived.push(note);
    }

    pub(super) fn add_note(&mut self, note: Derivation) {
        self.derived.push(note);
    }
}

fn unique(what: &'static str, is_new: bool, id: String) -> Result<(), TopologyError> {
    if is_new { Ok(()) } else { Err(TopologyError::Duplicate { what, id }) }
}
