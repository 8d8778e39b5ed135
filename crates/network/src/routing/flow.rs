//! How much fits between two nodes if every route may be used.

use petgraph::{
    algo::dinics,
    graph::{DiGraph, NodeIndex},
};

use crate::{
    topology::Topology,
    units::{to_bps, to_mbps},
};

/// The maximum flow between two nodes over the capacities of the links; none if they are one node or not of the topology.
pub fn max_flow_mbps(topology: &Topology, source: NodeIndex, target: NodeIndex) -> Option<f64> {
    let graph = topology.graph();
    if source == target || !graph.node_indices().any(|node| node == source) || !graph.node_indices().any(|node| node == target) {
        return None;
    }
    let mut arcs: DiGraph<(), u64> = DiGraph::with_capacity(graph.node_count(), 2 * graph.edge_count());
    for _ in graph.node_indices() {
        arcs.add_node(());
    }
    for link in topology.links() {
        let capacity = to_bps(link.capacity_mbps);
        arcs.add_edge(link.source, link.target, capacity);
        arcs.add_edge(link.target, link.source, capacity);
    }
    let (bps, _) = dinics(&arcs, source, target);
    Some(to_mbps(bps))
}
