//! The network a plan is being made for: it changes with every action, and only as much as the action asks.

use std::collections::BinaryHeap;

use crate::{
    routing::{Arc, Conditions, Gauge, Hop, Measures, NodeState, Route, Routing, Search, read_off},
    topology::{Demand, Link, Topology},
};

/// What an alternative route has to look like, besides having room and being wide enough.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// No link of this index.
    pub without: Option<usize>,
    /// No risky node or link, except the ends of the flow.
    pub is_safe: bool,
    /// The least risk first, then latency; otherwise latency only.
    pub is_least_risk: bool,
}

#[derive(Debug)]
pub(super) struct Situation<'a> {
    pub topology: &'a Topology,
    pub gauge: &'a Gauge,
    pub conditions: Conditions,
    pub routing: Routing,
    high_risk: f64,
    search: Search,
}

impl<'a> Situation<'a> {
    pub fn new(topology: &'a Topology, gauge: &'a Gauge, conditions: Conditions, high_risk: f64) -> Self {
        let routing = Routing::compute(topology, &conditions);
        Self { topology, gauge, conditions, routing, high_risk, search: Search::default() }
    }

    /// The same network, to try something out on.
    pub fn copy(&self) -> Self {
        let (conditions, routing) = (self.conditions.clone(), self.routing.clone());
        Self { conditions, routing, search: Search::default(), ..*self }
    }

    pub fn measures(&self) -> Measures {
        Measures::take(self.topology, &self.conditions, &self.routing, self.gauge)
    }

    pub fn demand(&self, demand: usize) -> Option<&'a Demand> {
        self.topology.demands().get(demand)
    }

    pub fn link(&self, link: usize) -> Option<&'a Link> {
        self.topology.graph().raw_edges().get(link).map(|edge| &edge.weight)
    }

    pub fn link_id(&self, link: usize) -> &'a str {
        self.link(link).map_or("", |link| link.id.as_str())
    }

    pub fn flow_id(&self, demand: usize) -> &'a str {
        self.demand(demand).map_or("", |demand| demand.id.as_str())
    }

    pub fn utilisation(&self, link: usize) -> f64 {
        match self.conditions.capacity(link) {
            0 => 0.0,
            capacity => self.routing.busiest_bps(link) as f64 / capacity as f64,
        }
    }

    /// Whether the link is up and carries more than it should.
    pub fn is_over(&self, link: usize) -> bool {
        let capacity = self.conditions.capacity(link);
        capacity > 0 && self.routing.busiest_bps(link) > self.gauge.most_load(capacity)
    }

    /// The smallest capacity at which a link with this load is within its limit.
    pub fn least_capacity(&self, load_bps: u64) -> u64 {
        let mut capacity = (load_bps as f64 / self.gauge.limit).ceil() as u64;
        while self.gauge.most_load(capacity) < load_bps {
            capacity += 1;
        }
        capacity
    }

    pub fn is_risky_link(&self, link: usize) -> bool {
        self.gauge.link_risk(link) >= self.high_risk
    }

    pub fn is_risky_node(&self, node: usize) -> bool {
        self.gauge.node_risk(node) >= self.high_risk
    }

    /// Whether a route leads over a risky link or through a risky node.
    pub fn is_risky(&self, route: &Route) -> bool {
        let last = route.hops.len().saturating_sub(1);
        route.hops.iter().enumerate().any(|(position, hop)| {
            self.is_risky_link(hop.link()) || position < last && self.is_risky_node(self.topology.fabric().head(*hop))
        })
    }

    pub fn risk(&self, demand: usize) -> f64 {
        self.routing.route(demand).map_or(0.0, |route| self.gauge.route_risk(self.topology, &route.hops))
    }

    /// What passes through a node on its way between others.
    pub fn transit_bps(&self, node: usize) -> u64 {
        let fabric = self.topology.fabric();
        let passes = |route: &Route| {
            let last = route.hops.len().saturating_sub(1);
            route.hops.iter().take(last).any(|hop| fabric.head(*hop) == node)
        };
        let flows = self.routing.routes.iter().zip(&self.conditions.demand_bps);
        flows.filter(|(route, _)| route.as_ref().is_some_and(passes)).map(|(_, bps)| bps).sum()
    }

    /// The best route for a flow that has room on every link, or none.
    pub fn alternative(&mut self, demand: usize, wish: Wish) -> Option<Route> {
        let (bps, flow) = (self.conditions.demand(demand), self.topology.demands().get(demand)?);
        let (source, target) = (flow.source.index(), flow.target.index());
        let own = self.routing.route(demand).map(|route| route.hops.as_slice()).unwrap_or_default();
        let (gauge, conditions, routing, high_risk) = (self.gauge, &self.conditions, &self.routing, self.high_risk);
        let price = |from: usize, arc: &Arc| {
            let (link, to) = (arc.hop.link(), arc.to as usize);
            if wish.without == Some(link) || !conditions.may_pass(source, from, link, to) {
                return None;
            }
            let capacity = conditions.capacity(link);
            let load = routing.load_bps(arc.hop).saturating_sub(if own.contains(&arc.hop) { bps } else { 0 });
            if gauge.least_bps.is_some_and(|least| capacity < least) || load + bps > gauge.most_load(capacity) {
                return None;
            }
            let node_risk = if to == target { 0.0 } else { gauge.node_risk(to) };
            let link_risk = gauge.link_risk(link);
            if wish.is_safe && (link_risk >= high_risk || node_risk >= high_risk) {
                return None;
            }
            Some(if wish.is_least_risk { ((link_risk + node_risk) * 1e6) as u64 } else { 0 })
        };
        self.search.grow(self.topology.fabric(), source, price, |settled| settled == target);
        read_off(&self.search, target, true).filter(|route| !route.hops.is_empty())
    }

    /// The shortest route there could be, room and risk aside.
    pub fn shortest(&mut self, demand: usize) -> Option<Route> {
        let flow = self.topology.demands().get(demand)?;
        let (source, target) = (flow.source.index(), flow.target.index());
        let conditions = &self.conditions;
        let price = |from: usize, arc: &Arc| conditions.may_pass(source, from, arc.hop.link(), arc.to as usize).then_some(0);
        self.search.grow(self.topology.fabric(), source, price, |settled| settled == target);
        read_off(&self.search, target, true)
    }

    /// The capacity of the narrowest link on the widest route of a flow; 0 if there is no route.
    pub fn widest_bps(&self, demand: usize) -> u64 {
        let Some(flow) = self.demand(demand) else { return 0 };
        let source = flow.source.index();
        let mut widths = vec![0_u64; self.conditions.nodes.len()];
        let mut queue = BinaryHeap::from([(u64::MAX, source)]);
        while let Some((width, node)) = queue.pop() {
            if node == flow.target.index() {
                return width;
            }
            for arc in self.topology.fabric().arcs(node) {
                let (link, to) = (arc.hop.link(), arc.to as usize);
                let reached = width.min(self.conditions.capacity(link));
                if self.conditions.may_pass(source, node, link, to)
                    && let Some(known) = widths.get_mut(to)
                    && reached > *known
                {
                    *known = reached;
                    queue.push((reached, to));
                }
            }
        }
        0
    }

    /// Holds a flow to a route.
    pub fn reroute(&mut self, demand: usize, route: Route) {
        let bps = self.conditions.demand(demand);
        if let Some(before) = self.routing.routes.get_mut(demand).and_then(Option::take) {
            self.load(&before.hops, |load| load - bps);
        }
        self.load(&route.hops, |load| load + bps);
        if let Some(pin) = self.conditions.pins.get_mut(demand) {
            *pin = Some(route.hops.clone());
        }
        if let Some(place) = self.routing.routes.get_mut(demand) {
            *place = Some(route);
        }
    }

    fn load(&mut self, hops: &[Hop], change: impl Fn(u64) -> u64) {
        for hop in hops {
            if let Some(load) = self.routing.loads_bps.get_mut(hop.index()) {
                *load = change(*load);
            }
        }
    }

    /// Keeps transit off a node.
    pub fn isolate(&mut self, node: usize) {
        if let Some(state) = self.conditions.nodes.get_mut(node) {
            *state = NodeState::NoTransit;
        }
        self.routing = Routing::compute(self.topology, &self.conditions);
    }

    pub fn widen(&mut self, link: usize, delta_bps: u64) {
        if let Some(capacity) = self.conditions.capacity_bps.get_mut(link) {
            *capacity += delta_bps;
        }
    }

    /// Moves capacity that `from` has.
    pub fn shift(&mut self, from: usize, to: usize, delta_bps: u64) {
        if let Some(capacity) = self.conditions.capacity_bps.get_mut(from) {
            *capacity -= delta_bps;
        }
        self.widen(to, delta_bps);
    }
}
