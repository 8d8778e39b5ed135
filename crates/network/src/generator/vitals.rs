//! What nodes and links report of themselves.

use lakehouse_generate::Random;

use super::{LinkRow, Millis, NodeRow, Share, episodes::Push, load::Traffic, subject::Stream};
use crate::{Topology, routing::Fabric, topology::NodeKind, units::to_bps};

/// The per mille of load at which a node is at its base values.
const BASE_LOAD: i64 = 650;

/// The utilisation, in ten-thousandths, from which a link queues, and from which it drops.
const QUEUES: i64 = 7_000;
const DROPS: i64 = 8_500;

/// The utilisation, in ten-thousandths, beyond which more load changes nothing.
const FULL: i64 = 15_000;

/// Draws the values of rows.
pub(super) struct Vitals<'a> {
    topology: &'a Topology,
    node_random: Random,
    link_random: Random,
    /// Per node: what its links carry in the busiest hour, and what they can carry.
    nodes: Vec<(u64, u64)>,
    /// Per link: its capacity, and its latency in hundredths of a millisecond.
    links: Vec<(u64, i64)>,
}

impl<'a> Vitals<'a> {
    /// `usual` is the traffic when nothing is out.
    pub fn new(seed: u64, topology: &'a Topology, usual: &Traffic) -> Self {
        let links: Vec<(u64, i64)> =
            topology.links().map(|link| (to_bps(link.capacity_mbps).max(1), (link.latency_ms * 100.0).round() as i64)).collect();
        let capacity = |link: usize| links.get(link).map_or(0, |(capacity, _)| *capacity);
        let of_node = |node: usize| {
            let links = links_of(topology.fabric(), node);
            links.fold((0, 0), |(most, can), link| (most + usual.both_at_most(link), can + capacity(link)))
        };
        Self {
            topology,
            node_random: Stream::Nodes.random(seed),
            link_random: Stream::Links.random(seed),
            nodes: (0..topology.nodes().len()).map(of_node).collect(),
            links,
        }
    }

    /// The utilisation of a link in ten-thousandths; above 10,000 if more is asked of it than it can carry.
    pub fn utilisation(&self, link: usize, traffic: &Traffic) -> i64 {
        let capacity = self.links.get(link).map_or(1, |(capacity, _)| *capacity);
        let utilisation = u128::from(traffic.busiest(link)) * 10_000 / u128::from(capacity);
        i64::try_from(utilisation).unwrap_or(FULL).min(FULL)
    }

    pub fn node(&mut self, node: usize, minute: i64, site_factor: i64, traffic: &Traffic, push: Push) -> Option<NodeRow<'a>> {
        let known = self.topology.graph().raw_nodes().get(node)?;
        let (most, can) = self.nodes.get(node).copied()?;
        let links = || links_of(self.topology.fabric(), node);
        let load = match most {
            0 => site_factor,
            most => per(links().map(|link| traffic.both(link)).sum(), 1_000, most).min(1_500),
        };
        let used = per(links().map(|link| traffic.busiest(link)).sum(), 10_000, can.max(1)).min(FULL);
        let (cpu, mem) = match known.weight.kind {
            NodeKind::Core => (6_000, 6_500),
            NodeKind::Aggregation => (5_000, 5_500),
            NodeKind::Edge => (4_000, 4_500),
        };
        let (above, random) = (load - BASE_LOAD, &mut self.node_random);
        Some(NodeRow {
            minute,
            node_id: &known.weight.id,
            cpu: Share::clamped(cpu + above * 3_000 / (1_000 - BASE_LOAD) + random.bell(400) + push.cpu),
            mem: Share::clamped(mem + above * 500 / (1_000 - BASE_LOAD) + random.bell(250) + push.mem),
            if_util: Share::clamped(used + random.bell(300) + push.if_util),
            pkt_err: Share::clamped(10 + random.waiting(20) + dropped(used) + push.pkt_err),
        })
    }

    pub fn link(&mut self, link: usize, minute: i64, traffic: &Traffic, push: Push, is_out: bool) -> Option<LinkRow<'a>> {
        let known = self.topology.graph().raw_edges().get(link)?;
        let used = self.utilisation(link, traffic);
        let (_, latency) = self.links.get(link).copied()?;
        let random = &mut self.link_random;
        let measured = used + random.bell(200) + push.if_util;
        Some(LinkRow {
            minute,
            link_id: &known.weight.id,
            // What is out carries nothing, but still answers, badly.
            if_util: Share::clamped(if is_out { 0 } else { measured }),
            pkt_err: Share::clamped(5 + random.waiting(10) + dropped(used) + push.pkt_err),
            latency_ms: Millis::clamped(latency + queued(used, latency) + random.bell(latency / 20 + 2) + push.latency),
        })
    }
}

fn links_of(fabric: &Fabric, node: usize) -> impl Iterator<Item = usize> {
    fabric.arcs(node).iter().map(|arc| arc.hop.link())
}

/// `value` in parts of `whole`.
fn per(value: u64, parts: u128, whole: u64) -> i64 {
    i64::try_from(u128::from(value) * parts / u128::from(whole)).unwrap_or(i64::MAX)
}

/// What waiting adds to a latency: nothing below a utilisation of 70 %, 70 % and half a millisecond when full.
fn queued(utilisation: i64, latency: i64) -> i64 {
    let above = (utilisation - QUEUES).max(0);
    above * above * (latency * 7 / 10 + 50) / 9_000_000
}

/// What overflow adds to the errors, in ten-thousandths: nothing below a utilisation of 85 %, 2 % when full.
fn dropped(utilisation: i64) -> i64 {
    let above = (utilisation - DROPS).max(0);
    above * above / 11_250
}

#[cfg(test)]
mod tests {
    use super::{dropped, queued};

    #[test]
    fn a_busy_link_is_slower_and_loses_more() {
        assert_eq!((queued(6_000, 1_000), dropped(8_000)), (0, 0));
        assert_eq!((queued(10_000, 1_000), dropped(10_000)), (750, 200));
        assert!(queued(9_000, 1_000) < queued(9_500, 1_000));
    }
}
