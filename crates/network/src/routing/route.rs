//! Routes of all flows, and the loads they make.

use petgraph::graph::{EdgeIndex, NodeIndex};

use super::{Conditions, Hop, Search};
use crate::{
    topology::Topology,
    units::{to_mbps, to_ms},
};

/// The way of one flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub(crate) hops: Vec<Hop>,
    pub(crate) nanos: u64,
}

impl Route {
    /// The links it takes, from the flow's source to its target.
    pub fn links(&self) -> impl ExactSizeIterator<Item = EdgeIndex> {
        self.hops.iter().map(|hop| EdgeIndex::new(hop.link()))
    }

    /// How long it is.
    pub fn latency_ms(&self) -> f64 {
        to_ms(self.nanos)
    }
}

/// What a link is asked to carry each way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinkLoad {
    /// From its source to its target.
    pub forward_mbps: f64,
    /// From its target to its source.
    pub backward_mbps: f64,
}

/// The routes of all flows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routing {
    /// Per demand.
    pub(crate) routes: Vec<Option<Route>>,
    /// Per hop.
    pub(crate) loads_bps: Vec<u64>,
}

impl Routing {
    /// Routes the demands of a topology as it stands.
    pub fn nominal(topology: &Topology) -> Self {
        Self::compute(topology, &Conditions::nominal(topology))
    }

    pub(crate) fn compute(topology: &Topology, conditions: &Conditions) -> Self {
        let fabric = topology.fabric();
        let mut routing = Self { routes: vec![None; topology.demands().len()], loads_bps: vec![0; 2 * topology.links().len()] };
        let mut search = Search::default();
        let mut is_wanted = vec![false; fabric.node_count()];
        for group in fabric.groups() {
            if conditions.node(group.root) == super::NodeState::Down {
                continue;
            }
            let mut missing = 0;
            for (_, other, _) in &group.demands {
                if let Some(is_wanted) = is_wanted.get_mut(*other) {
                    missing += u32::from(!*is_wanted);
                    *is_wanted = true;
                }
            }
            let may_pass = |from: usize, arc: &super::Arc| {
                conditions.may_pass(group.root, from, arc.hop.link(), arc.to as usize).then_some(0)
            };
            search.grow(fabric, group.root, may_pass, |settled| {
                missing -= u32::from(is_wanted.get_mut(settled).is_some_and(std::mem::take));
                missing == 0
            });
            for (demand, other, is_source) in &group.demands {
                // A search that gave up early leaves marks behind.
                if let Some(is_wanted) = is_wanted.get_mut(*other) {
                    *is_wanted = false;
                }
                routing.put(*demand, read_off(&search, *other, *is_source));
            }
        }
        routing.hold_pins(topology, conditions);
        routing.load(conditions);
        routing
    }

    fn put(&mut self, demand: usize, route: Option<Route>) {
        if let Some(place) = self.routes.get_mut(demand) {
            *place = route;
        }
    }

    /// Puts held routes in the place of found ones, where they can be gone.
    fn hold_pins(&mut self, topology: &Topology, conditions: &Conditions) {
        for ((demand, pin), place) in topology.demands().iter().zip(&conditions.pins).zip(&mut self.routes) {
            if let Some(pin) = pin
                && let Some(route) = walk(topology, conditions, demand.source.index(), pin)
            {
                *place = Some(route);
            }
        }
    }

    fn load(&mut self, conditions: &Conditions) {
        for (route, bps) in self.routes.iter().zip(&conditions.demand_bps) {
            for hop in route.iter().flat_map(|route| &route.hops) {
                if let Some(load) = self.loads_bps.get_mut(hop.index()) {
                    *load += bps;
                }
            }
        }
    }

    /// The route of a demand, by its position; none if it cannot be reached.
    pub fn route(&self, demand: usize) -> Option<&Route> {
        self.routes.get(demand)?.as_ref()
    }

    /// What a link is asked to carry.
    pub fn load_of(&self, link: EdgeIndex) -> LinkLoad {
        let mbps = |is_forward| to_mbps(self.load_bps(Hop::new(link.index(), is_forward)));
        LinkLoad { forward_mbps: mbps(true), backward_mbps: mbps(false) }
    }

    /// The links whose busier direction uses more than this share of their capacity, by index.
    pub fn congested(&self, topology: &Topology, above: f64) -> Vec<EdgeIndex> {
        let is_congested = |(index, capacity_mbps): &(usize, f64)| to_mbps(self.busiest_bps(*index)) > above * capacity_mbps;
        let links = topology.links().map(|link| link.capacity_mbps).enumerate().filter(is_congested);
        links.map(|(index, _)| EdgeIndex::new(index)).collect()
    }

    pub(crate) fn load_bps(&self, hop: Hop) -> u64 {
        self.loads_bps.get(hop.index()).copied().unwrap_or(0)
    }

    /// The load of a link in its busier direction.
    pub(crate) fn busiest_bps(&self, link: usize) -> u64 {
        self.load_bps(Hop::new(link, true)).max(self.load_bps(Hop::new(link, false)))
    }
}

/// The route between the root of a tree and a node, in the direction of its flow.
pub(crate) fn read_off(search: &Search, node: usize, is_from_root: bool) -> Option<Route> {
    let nanos = search.cost(node)?.nanos;
    let back = search.back_from(node);
    let hops = if is_from_root {
        let mut hops: Vec<Hop> = back.collect();
        hops.reverse();
        hops
    } else {
        back.map(Hop::reversed).collect()
    };
    Some(Route { hops, nanos })
}

/// A route along given hops, if everything on it is up.
pub(crate) fn walk(topology: &Topology, conditions: &Conditions, source: usize, hops: &[Hop]) -> Option<Route> {
    let fabric = topology.fabric();
    let (mut at, mut nanos) = (source, 0_u64);
    if conditions.node(source) == super::NodeState::Down {
        return None;
    }
    for hop in hops {
        let arc = fabric.arcs(at).iter().find(|arc| arc.hop == *hop)?;
        if !conditions.may_pass(source, at, hop.link(), arc.to as usize) {
            return None;
        }
        nanos = nanos.saturating_add(arc.nanos);
        at = arc.to as usize;
    }
    Some(Route { hops: hops.to_vec(), nanos })
}

/// The latency of the shortest route between two nodes; none if there is no route.
pub fn shortest_latency_ms(topology: &Topology, source: NodeIndex, target: NodeIndex) -> Option<f64> {
    let mut search = Search::default();
    search.grow(topology.fabric(), source.index(), |_, _| Some(0), |settled| settled == target.index());
    search.cost(target.index()).map(|cost| to_ms(cost.nanos))
}
