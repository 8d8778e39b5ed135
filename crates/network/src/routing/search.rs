//! Cheapest routes from one node, with room for reuse.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{Arc, Fabric, Hop};

/// What a route costs: risk first where it is counted at all, then latency, then links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cost {
    pub risk: u64,
    pub nanos: u64,
    pub hops: u32,
}

impl Cost {
    const ZERO: Self = Self { risk: 0, nanos: 0, hops: 0 };
    const UNKNOWN: Self = Self { risk: u64::MAX, nanos: u64::MAX, hops: u32::MAX };
}

#[derive(Debug, Clone, Copy)]
struct Label {
    cost: Cost,
    /// The arc it was reached by: the node before and the hop.
    before: Option<(u32, Hop)>,
}

const UNREACHED: Label = Label { cost: Cost::UNKNOWN, before: None };

/// A tree of cheapest routes.
#[derive(Debug, Default)]
pub(crate) struct Search {
    labels: Vec<Label>,
    queue: BinaryHeap<Reverse<(Cost, u32)>>,
}

impl Search {
    /// Grows the tree from `root` over the arcs that `risk` gives a price, until `is_last` says so of the node that has just
    /// been settled.
    pub fn grow(
        &mut self,
        fabric: &Fabric,
        root: usize,
        risk: impl Fn(usize, &Arc) -> Option<u64>,
        mut is_last: impl FnMut(usize) -> bool,
    ) {
        self.labels.clear();
        self.labels.resize(fabric.node_count(), UNREACHED);
        self.queue.clear();
        if let Some(label) = self.labels.get_mut(root) {
            label.cost = Cost::ZERO;
            self.queue.push(Reverse((Cost::ZERO, root as u32)));
        }
        while let Some(Reverse((cost, node))) = self.queue.pop() {
            let from = node as usize;
            if self.labels.get(from).is_none_or(|label| label.cost < cost) {
                continue;
            }
            if is_last(from) {
                return;
            }
            for arc in fabric.arcs(from) {
                let (Some(risk), Some(label)) = (risk(from, arc), self.labels.get_mut(arc.to as usize)) else { continue };
                let reached = Cost {
                    risk: cost.risk.saturating_add(risk),
                    nanos: cost.nanos.saturating_add(arc.nanos),
                    hops: cost.hops + 1,
                };
                let is_tie = reached == label.cost && label.before.is_some_and(|(_, hop)| arc.hop < hop);
                if is_tie {
                    label.before = Some((node, arc.hop));
                } else if reached < label.cost {
                    *label = Label { cost: reached, before: Some((node, arc.hop)) };
                    self.queue.push(Reverse((reached, arc.to)));
                }
            }
        }
    }

    /// What it costs to get to a node; none if the tree does not reach it.
    pub fn cost(&self, node: usize) -> Option<Cost> {
        self.labels.get(node).map(|label| label.cost).filter(|cost| *cost != Cost::UNKNOWN)
    }

    /// The hops from `node` back to the root, last first, each in the direction away from the root.
    pub fn back_from(&self, node: usize) -> impl Iterator<Item = Hop> {
        let mut at = node;
        std::iter::from_fn(move || {
            let (before, hop) = self.labels.get(at)?.before?;
            at = before as usize;
            Some(hop)
        })
    }
}
