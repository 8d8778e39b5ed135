//! Bringing links back within their limit: move flows, then reserves, then buy.

use std::cmp::Reverse;

use super::{
    Action, ClaimQuantity,
    planner::{Planner, Subject},
    reroute,
    situation::Wish,
};
use crate::{
    routing::{Hop, Route},
    units::{to_bps, to_mbps},
};

/// Flows of a link that are tried before it is left to other means.
const MOST_TRIED: usize = 32;

/// A link keeps at least half of its capacity when it gives to another.
const KEPT_SHARE: u64 = 2;

const MBPS: u64 = 1_000_000;

/// Relieves the links over their limit, the busiest first.
pub(super) fn links_over_limit(planner: &mut Planner<'_>) {
    let situation = &planner.situation;
    let mut links: Vec<usize> = (0..situation.conditions.capacity_bps.len()).filter(|link| situation.is_over(*link)).collect();
    links.sort_by(|one, other| situation.utilisation(*other).total_cmp(&situation.utilisation(*one)).then(one.cmp(other)));
    let count = links.len();
    for link in &links {
        // Alternatives may have been found for a link while another was relieved.
        move_flows(planner, *link);
        shift_reserve(planner, *link);
        scale_up(planner, *link);
    }
    if count > 0 {
        let left = planner.now.congested_links;
        planner.say(format!("{count} links were over their limit, {left} are after the plan"));
    }
}

/// Moves flows off the link's busy directions: others before critical ones, large before small.
fn move_flows(planner: &mut Planner<'_>, link: usize) {
    let mut tried = 0;
    for hop in [Hop::new(link, true), Hop::new(link, false)] {
        for flow in flows_over(planner, hop) {
            let situation = &planner.situation;
            let is_over = situation.routing.load_bps(hop) > situation.gauge.most_load(situation.conditions.capacity(link));
            if !is_over || tried >= MOST_TRIED || planner.is_full() {
                break;
            }
            tried += 1;
            if let Some(route) = way_round(planner, flow, link) {
                reroute::take(planner, flow, route, &format!("relieve {}", planner.situation.link_id(link)), Some(link));
            }
        }
    }
}

fn flows_over(planner: &Planner<'_>, hop: Hop) -> Vec<usize> {
    let situation = &planner.situation;
    let routes = situation.routing.routes.iter().enumerate();
    let over = routes.filter(|(_, route)| route.as_ref().is_some_and(|route| route.hops.contains(&hop)));
    let mut flows: Vec<usize> = over.map(|(flow, _)| flow).collect();
    flows.retain(|flow| planner.is_moved.get(*flow).is_some_and(|is_moved| !is_moved));
    flows.sort_by_key(|flow| (situation.gauge.is_critical(*flow), Reverse(situation.conditions.demand(*flow)), *flow));
    flows
}

fn way_round(planner: &mut Planner<'_>, flow: usize, link: usize) -> Option<Route> {
    let wish = |is_safe| Wish { without: Some(link), is_safe, is_least_risk: false };
    [true, false].into_iter().find_map(|is_safe| {
        let new = planner.situation.alternative(flow, wish(is_safe))?;
        let old = planner.situation.routing.route(flow)?;
        (reroute::is_acceptable(planner, old, &new) && !reroute::risk_rises(planner, old, &new)).then_some(new)
    })
}

/// What a link lacks to be within its limit.
fn missing_bps(planner: &Planner<'_>, link: usize) -> u64 {
    let situation = &planner.situation;
    if !situation.is_over(link) {
        return 0;
    }
    situation.least_capacity(situation.routing.busiest_bps(link)).saturating_sub(situation.conditions.capacity(link))
}

/// Takes capacity from the link that can spare most of those that meet this one, at either end.
fn shift_reserve(planner: &mut Planner<'_>, link: usize) {
    let missing = missing_bps(planner, link).next_multiple_of(MBPS);
    let Some(ends) = planner.situation.link(link).map(|link| [link.source, link.target]) else { return };
    if missing == 0 || planner.is_full() {
        return;
    }
    let situation = &planner.situation;
    let givers = ends
        .iter()
        .flat_map(|node| situation.topology.fabric().arcs(node.index()).iter().map(|arc| (arc.hop.link(), node.index())));
    let spare = givers.filter(|(giver, _)| *giver != link).map(|(giver, node)| (spare_bps(planner, giver), giver, node));
    let best = spare.max_by_key(|(spare, giver, node)| (*spare, Reverse(*giver), Reverse(*node)));
    let Some((spare, giver, node)) = best.filter(|(spare, ..)| *spare >= MBPS) else { return };
    let delta = missing.min(spare / MBPS * MBPS);
    let (from, to) = (situation.link_id(giver).to_owned(), situation.link_id(link).to_owned());
    let id = planner.name(Subject::Node(node));
    let reason = format!("relieve {to}: {from} meets it at {id} and can spare {:.0} Mbps", to_mbps(spare));
    let action = Action::ShiftReserve { node: id, via: [from, to], delta_mbps: to_mbps(delta) };
    let subjects = [giver, link].map(|link| (ClaimQuantity::LinkUtilisation, Subject::Link(link)));
    planner.take(action, reason, &subjects, &[giver, link], |situation| situation.shift(giver, link, delta));
}

/// What a link can give away and still be within its limit, wide enough, and half as wide as it was planned.
fn spare_bps(planner: &Planner<'_>, link: usize) -> u64 {
    let situation = &planner.situation;
    let planned = situation.link(link).map_or(0, |link| to_bps(link.capacity_mbps));
    let kept = situation.least_capacity(situation.routing.busiest_bps(link)).max(planned / KEPT_SHARE);
    situation.conditions.capacity(link).saturating_sub(kept.max(situation.gauge.least_bps.unwrap_or(0)))
}

/// Makes the link wider, as far as that is allowed.
fn scale_up(planner: &mut Planner<'_>, link: usize) {
    let missing = missing_bps(planner, link);
    if missing == 0 || planner.is_full() {
        return;
    }
    let settings = &planner.request.settings;
    let situation = &planner.situation;
    let planned = situation.link(link).map_or(0.0, |link| link.capacity_mbps);
    let most = to_bps(planned * settings.scale_up_limit);
    let step = to_bps(settings.scale_up_step_mbps).max(1);
    let delta = missing.next_multiple_of(step).min(most);
    if delta == 0 {
        return;
    }
    let id = situation.link_id(link).to_owned();
    let reason = if delta < missing {
        format!(
            "relieve {id} as far as a growth of {:.0} % allows: it lacks {:.0} Mbps",
            settings.scale_up_limit * 100.0,
            to_mbps(missing)
        )
    } else {
        format!("relieve {id}: it lacks {:.0} Mbps that no other route or link can give", to_mbps(missing))
    };
    let action = Action::ScaleUp { via: [id], delta_mbps: to_mbps(delta) };
    let subjects = [ClaimQuantity::LinkUtilisation, ClaimQuantity::LinkCapacityMbps].map(|what| (what, Subject::Link(link)));
    planner.take(action, reason, &subjects, &[link], |situation| situation.widen(link, delta));
}
