//! From a scenario by name to conditions by index.

use std::collections::BTreeMap;

use super::{ReserveShift, Scenario, ScenarioError};
use crate::{
    routing::{Conditions, Hop, NodeState},
    topology::{Demand, Node, Topology},
    units::{LARGEST_MBPS, to_bps, to_mbps},
};

/// The most that demands may be multiplied by, all factors together.
const LARGEST_FACTOR: f64 = 1_000.0;

/// All demands together under the factors of a scenario.
const LARGEST_TOTAL_MBPS: f64 = 1e11;

pub(crate) fn resolve(topology: &Topology, scenario: &Scenario) -> Result<Conditions, ScenarioError> {
    let mut conditions = Conditions::nominal(topology);
    conditions.demand_bps = loads(topology, scenario)?;
    // Capacities first, then what fails: a failed link stays down however wide it was made.
    for (id, mbps) in &scenario.capacities_mbps {
        within(&format!("a capacity of the link `{id}`"), *mbps, LARGEST_MBPS, "between 0 and 2e9 Mbps")?;
        set(&mut conditions.capacity_bps, link(topology, id)?, to_bps(*mbps));
    }
    for addition in &scenario.capacity_additions {
        let what = format!("an addition to the link `{}`", addition.link);
        within(&what, addition.delta_mbps, LARGEST_MBPS, "between 0 and 2e9 Mbps")?;
        let link = link(topology, &addition.link)?;
        let wider = conditions.capacity(link).saturating_add(to_bps(addition.delta_mbps));
        set(&mut conditions.capacity_bps, link, wider);
    }
    for reserve_shift in &scenario.reserve_shifts {
        shift(topology, &mut conditions, reserve_shift)?;
    }
    for id in &scenario.failed_links {
        set(&mut conditions.capacity_bps, link(topology, id)?, 0);
    }
    for (ids, state) in [(&scenario.isolated_nodes, NodeState::NoTransit), (&scenario.failed_nodes, NodeState::Down)] {
        for id in ids {
            set(&mut conditions.nodes, node(topology, id)?, state);
        }
    }
    for link in topology.links() {
        if [link.source, link.target].iter().any(|end| conditions.node(end.index()) == NodeState::Down) {
            set(&mut conditions.capacity_bps, self::link(topology, &link.id)?, 0);
        }
    }
    for (flow, links) in &scenario.routes {
        let demand = topology.demand(flow).ok_or_else(|| unknown("flow", flow))?;
        let hops = route(topology, demand, links).map_err(|problem| match problem {
            RouteProblem::Unknown(error) => error,
            RouteProblem::Broken(problem) => ScenarioError::BrokenRoute { flow: flow.clone(), problem },
        })?;
        set(&mut conditions.pins, demand, Some(hops));
    }
    Ok(conditions)
}

fn set<T>(values: &mut [T], index: usize, value: T) {
    if let Some(place) = values.get_mut(index) {
        *place = value;
    }
}

fn unknown(what: &'static str, id: &str) -> ScenarioError {
    ScenarioError::Unknown { what, id: id.to_owned() }
}

fn node(topology: &Topology, id: &str) -> Result<usize, ScenarioError> {
    topology.node(id).map(|node| node.index()).ok_or_else(|| unknown("node", id))
}

fn link(topology: &Topology, id: &str) -> Result<usize, ScenarioError> {
    topology.link(id).map(|link| link.index()).ok_or_else(|| unknown("link", id))
}

fn within(what: &str, value: f64, most: f64, allowed: &'static str) -> Result<(), ScenarioError> {
    if (0.0..=most).contains(&value) {
        return Ok(());
    }
    Err(ScenarioError::OutOfRange { what: what.to_owned(), value, allowed })
}

/// The demands of all flows under the factors of the scenario.
fn loads(topology: &Topology, scenario: &Scenario) -> Result<Vec<u64>, ScenarioError> {
    let allowed = "between 0 and 1,000";
    within("a load factor", scenario.load_factor, LARGEST_FACTOR, allowed)?;
    for (what, factors) in [("site", &scenario.site_load_factors), ("node", &scenario.node_load_factors)] {
        for (id, factor) in factors {
            within(&format!("a load factor of the {what} `{id}`"), *factor, LARGEST_FACTOR, allowed)?;
        }
    }
    for id in scenario.node_load_factors.keys() {
        node(topology, id)?;
    }
    for site in scenario.site_load_factors.keys() {
        topology.nodes().find(|node| node.site == *site).ok_or_else(|| unknown("site", site))?;
    }
    let scaled = |demand: &Demand| {
        let factor = factor(topology, scenario, demand);
        within(&format!("all load factors together of the flow `{}`", demand.id), factor, LARGEST_FACTOR, allowed)?;
        Ok(to_bps(demand.mbps * factor))
    };
    let loads: Vec<u64> = topology.demands().iter().map(scaled).collect::<Result<_, _>>()?;
    // Beyond this the sum of all flows over one link would leave its integer.
    let total = loads.iter().map(|bps| *bps as f64).sum::<f64>() / 1e6;
    within("a total demand", total, LARGEST_TOTAL_MBPS, "between 0 and 1e11 Mbps")?;
    Ok(loads)
}

fn factor(topology: &Topology, scenario: &Scenario, demand: &Demand) -> f64 {
    let mut factor = scenario.load_factor;
    if scenario.site_load_factors.is_empty() && scenario.node_load_factors.is_empty() {
        return factor;
    }
    let end = |end| topology.graph().node_weight(end);
    let (source, target) = (end(demand.source), end(demand.target));
    let of = |factors: &BTreeMap<String, f64>, id: Option<&String>| id.and_then(|id| factors.get(id)).copied().unwrap_or(1.0);
    let site = |node: Option<&Node>| of(&scenario.site_load_factors, node.map(|node| &node.site));
    factor *= site(source);
    if source.map(|node| &node.site) != target.map(|node| &node.site) {
        factor *= site(target);
    }
    let node = |node: Option<&Node>| of(&scenario.node_load_factors, node.map(|node| &node.id));
    factor * node(source) * node(target)
}

fn shift(topology: &Topology, conditions: &mut Conditions, shift: &ReserveShift) -> Result<(), ScenarioError> {
    let ReserveShift { node: at, from, to, delta_mbps } = shift;
    within(&format!("a shift from the link `{from}`"), *delta_mbps, LARGEST_MBPS, "between 0 and 2e9 Mbps")?;
    let node = node(topology, at)?;
    let mut ends = [0; 2];
    for (end, id) in ends.iter_mut().zip([from, to]) {
        *end = link(topology, id)?;
        let meets = topology.fabric().arcs(node).iter().any(|arc| arc.hop.link() == *end);
        if !meets {
            return Err(ScenarioError::NotAtNode { node: at.clone(), link: id.clone() });
        }
    }
    let ([from_link, to_link], delta) = (ends, to_bps(*delta_mbps));
    let capacity = conditions.capacity(from_link);
    let narrower = capacity.checked_sub(delta).ok_or_else(|| ScenarioError::TooMuch {
        link: from.clone(),
        delta_mbps: *delta_mbps,
        capacity_mbps: to_mbps(capacity),
    })?;
    set(&mut conditions.capacity_bps, from_link, narrower);
    let wider = conditions.capacity(to_link).saturating_add(delta);
    set(&mut conditions.capacity_bps, to_link, wider);
    Ok(())
}

enum RouteProblem {
    Unknown(ScenarioError),
    Broken(String),
}

/// The hops of a route given by links.
fn route(topology: &Topology, demand: usize, links: &[String]) -> Result<Vec<Hop>, RouteProblem> {
    let Some(demand) = topology.demands().get(demand) else { return Ok(Vec::new()) };
    let mut at = demand.source;
    let mut hops = Vec::with_capacity(links.len());
    for id in links {
        let index = link(topology, id).map_err(RouteProblem::Unknown)?;
        let Some(link) = topology.graph().raw_edges().get(index).map(|edge| &edge.weight) else { continue };
        let is_forward = link.source == at;
        if !is_forward && link.target != at {
            return Err(RouteProblem::Broken(format!("the link `{id}` does not begin where the one before it ends")));
        }
        at = if is_forward { link.target } else { link.source };
        hops.push(Hop::new(index, is_forward));
    }
    if at == demand.target {
        return Ok(hops);
    }
    Err(RouteProblem::Broken("its last link does not end at the flow's target".to_owned()))
}
