//! Keeping transit off nodes that are about to fail.

use super::{
    Action, ClaimQuantity,
    planner::{Planner, Subject},
    situation::Situation,
};
use crate::{
    routing::{Measures, NodeState},
    units::to_mbps,
};

/// Isolates the nodes that are both impacted and risky, the riskiest first, where that harms nobody.
pub(super) fn impacted_nodes(planner: &mut Planner<'_>) {
    let situation = &planner.situation;
    let impacted = planner.request.context.impacted.iter().filter_map(|id| situation.topology.node(id));
    let is_candidate = |node: &usize| {
        situation.is_risky_node(*node) && situation.conditions.node(*node) == NodeState::Up && situation.transit_bps(*node) > 0
    };
    let mut nodes: Vec<usize> = impacted.map(|node| node.index()).filter(is_candidate).collect();
    let risk = |node: &usize| situation.gauge.node_risk(*node);
    nodes.sort_by(|one, other| risk(other).total_cmp(&risk(one)).then(one.cmp(other)));
    nodes.dedup();
    for node in nodes {
        if planner.is_full() {
            return;
        }
        let mut tried = planner.situation.copy();
        tried.isolate(node);
        let id = planner.name(Subject::Node(node));
        match harm(planner.now, tried.measures()) {
            Some(harm) => planner.say(format!("node {id} is risky and impacted, but isolating it {harm}")),
            None => isolate(planner, node, &id, &tried),
        }
    }
}

/// What speaks against a change, if anything does.
fn harm(before: Measures, after: Measures) -> Option<String> {
    let grown = |before: usize, after: usize| after.checked_sub(before).filter(|more| *more > 0);
    if let Some(more) = grown(before.unreachable_flows, after.unreachable_flows) {
        return Some(format!("would cut off {more} flows"));
    }
    if let Some(more) = grown(before.congested_links, after.congested_links) {
        return Some(format!("would put {more} more links over their limit"));
    }
    if let Some(more) = grown(before.sla_violations, after.sla_violations) {
        return Some(format!("would leave {more} more flows without what they need"));
    }
    (after.traffic_at_risk_mbps >= before.traffic_at_risk_mbps)
        .then(|| "would not lower the traffic at risk: the ways round it are as risky".to_owned())
}

fn isolate(planner: &mut Planner<'_>, node: usize, id: &str, tried: &Situation<'_>) {
    let situation = &planner.situation;
    let grew = |link: &usize| tried.routing.busiest_bps(*link) > situation.routing.busiest_bps(*link);
    let touched: Vec<usize> = (0..situation.conditions.capacity_bps.len()).filter(grew).collect();
    let reason = format!(
        "node {id} is impacted and has a risk of {:.2}; {:.0} Mbps of others pass through it",
        situation.gauge.node_risk(node),
        to_mbps(situation.transit_bps(node)),
    );
    let action = Action::Isolate { node: id.to_owned() };
    let subjects = [(ClaimQuantity::NodeTransitMbps, Subject::Node(node))];
    planner.take(action, reason, &subjects, &touched, |situation| situation.isolate(node));
}
