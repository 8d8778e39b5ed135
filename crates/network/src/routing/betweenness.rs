//! How many shortest routes lead over a node.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::Fabric;
use crate::topology::Topology;

/// Betweenness centrality by Brandes' algorithm, by latency, normalised to the share of the other pairs of nodes; one value
/// per node. Of parallel links the shortest counts, once.
pub fn betweenness(topology: &Topology) -> Vec<f64> {
    let neighbours = neighbours(topology.fabric());
    let count = neighbours.len();
    let mut centrality = vec![0.0; count];
    let mut pass = Pass::default();
    for source in 0..count {
        pass.find(&neighbours, source);
        pass.collect(source, &mut centrality);
    }
    let pairs = (count.saturating_sub(1) * count.saturating_sub(2)).max(1) as f64;
    centrality.iter_mut().for_each(|value| *value /= pairs);
    centrality
}

/// Per node, where its links lead to and how far that is.
type Neighbours = Vec<Vec<(usize, u64)>>;

fn neighbours(fabric: &Fabric) -> Neighbours {
    let of = |node: usize| {
        let mut arcs: Vec<(usize, u64)> = fabric.arcs(node).iter().map(|arc| (arc.to as usize, arc.nanos)).collect();
        arcs.sort_unstable();
        arcs.dedup_by_key(|(to, _)| *to);
        arcs
    };
    (0..fabric.node_count()).map(of).collect()
}

#[derive(Default, Clone)]
struct Visit {
    nanos: Option<u64>,
    /// How many shortest routes lead here.
    routes: f64,
    before: Vec<usize>,
    /// The share of routes that lead on from here.
    dependency: f64,
    is_settled: bool,
}

/// The shortest routes from one source.
#[derive(Default)]
struct Pass {
    visits: Vec<Visit>,
    /// Nodes in the order in which they were settled.
    order: Vec<usize>,
    queue: BinaryHeap<Reverse<(u64, usize)>>,
}

impl Pass {
    fn find(&mut self, neighbours: &Neighbours, source: usize) {
        self.visits.clear();
        self.visits.resize(neighbours.len(), Visit::default());
        self.order.clear();
        if let Some(visit) = self.visits.get_mut(source) {
            *visit = Visit { nanos: Some(0), routes: 1.0, ..Visit::default() };
            self.queue.push(Reverse((0, source)));
        }
        while let Some(Reverse((nanos, node))) = self.queue.pop() {
            let Some(visit) = self.visits.get_mut(node).filter(|visit| !visit.is_settled) else { continue };
            visit.is_settled = true;
            let routes = visit.routes;
            self.order.push(node);
            for (to, length) in neighbours.get(node).into_iter().flatten() {
                let (reached, Some(next)) = (nanos.saturating_add(*length), self.visits.get_mut(*to)) else { continue };
                if next.nanos.is_none_or(|known| reached < known) {
                    *next = Visit { nanos: Some(reached), routes, before: vec![node], ..Visit::default() };
                    self.queue.push(Reverse((reached, *to)));
                } else if next.nanos == Some(reached) && !next.is_settled {
                    next.routes += routes;
                    next.before.push(node);
                }
            }
        }
    }

    /// Hands the dependencies back along the routes, farthest node first.
    fn collect(&mut self, source: usize, centrality: &mut [f64]) {
        for node in self.order.iter().rev() {
            let Some(visit) = self.visits.get_mut(*node) else { continue };
            let (before, share) = (std::mem::take(&mut visit.before), (1.0 + visit.dependency) / visit.routes);
            if *node != source
                && let Some(value) = centrality.get_mut(*node)
            {
                *value += visit.dependency;
            }
            for node in before {
                if let Some(visit) = self.visits.get_mut(node) {
                    visit.dependency += visit.routes * share;
                }
            }
        }
    }
}
