//! What is up, how wide it is, and what is asked of it: a scenario by index instead of by name.

use crate::{routing::Hop, topology::Topology, units::to_bps};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeState {
    Up,
    /// Its own flows begin and end there, others go round.
    NoTransit,
    Down,
}

#[derive(Debug, Clone)]
pub(crate) struct Conditions {
    /// Per link; 0 if it is down.
    pub capacity_bps: Vec<u64>,
    pub nodes: Vec<NodeState>,
    /// Per demand.
    pub demand_bps: Vec<u64>,
    /// Routes that flows are held to, per demand. One that leads over something that is down does not hold.
    pub pins: Vec<Option<Vec<Hop>>>,
}

impl Conditions {
    /// Everything as the topology has it.
    pub fn nominal(topology: &Topology) -> Self {
        Self {
            capacity_bps: topology.links().map(|link| to_bps(link.capacity_mbps)).collect(),
            nodes: vec![NodeState::Up; topology.nodes().len()],
            demand_bps: topology.demands().iter().map(|demand| to_bps(demand.mbps)).collect(),
            pins: vec![None; topology.demands().len()],
        }
    }

    pub fn capacity(&self, link: usize) -> u64 {
        self.capacity_bps.get(link).copied().unwrap_or(0)
    }

    pub fn demand(&self, demand: usize) -> u64 {
        self.demand_bps.get(demand).copied().unwrap_or(0)
    }

    pub fn node(&self, node: usize) -> NodeState {
        self.nodes.get(node).copied().unwrap_or(NodeState::Down)
    }

    /// Whether a flow that began at `root` may go from `from` over `link` to `to`.
    pub fn may_pass(&self, root: usize, from: usize, link: usize, to: usize) -> bool {
        self.capacity(link) > 0
            && self.node(to) != NodeState::Down
            && match self.node(from) {
                NodeState::Up => true,
                NodeState::NoTransit => from == root,
                NodeState::Down => false,
            }
    }
}
