//! Which constraints are not met, where they bind hardest, and by how much.

use super::{PlanRequest, Unmet, situation::Situation};
use crate::{
    routing::Route,
    units::{to_mbps, to_ms},
};

pub(super) fn constraints(situation: &mut Situation<'_>, request: &PlanRequest) -> Vec<Unmet> {
    let constraints = &request.constraints;
    let latency = constraints.max_latency_ms.and_then(|required| latency(situation, required));
    let reserve = constraints.reserve_pct.and_then(|required| reserve(situation, required, request.settings.scale_up_limit));
    let bandwidth = constraints.min_bandwidth_mbps.and_then(|required| bandwidth(situation, required));
    [latency, reserve, bandwidth].into_iter().flatten().collect()
}

/// Flows with a route that fails a test, and how badly; the worst first, of equals the first.
fn failing(situation: &Situation<'_>, miss: impl Fn(&Route) -> u64) -> (Option<usize>, usize) {
    let misses = situation.routing.routes.iter().enumerate().filter_map(|(flow, route)| Some((miss(route.as_ref()?), flow)));
    let misses: Vec<(u64, usize)> = misses.filter(|(miss, _)| *miss > 0).collect();
    let worst = misses.iter().max_by_key(|(miss, flow)| (*miss, std::cmp::Reverse(*flow)));
    (worst.map(|(_, flow)| *flow), misses.len())
}

fn latency(situation: &mut Situation<'_>, required: f64) -> Option<Unmet> {
    let most = situation.gauge.most_nanos?;
    let (worst, count) = failing(situation, |route| route.nanos.saturating_sub(most));
    let flow = worst?;
    let reached = to_ms(situation.routing.route(flow)?.nanos);
    let best_possible = situation.shortest(flow).map_or(reached, |route| to_ms(route.nanos));
    let subject = situation.flow_id(flow).to_owned();
    let why = if best_possible > required {
        format!("no route is faster than {best_possible:.2} ms")
    } else {
        format!("its shortest route of {best_possible:.2} ms has no room, is too narrow or too risky")
    };
    let explanation = format!(
        "max_latency_ms of {required} is not met by {count} flows; it binds hardest for {subject}, which takes {reached:.2} ms: {why}"
    );
    let short_by = reached - required;
    Some(Unmet { constraint: "max_latency_ms", subject, required, reached, best_possible, short_by, count, explanation })
}

fn reserve(situation: &Situation<'_>, required: f64, scale_up_limit: f64) -> Option<Unmet> {
    let over: Vec<usize> = (0..situation.conditions.capacity_bps.len()).filter(|link| situation.is_over(*link)).collect();
    let utilisation = |link: &&usize| situation.utilisation(**link);
    let worst = *over.iter().max_by(|one, other| utilisation(one).total_cmp(&utilisation(other)).then(other.cmp(one)))?;
    let free = |utilisation: f64| (1.0 - utilisation) * 100.0;
    let reached = free(situation.utilisation(worst));
    let link = situation.link(worst)?;
    let widest = (link.capacity_mbps * (1.0 + scale_up_limit)).max(to_mbps(situation.conditions.capacity(worst)));
    let best_possible = free(to_mbps(situation.routing.busiest_bps(worst)) / widest);
    let why = if best_possible < required {
        format!("its traffic has no other way, and growing to {widest:.0} Mbps would leave {best_possible:.1} %")
    } else {
        "the plan is too short or was not asked to balance load".to_owned()
    };
    let explanation = format!(
        "reserve_pct of {required} is not met by {} links; it binds hardest for {}, which has {reached:.1} % free: {why}",
        over.len(),
        link.id,
    );
    Some(Unmet {
        constraint: "reserve_pct",
        subject: link.id.clone(),
        required,
        reached,
        best_possible,
        short_by: required - reached,
        count: over.len(),
        explanation,
    })
}

fn bandwidth(situation: &Situation<'_>, required: f64) -> Option<Unmet> {
    let least = situation.gauge.least_bps?;
    let narrowest = |route: &Route| {
        let widths = route.hops.iter().map(|hop| situation.conditions.capacity(hop.link()));
        widths.min().unwrap_or(u64::MAX)
    };
    let (worst, count) = failing(situation, |route| least.saturating_sub(narrowest(route)));
    let flow = worst?;
    let reached = to_mbps(narrowest(situation.routing.route(flow)?));
    let best_possible = to_mbps(situation.widest_bps(flow));
    let subject = situation.flow_id(flow).to_owned();
    let why = if best_possible < required {
        format!("no route is wider than {best_possible:.0} Mbps")
    } else {
        format!("a route of {best_possible:.0} Mbps has no room, is too slow or too risky")
    };
    let explanation = format!(
        "min_bandwidth_mbps of {required} is not met by {count} flows; it binds hardest for {subject}, whose narrowest link has {reached:.0} Mbps: {why}"
    );
    let short_by = required - reached;
    Some(Unmet { constraint: "min_bandwidth_mbps", subject, required, reached, best_possible, short_by, count, explanation })
}
