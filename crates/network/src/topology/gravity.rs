//! Demands for a network that states none.

use std::cmp::Reverse;

use petgraph::{graph::NodeIndex, unionfind::UnionFind};

use super::{Demand, Derivation, DerivationSettings, Link, Node, Quantity, Topology, derive};

const RULE: &str = "by gravity: in proportion to the product of the links at both ends";

/// Demands in both directions between each node and the best connected nodes of its part of the network. Their rates are
/// only right relative to each other; [`fit`] scales them.
pub(super) fn demands(nodes: &[Node], links: &[Link], settings: &DerivationSettings) -> Vec<Demand> {
    let mut degrees = vec![0_u64; nodes.len()];
    let mut parts = UnionFind::<usize>::new(nodes.len());
    for end in links.iter().flat_map(|link| [link.source, link.target]) {
        if let Some(degree) = degrees.get_mut(end.index()) {
            *degree += 1;
        }
    }
    for link in links {
        parts.union(link.source.index(), link.target.index());
    }
    let part_of = parts.into_labeling();
    // By part, and the best connected first within it.
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_key(|node| (part_of.get(*node), Reverse(degrees.get(*node)), *node));
    let hubs_per_part = (settings.most_demands / nodes.len().max(1) / 2).max(1);
    let mut demands = Vec::new();
    for part in order.chunk_by(|one, other| part_of.get(*one) == part_of.get(*other)) {
        for (position, hub) in part.iter().enumerate().take(hubs_per_part) {
            for other in part.iter().skip(position + 1) {
                let weight = |node: &usize| degrees.get(*node).copied().unwrap_or(0);
                let mbps = (weight(hub) * weight(other)) as f64;
                demands.extend([(hub, other), (other, hub)].map(|(source, target)| demand(nodes, *source, *target, mbps)));
            }
        }
    }
    demands.sort_by_key(|demand| (demand.source, demand.target));
    demands
}

fn demand(nodes: &[Node], source: usize, target: usize, mbps: f64) -> Demand {
    let id = |node: usize| nodes.get(node).map_or("", |node| node.id.as_str());
    let (source_index, target_index) = (NodeIndex::new(source), NodeIndex::new(target));
    let id = flow_id(id(source), id(target));
    Demand { id, source: source_index, target: target_index, mbps, is_critical: false }
}

/// What a flow is called that has no name of its own.
pub(super) fn flow_id(source: &str, target: &str) -> String {
    format!("FLOW_{source}_{target}")
}

/// Scales the demands to the capacities, and says so.
pub(super) fn fit(topology: &mut Topology, settings: &DerivationSettings) {
    let factor = derive::fit(topology, settings).unwrap_or(1.0);
    topology.scale_demands(factor);
    let subjects = topology.demands().iter().map(|demand| demand.id.clone()).collect();
    topology.add_note(Derivation { quantity: Quantity::Demand, rule: RULE.to_owned(), subjects });
}

/// Makes the largest tenth critical.
pub(super) fn mark_critical(topology: &mut Topology) {
    let demands = topology.demands();
    let mut order: Vec<usize> = (0..demands.len()).collect();
    let rate = |position: &usize| demands.get(*position).map_or(0.0, |demand| demand.mbps);
    order.sort_by(|one, other| rate(other).total_cmp(&rate(one)).then(one.cmp(other)));
    order.truncate(demands.len().div_ceil(10));
    order.sort_unstable();
    let subjects = demands.iter().map(|demand| demand.id.clone()).collect();
    let rule = "the largest tenth is critical, as none is said to be".to_owned();
    topology.mark_critical(&order, Derivation { quantity: Quantity::Criticality, rule, subjects });
}
