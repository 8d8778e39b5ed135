//! A yardstick by index instead of by name.

use std::collections::BTreeMap;

use super::{Conditions, Hop, Route, Yardstick, YardstickError};
use crate::{
    topology::Topology,
    units::{to_bps, to_nanos},
};

#[derive(Debug, Clone)]
pub(crate) struct Gauge {
    /// The utilisation above which a link is over its limit.
    pub limit: f64,
    pub node_risk: Vec<f64>,
    pub link_risk: Vec<f64>,
    /// Per demand.
    pub is_critical: Vec<bool>,
    pub most_nanos: Option<u64>,
    pub least_bps: Option<u64>,
}

impl Gauge {
    pub fn new(topology: &Topology, yardstick: &Yardstick) -> Result<Self, YardstickError> {
        let Yardstick { congested_above, risks, constraints, critical_flows } = yardstick;
        in_range("congested_above", *congested_above, 0.01, 1.0, "between 0.01 and 1")?;
        if let Some(reserve) = constraints.reserve_pct {
            in_range("reserve_pct", reserve, 0.0, 99.0, "between 0 and 99")?;
        }
        if let Some(latency) = constraints.max_latency_ms {
            in_range("max_latency_ms", latency, 0.0, 1e9, "between 0 and 1e9")?;
        }
        if let Some(bandwidth) = constraints.min_bandwidth_mbps {
            in_range("min_bandwidth_mbps", bandwidth, 0.0, 1e9, "between 0 and 1e9")?;
        }
        let node = |id: &str| topology.node(id).map(|node| node.index());
        let link = |id: &str| topology.link(id).map(|link| link.index());
        let mut is_critical: Vec<bool> = topology.demands().iter().map(|demand| demand.is_critical).collect();
        for id in critical_flows {
            let demand = topology.demand(id).and_then(|demand| is_critical.get_mut(demand));
            *demand.ok_or_else(|| YardstickError::Unknown { what: "flow", id: id.clone() })? = true;
        }
        Ok(Self {
            limit: constraints.reserve_pct.map_or(*congested_above, |reserve| 1.0 - reserve / 100.0),
            node_risk: by_index("node", &risks.nodes, topology.nodes().len(), node)?,
            link_risk: by_index("link", &risks.links, topology.links().len(), link)?,
            is_critical,
            most_nanos: constraints.max_latency_ms.map(to_nanos),
            least_bps: constraints.min_bandwidth_mbps.map(to_bps),
        })
    }

    pub fn node_risk(&self, node: usize) -> f64 {
        self.node_risk.get(node).copied().unwrap_or(0.0)
    }

    pub fn link_risk(&self, link: usize) -> f64 {
        self.link_risk.get(link).copied().unwrap_or(0.0)
    }

    pub fn is_critical(&self, demand: usize) -> bool {
        self.is_critical.get(demand).copied().unwrap_or(false)
    }

    /// The largest load that keeps a link of this capacity within its limit.
    pub fn most_load(&self, capacity_bps: u64) -> u64 {
        (capacity_bps as f64 * self.limit).floor() as u64
    }

    /// The probability that something on the route fails, its two end nodes aside: no route can avoid those.
    pub fn route_risk(&self, topology: &Topology, hops: &[Hop]) -> f64 {
        let mut holds = 1.0;
        for (position, hop) in hops.iter().enumerate() {
            holds *= 1.0 - self.link_risk(hop.link());
            if position + 1 < hops.len() {
                holds *= 1.0 - self.node_risk(topology.fabric().head(*hop));
            }
        }
        1.0 - holds
    }

    /// Whether a route keeps to the latency and bandwidth asked for.
    pub fn is_allowed(&self, route: &Route, conditions: &Conditions) -> bool {
        let is_fast = self.most_nanos.is_none_or(|most| route.nanos <= most);
        let is_wide = |least| route.hops.iter().all(|hop| conditions.capacity(hop.link()) >= least);
        is_fast && self.least_bps.is_none_or(is_wide)
    }
}

fn by_index(
    what: &'static str,
    scores: &BTreeMap<String, f64>,
    count: usize,
    find: impl Fn(&str) -> Option<usize>,
) -> Result<Vec<f64>, YardstickError> {
    let mut risks = vec![0.0; count];
    for (id, score) in scores {
        in_range(&format!("risk of {what} {id}"), *score, 0.0, 1.0, "between 0 and 1")?;
        let risk = find(id).and_then(|index| risks.get_mut(index));
        *risk.ok_or_else(|| YardstickError::Unknown { what, id: id.clone() })? = *score;
    }
    Ok(risks)
}

fn in_range(what: &str, value: f64, least: f64, most: f64, allowed: &'static str) -> Result<(), YardstickError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(YardstickError::OutOfRange { what: what.to_owned(), value, allowed })
}
