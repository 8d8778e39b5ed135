//! Other routes for flows: for safety, to keep to constraints, for speed.

use super::{
    Action, ClaimQuantity,
    planner::{Planner, Subject},
    situation::Wish,
};
use crate::{routing::Route, units::to_ms};

/// A detour may always be this much longer than the way it replaces.
const SHORT_DETOUR_NANOS: u64 = 10_000_000;

/// Gives critical flows routes that are safe, uncongested and within the constraints, the largest first.
pub(super) fn critical_flows(planner: &mut Planner<'_>) {
    let situation = &planner.situation;
    let is_troubled = |flow: &usize| {
        situation.gauge.is_critical(*flow)
            && situation.routing.route(*flow).is_some_and(|route| {
                situation.is_risky(route)
                    || !situation.gauge.is_allowed(route, &situation.conditions)
                    || route.hops.iter().any(|hop| situation.is_over(hop.link()))
            })
    };
    let mut flows: Vec<usize> = (0..planner.is_moved.len()).filter(is_troubled).collect();
    flows.sort_by_key(|flow| (std::cmp::Reverse(situation.conditions.demand(*flow)), *flow));
    for_each(planner, &flows, usize::MAX, "critical flows", |planner, flow| {
        let is_congested =
            |planner: &Planner<'_>, route: &Route| route.hops.iter().any(|hop| planner.situation.is_over(hop.link()));
        let gains = |planner: &Planner<'_>, old: &Route, new: &Route| {
            let situation = &planner.situation;
            let repairs = !situation.gauge.is_allowed(old, &situation.conditions) || is_congested(planner, old);
            risk_falls(planner, old, new) || repairs && !risk_rises(planner, old, new)
        };
        safer_or_shorter(planner, flow, gains).map(|route| (route, "critical flow"))
    });
}

/// Repairs routes that break a constraint, critical flows first.
pub(super) fn flows_against_constraints(planner: &mut Planner<'_>) {
    let situation = &planner.situation;
    let breaks = |flow: &usize| {
        let route = situation.routing.route(*flow);
        route.is_some_and(|route| !situation.gauge.is_allowed(route, &situation.conditions))
    };
    let mut flows: Vec<usize> = (0..planner.is_moved.len()).filter(breaks).collect();
    flows.sort_by_key(|flow| (!situation.gauge.is_critical(*flow), std::cmp::Reverse(situation.conditions.demand(*flow)), *flow));
    for_each(planner, &flows, usize::MAX, "flows that break a constraint", |planner, flow| {
        let gains = |planner: &Planner<'_>, old: &Route, new: &Route| !risk_rises(planner, old, new);
        safer_or_shorter(planner, flow, gains).map(|route| (route, "against a constraint"))
    });
}

/// Takes flows off risky nodes and links: critical ones first, then by the traffic at risk. Half of the plan is left for
/// links over their limit, if those are to be relieved too.
pub(super) fn risky_flows(planner: &mut Planner<'_>) {
    let situation = &planner.situation;
    let is_risky = |flow: &usize| situation.routing.route(*flow).is_some_and(|route| situation.is_risky(route));
    let mut flows: Vec<(bool, u64, usize)> = (0..planner.is_moved.len())
        .filter(is_risky)
        .map(|flow| {
            let at_risk = (situation.conditions.demand(flow) as f64 * situation.risk(flow)) as u64;
            (situation.gauge.is_critical(flow), at_risk, flow)
        })
        .collect();
    flows.sort_by_key(|(is_critical, at_risk, flow)| (!is_critical, std::cmp::Reverse(*at_risk), *flow));
    let flows: Vec<usize> = flows.into_iter().map(|(_, _, flow)| flow).collect();
    let most = planner.request.settings.most_actions;
    let most = if planner.request.relieves() { most / 2 } else { most };
    for_each(planner, &flows, most, "flows at risk", |planner, flow| {
        safer_or_shorter(planner, flow, risk_falls).map(|route| (route, "predicted outage"))
    });
}

/// Takes flows that are held to a route back to a shorter one.
pub(super) fn long_flows(planner: &mut Planner<'_>) {
    let pins = planner.situation.conditions.pins.iter().enumerate();
    let held: Vec<usize> = pins.filter(|(_, pin)| pin.is_some()).map(|(flow, _)| flow).collect();
    if held.is_empty() {
        planner.say("every flow is on its latency-shortest route already");
        return;
    }
    for_each(planner, &held, usize::MAX, "held flows", |planner, flow| {
        let gains = |planner: &Planner<'_>, old: &Route, new: &Route| new.nanos < old.nanos && !risk_rises(planner, old, new);
        safer_or_shorter(planner, flow, gains).map(|route| (route, "shorter route"))
    });
}

/// Goes through flows until the plan is full, has `most` actions, or enough has been searched.
fn for_each<'a>(
    planner: &mut Planner<'a>,
    flows: &[usize],
    most: usize,
    what: &str,
    choose: impl Fn(&mut Planner<'a>, usize) -> Option<(Route, &'static str)>,
) {
    let (mut moved, mut tried) = (0, 0);
    for flow in flows {
        if planner.is_full() || planner.taken() >= most || tried >= planner.request.settings.most_searches {
            break;
        }
        if planner.is_moved.get(*flow).is_none_or(|is_moved| *is_moved) {
            continue;
        }
        tried += 1;
        if let Some((route, purpose)) = choose(planner, *flow) {
            take(planner, *flow, route, purpose, None);
            moved += 1;
        }
    }
    if !flows.is_empty() {
        let stuck = tried - moved;
        let left = flows.len().saturating_sub(tried);
        planner.say(format!(
            "{what}: {} in trouble, {moved} rerouted, {stuck} without a better route, {left} not tried",
            flows.len()
        ));
    }
}

/// The latency-shortest route around everything risky; else the least risky one, if it gains enough.
fn safer_or_shorter<'a>(
    planner: &mut Planner<'a>,
    flow: usize,
    gains: impl Fn(&Planner<'a>, &Route, &Route) -> bool,
) -> Option<Route> {
    for (is_safe, is_least_risk) in [(true, false), (false, true), (false, false)] {
        let found = planner.situation.alternative(flow, Wish { without: None, is_safe, is_least_risk });
        let (Some(new), Some(old)) = (found, planner.situation.routing.route(flow)) else { continue };
        if new.hops != old.hops && is_acceptable(planner, old, &new) && gains(planner, old, &new) {
            return Some(new);
        }
    }
    None
}

/// Whether a route keeps to the constraints, and does not lead round the world where no latency is asked for.
pub(super) fn is_acceptable(planner: &Planner<'_>, old: &Route, new: &Route) -> bool {
    let situation = &planner.situation;
    let longest = (old.nanos as f64 * planner.request.settings.longest_detour) as u64;
    let is_near = situation.gauge.most_nanos.is_some() || new.nanos <= longest.max(old.nanos + SHORT_DETOUR_NANOS);
    is_near && situation.gauge.is_allowed(new, &situation.conditions)
}

fn risks(planner: &Planner<'_>, old: &Route, new: &Route) -> (f64, f64) {
    let situation = &planner.situation;
    let risk = |route: &Route| situation.gauge.route_risk(situation.topology, &route.hops);
    (risk(old), risk(new))
}

fn risk_falls(planner: &Planner<'_>, old: &Route, new: &Route) -> bool {
    let (old, new) = risks(planner, old, new);
    new + planner.request.settings.least_risk_gain <= old && new < old
}

/// Whether a route is noticeably riskier than the one it would replace.
pub(super) fn risk_rises(planner: &Planner<'_>, old: &Route, new: &Route) -> bool {
    let (old, new) = risks(planner, old, new);
    new > old + planner.request.settings.least_risk_gain
}

/// Takes the action that holds a flow to a route; `relieved` is the link it is for, if it is for one.
pub(super) fn take(planner: &mut Planner<'_>, flow: usize, route: Route, purpose: &str, relieved: Option<usize>) {
    let situation = &planner.situation;
    let (old_risk, old_nanos) = (situation.risk(flow), situation.routing.route(flow).map_or(0, |route| route.nanos));
    let reason = format!(
        "{purpose}: {} goes from {:.2} ms at a risk of {old_risk:.2} to {:.2} ms at {:.2}",
        situation.flow_id(flow),
        to_ms(old_nanos),
        to_ms(route.nanos),
        situation.gauge.route_risk(situation.topology, &route.hops),
    );
    let touched: Vec<usize> = route.hops.iter().map(|hop| hop.link()).collect();
    let via = touched.iter().map(|link| situation.link_id(*link).to_owned()).collect();
    let action = Action::Reroute { flow: situation.flow_id(flow).to_owned(), via };
    let mut subjects = vec![(ClaimQuantity::FlowLatencyMs, Subject::Flow(flow)), (ClaimQuantity::FlowRisk, Subject::Flow(flow))];
    let on_the_way = relieved.into_iter().chain(touched.iter().copied());
    subjects.extend(on_the_way.map(|link| (ClaimQuantity::LinkUtilisation, Subject::Link(link))));
    if let Some(is_moved) = planner.is_moved.get_mut(flow) {
        *is_moved = true;
    }
    planner.take(action, reason, &subjects, &touched, |situation| situation.reroute(flow, route));
}
