//! The state of a network in a few numbers.

use serde::Serialize;

use super::{Conditions, Gauge, Hop, Routing};
use crate::{
    topology::Topology,
    units::{to_mbps, to_ms},
};

/// The state of a network in a few numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measures {
    /// What all flows offer together.
    pub demand_mbps: f64,
    /// What of it arrives: flows over an overloaded link get their share, critical ones first.
    pub carried_mbps: f64,
    /// What has no route at all.
    pub unreachable_mbps: f64,
    /// How many flows have none.
    pub unreachable_flows: usize,
    /// How many links are over their limit.
    pub congested_links: usize,
    /// Of the busiest link, in its busier direction.
    pub max_utilisation: f64,
    /// The mean over the links that are up.
    pub mean_utilisation: f64,
    /// The mean over what has a route, weighted by rate; 0 if nothing has.
    pub mean_latency_ms: f64,
    /// Of the flow with the longest way.
    pub worst_latency_ms: f64,
    /// The traffic that predicted failures are expected to hit: rate times the risk of the route, summed up.
    pub traffic_at_risk_mbps: f64,
    /// Flows that do not arrive, not whole, too late, or over a link that is too narrow.
    pub sla_violations: usize,
}

impl Measures {
    pub(crate) fn take(topology: &Topology, conditions: &Conditions, routing: &Routing, gauge: &Gauge) -> Self {
        let mut links = LinkSums::default();
        for (link, capacity) in conditions.capacity_bps.iter().enumerate().filter(|(_, capacity)| **capacity > 0) {
            links.add(routing.busiest_bps(link), *capacity, gauge);
        }
        let shares = links.is_overloaded.then(|| Shares::new(conditions, routing, gauge));
        let mut flows = FlowSums::default();
        for (demand, (route, bps)) in routing.routes.iter().zip(&conditions.demand_bps).enumerate() {
            let Some(route) = route else {
                flows.add_unreachable(*bps);
                continue;
            };
            let share = shares.as_ref().map_or(1.0, |shares| shares.of(&route.hops, gauge.is_critical(demand)));
            let is_kept = share >= 1.0 && gauge.is_allowed(route, conditions);
            flows.add(*bps, share, route.nanos, gauge.route_risk(topology, &route.hops), is_kept);
        }
        let routed_bps = flows.bps - flows.unreachable_bps;
        Self {
            demand_mbps: to_mbps(flows.bps),
            carried_mbps: to_mbps(flows.carried_bps),
            unreachable_mbps: to_mbps(flows.unreachable_bps),
            unreachable_flows: flows.unreachable,
            congested_links: links.congested,
            max_utilisation: links.busiest,
            mean_utilisation: if links.up == 0 { 0.0 } else { links.sum / links.up as f64 },
            mean_latency_ms: if routed_bps == 0 { 0.0 } else { flows.bps_nanos as f64 / routed_bps as f64 / 1e6 },
            worst_latency_ms: to_ms(flows.most_nanos),
            traffic_at_risk_mbps: to_mbps(flows.at_risk_bps),
            sla_violations: flows.violations,
        }
    }
}

#[derive(Default)]
struct LinkSums {
    up: usize,
    congested: usize,
    is_overloaded: bool,
    busiest: f64,
    sum: f64,
}

impl LinkSums {
    fn add(&mut self, load: u64, capacity: u64, gauge: &Gauge) {
        let utilisation = load as f64 / capacity as f64;
        self.up += 1;
        self.congested += usize::from(load > gauge.most_load(capacity));
        self.is_overloaded |= load > capacity;
        self.busiest = self.busiest.max(utilisation);
        self.sum += utilisation;
    }
}

/// Sums of whole numbers, so that their order does not matter.
#[derive(Default)]
struct FlowSums {
    bps: u64,
    carried_bps: u64,
    unreachable_bps: u64,
    unreachable: usize,
    bps_nanos: u128,
    most_nanos: u64,
    at_risk_bps: u64,
    violations: usize,
}

impl FlowSums {
    fn add_unreachable(&mut self, bps: u64) {
        self.bps += bps;
        self.unreachable_bps += bps;
        self.unreachable += 1;
        self.violations += 1;
    }

    fn add(&mut self, bps: u64, share: f64, nanos: u64, risk: f64, is_kept: bool) {
        self.bps += bps;
        self.carried_bps += if share >= 1.0 { bps } else { (bps as f64 * share) as u64 };
        self.bps_nanos += u128::from(bps) * u128::from(nanos);
        self.most_nanos = self.most_nanos.max(nanos);
        self.at_risk_bps += (bps as f64 * risk).round() as u64;
        self.violations += usize::from(!is_kept);
    }
}

/// What share of their rate flows get on each hop.
struct Shares {
    critical: Vec<f64>,
    others: Vec<f64>,
}

impl Shares {
    fn new(conditions: &Conditions, routing: &Routing, gauge: &Gauge) -> Self {
        let mut critical_bps = vec![0_u64; routing.loads_bps.len()];
        for (demand, route) in routing.routes.iter().enumerate().filter(|(demand, _)| gauge.is_critical(*demand)) {
            for hop in route.iter().flat_map(|route| &route.hops) {
                if let Some(load) = critical_bps.get_mut(hop.index()) {
                    *load += conditions.demand(demand);
                }
            }
        }
        let share = |room: u64, load: u64| if load <= room { 1.0 } else { room as f64 / load as f64 };
        let capacity = |hop: usize| conditions.capacity(hop / 2);
        let critical = critical_bps.iter().enumerate().map(|(hop, load)| share(capacity(hop), *load)).collect();
        let others = routing.loads_bps.iter().zip(&critical_bps).enumerate();
        let others = others.map(|(hop, (load, critical))| share(capacity(hop).saturating_sub(*critical), load - critical));
        Self { critical, others: others.collect() }
    }

    /// The smallest share along a route.
    fn of(&self, hops: &[Hop], is_critical: bool) -> f64 {
        let shares = if is_critical { &self.critical } else { &self.others };
        hops.iter().filter_map(|hop| shares.get(hop.index())).copied().fold(1.0, f64::min)
    }
}
