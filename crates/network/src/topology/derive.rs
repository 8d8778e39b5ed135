//! Values for what a file does not state about nodes and links.

use serde::{Deserialize, Serialize};

use super::{Derivation, NodeKind, Quantity, Topology, TopologyError, notes::Notes};
use crate::{
    routing::{Conditions, Routing},
    units::to_bps,
};

/// Capacity of a link by the lesser kind of its two nodes, in Mbps: optical carriers of 40, 10 and 2.5 Gbps.
pub const KIND_CAPACITIES_MBPS: [(NodeKind, f64); 3] =
    [(NodeKind::Core, 40_000.0), (NodeKind::Aggregation, 10_000.0), (NodeKind::Edge, 2_500.0)];

/// How far light gets in glass, in km per ms: two thirds of the speed of light.
const KM_PER_MS: f64 = 299_792.458 / 1_000.0 * 2.0 / 3.0;

/// The latency of equipment that stands side by side, in ms.
const LEAST_DERIVED_MS: f64 = 0.01;

/// Mean radius of the earth, in km.
const EARTH_KM: f64 = 6_371.008_8;

/// How values are derived that a file does not state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DerivationSettings {
    /// The latency of a link that has none, no length and no two coordinates.
    pub default_latency_ms: f64,
    /// How busy the busiest link is to be where capacities or demands are derived.
    pub busiest_utilisation: f64,
    /// About how many demands the gravity model makes; never fewer than two per node.
    pub most_demands: usize,
}

impl Default for DerivationSettings {
    fn default() -> Self {
        Self { default_latency_ms: 5.0, busiest_utilisation: 0.7, most_demands: 5_000 }
    }
}

impl DerivationSettings {
    pub(super) fn check(&self) -> Result<(), TopologyError> {
        let wrong = |setting, allowed, value| Err(TopologyError::Setting { setting, allowed, value });
        if !(0.0..=10_000.0).contains(&self.default_latency_ms) {
            return wrong("default_latency_ms", "between 0 and 10,000", self.default_latency_ms);
        }
        if !(0.01..=1.0).contains(&self.busiest_utilisation) {
            return wrong("busiest_utilisation", "between 0.01 and 1", self.busiest_utilisation);
        }
        Ok(())
    }
}

/// The kind of a node with this many links.
pub(super) fn kind_of(degree: usize, id: &str, notes: &mut Notes) -> NodeKind {
    let rule = "by its links: EDGE up to one, AGG up to three, CORE above";
    notes.add(Quantity::Kind, rule, id);
    match degree {
        0 | 1 => NodeKind::Edge,
        2 | 3 => NodeKind::Aggregation,
        _ => NodeKind::Core,
    }
}

/// What is known of a link when its missing values are derived.
pub(super) struct Partial {
    pub id: String,
    pub latency_ms: Option<f64>,
    pub length_km: Option<f64>,
    pub capacity_mbps: Option<f64>,
    /// Coordinates of both ends: latitude and longitude.
    pub places: Option<[(f64, f64); 2]>,
    /// What each end can switch.
    pub node_capacities: Option<[f64; 2]>,
    /// The lesser of the ends' kinds.
    pub kind: NodeKind,
}

/// The latency of a link in milliseconds.
pub(super) fn latency_of(link: &Partial, settings: &DerivationSettings, notes: &mut Notes) -> f64 {
    if let Some(stated) = link.latency_ms {
        return stated;
    }
    if let Some(length_km) = link.length_km {
        notes.add(Quantity::Latency, "from the stated length, at two thirds of the speed of light", &link.id);
        return propagation_ms(length_km);
    }
    if let Some([from, to]) = link.places {
        notes.add(Quantity::Latency, "from the great circle between its ends, at two thirds of the speed of light", &link.id);
        return propagation_ms(great_circle_km(from, to));
    }
    let default = settings.default_latency_ms;
    notes.add(Quantity::Latency, &format!("{default} ms, as neither length nor coordinates are known"), &link.id);
    default
}

/// To a tenth of a microsecond, so that the last bits of a platform's sines do not show.
fn propagation_ms(length_km: f64) -> f64 {
    ((length_km / KM_PER_MS * 1e4).round() / 1e4).max(LEAST_DERIVED_MS)
}

fn great_circle_km((latitude, longitude): (f64, f64), (other_latitude, other_longitude): (f64, f64)) -> f64 {
    let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
    let parallels = latitude.to_radians().cos() * other_latitude.to_radians().cos();
    let haversine = half(latitude, other_latitude) + parallels * half(longitude, other_longitude);
    2.0 * EARTH_KM * haversine.clamp(0.0, 1.0).sqrt().asin()
}

/// The capacity of a link in Mbps, given the median of those that are stated.
pub(super) fn capacity_of(link: &Partial, median: Option<f64>, notes: &mut Notes) -> f64 {
    if let Some(stated) = link.capacity_mbps {
        return stated;
    }
    if let Some([one, other]) = link.node_capacities {
        notes.add(Quantity::Capacity, "the smaller of what its two nodes can switch", &link.id);
        return one.min(other);
    }
    if let Some(median) = median {
        notes.add(Quantity::Capacity, "the median of the stated capacities", &link.id);
        return median;
    }
    notes.add(Quantity::Capacity, "by the lesser kind of its nodes: CORE 40, AGG 10, EDGE 2.5 Gbps", &link.id);
    let of_kind = KIND_CAPACITIES_MBPS.iter().find(|(kind, _)| *kind == link.kind);
    of_kind.map_or(0.0, |(_, capacity)| *capacity)
}

/// The middle of the stated values; the upper one of two.
pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Scales derived capacities to stated demands.
pub(super) fn fit_capacities(topology: &mut Topology, settings: &DerivationSettings) {
    let Some(factor) = fit(topology, settings) else { return };
    topology.scale_capacities(1.0 / factor);
    let rule = format!("multiplied by {}, so that the stated demands fit", 1.0 / factor);
    let subjects = topology.links().map(|link| link.id.clone()).collect();
    topology.add_note(Derivation { quantity: Quantity::Capacity, rule, subjects });
}

/// What the demands would have to be multiplied by to use the links as they should be.
pub(super) fn fit(topology: &Topology, settings: &DerivationSettings) -> Option<f64> {
    let routing = Routing::compute(topology, &Conditions::nominal(topology));
    let utilisations = topology.links().enumerate().map(|(index, link)| {
        let (load, capacity) = (routing.busiest_bps(index) as f64, to_bps(link.capacity_mbps).max(1) as f64);
        (load / capacity, link.utilisation)
    });
    let (mut busiest, mut routed, mut measured): (f64, f64, f64) = (0.0, 0.0, 0.0);
    for (utilisation, stated) in utilisations {
        busiest = busiest.max(utilisation);
        if let Some(stated) = stated {
            measured += stated;
            routed += utilisation;
        }
    }
    let factor = if measured > 0.0 && routed > 0.0 { measured / routed } else { settings.busiest_utilisation / busiest };
    (factor.is_finite() && factor > 0.0).then_some(factor)
}

/// A rate to the kbps, and at least that.
pub(super) fn to_kbps(mbps: f64) -> f64 {
    ((mbps * 1e3).round() / 1e3).clamp(0.001, crate::units::LARGEST_MBPS)
}

#[cfg(test)]
mod tests {
    use super::{great_circle_km, propagation_ms};

    #[test]
    fn known_distances_come_out() {
        let (paris, new_york) = ((48.8566, 2.3522), (40.7128, -74.006));
        assert!((great_circle_km(paris, new_york) - 5_837.0).abs() < 3.0);
        assert!((great_circle_km((0.0, 0.0), (0.0, 180.0)) - 20_015.1).abs() < 0.1);
        assert_eq!(propagation_ms(1_998.616_386), 10.0);
        assert_eq!(propagation_ms(0.0), 0.01);
    }
}
