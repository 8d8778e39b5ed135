//! Before and after.

use petgraph::graph::EdgeIndex;
use serde::Serialize;

use super::{Scenario, ScenarioError, resolve};
use crate::{
    routing::{Conditions, Gauge, Hop, Measures, Routing, Yardstick, YardstickError},
    topology::Topology,
    units::{to_mbps, to_ms},
};

/// Two states of a network and how they differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Simulation {
    /// The network before.
    pub before: Measures,
    /// The network after.
    pub after: Measures,
    /// Every link, by index.
    pub links: Vec<LinkChange>,
    /// Every flow, in the order of the topology.
    pub flows: Vec<FlowChange>,
}

impl Simulation {
    /// The links whose capacity or load differs.
    pub fn changed_links(&self) -> impl Iterator<Item = &LinkChange> {
        self.links.iter().filter(|link| link.before != link.after)
    }

    /// The flows whose route or rate differs.
    pub fn changed_flows(&self) -> impl Iterator<Item = &FlowChange> {
        self.flows.iter().filter(|flow| flow.before != flow.after)
    }
}

/// A link before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LinkChange {
    /// Its id.
    pub id: String,
    /// The link before.
    pub before: LinkState,
    /// The link after.
    pub after: LinkState,
    /// By how much the load of its busier direction grew.
    pub load_difference_mbps: f64,
    /// By how much its utilisation grew.
    pub utilisation_difference: f64,
}

/// A link in one state of the network.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LinkState {
    /// Of either direction; 0 if it is down.
    pub capacity_mbps: f64,
    /// From its source to its target.
    pub forward_mbps: f64,
    /// From its target to its source.
    pub backward_mbps: f64,
    /// Of its busier direction; 0 if it is down.
    pub utilisation: f64,
    /// Whether it is over its limit.
    pub is_congested: bool,
}

/// A flow before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlowChange {
    /// Its id.
    pub id: String,
    /// Whether it is critical.
    pub is_critical: bool,
    /// The flow before.
    pub before: FlowState,
    /// The flow after.
    pub after: FlowState,
}

/// A flow in one state of the network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlowState {
    /// Its offered rate.
    pub mbps: f64,
    /// Whether it has a route.
    pub is_reachable: bool,
    /// Of its route; 0 without one.
    pub latency_ms: f64,
    /// Of its route; 0 without one.
    pub risk: f64,
    /// The links of its route, by index.
    #[serde(skip)]
    pub links: Vec<EdgeIndex>,
}

/// A simulation that cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SimulationError {
    /// A scenario does not fit the topology.
    #[error("failed to apply the scenario to the topology")]
    Scenario(#[from] ScenarioError),
    /// The yardstick does not fit the topology.
    #[error("failed to apply the yardstick to the topology")]
    Yardstick(#[from] YardstickError),
}

/// Routes every flow in both scenarios, and compares.
///
/// # Errors
///
/// If a scenario or the yardstick names what the topology does not have, or holds numbers that cannot be.
pub fn simulate(
    topology: &Topology,
    before: &Scenario,
    after: &Scenario,
    yardstick: &Yardstick,
) -> Result<Simulation, SimulationError> {
    let gauge = Gauge::new(topology, yardstick)?;
    let before = State::new(topology, resolve(topology, before)?);
    let after = State::new(topology, resolve(topology, after)?);
    let links = topology.links().enumerate().map(|(index, link)| {
        let (before, after) = (before.link(index, &gauge), after.link(index, &gauge));
        let busier = |state: LinkState| state.forward_mbps.max(state.backward_mbps);
        LinkChange {
            id: link.id.clone(),
            before,
            after,
            load_difference_mbps: busier(after) - busier(before),
            utilisation_difference: after.utilisation - before.utilisation,
        }
    });
    let flows = topology.demands().iter().enumerate().map(|(index, demand)| FlowChange {
        id: demand.id.clone(),
        is_critical: gauge.is_critical(index),
        before: before.flow(topology, index, &gauge),
        after: after.flow(topology, index, &gauge),
    });
    Ok(Simulation {
        links: links.collect(),
        flows: flows.collect(),
        before: before.measures(topology, &gauge),
        after: after.measures(topology, &gauge),
    })
}

/// A network under conditions, routed.
struct State {
    conditions: Conditions,
    routing: Routing,
}

impl State {
    fn new(topology: &Topology, conditions: Conditions) -> Self {
        Self { routing: Routing::compute(topology, &conditions), conditions }
    }

    fn measures(&self, topology: &Topology, gauge: &Gauge) -> Measures {
        Measures::take(topology, &self.conditions, &self.routing, gauge)
    }

    fn link(&self, link: usize, gauge: &Gauge) -> LinkState {
        let (capacity, load) = (self.conditions.capacity(link), self.routing.busiest_bps(link));
        LinkState {
            capacity_mbps: to_mbps(capacity),
            forward_mbps: to_mbps(self.routing.load_bps(Hop::new(link, true))),
            backward_mbps: to_mbps(self.routing.load_bps(Hop::new(link, false))),
            utilisation: if capacity == 0 { 0.0 } else { load as f64 / capacity as f64 },
            is_congested: load > gauge.most_load(capacity),
        }
    }

    fn flow(&self, topology: &Topology, demand: usize, gauge: &Gauge) -> FlowState {
        let route = self.routing.route(demand);
        FlowState {
            mbps: to_mbps(self.conditions.demand(demand)),
            is_reachable: route.is_some(),
            latency_ms: route.map_or(0.0, |route| to_ms(route.nanos)),
            risk: route.map_or(0.0, |route| gauge.route_risk(topology, &route.hops)),
            links: route.map(|route| route.links().collect()).unwrap_or_default(),
        }
    }
}
