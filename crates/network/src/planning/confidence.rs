//! How far an action's claim can be relied on.

use std::collections::HashSet;

use super::{Action, Confidence, situation::Situation};
use crate::topology::{Quantity, Topology};

/// Loads, in percent of the planned ones, under which a claim is checked.
const LOADS_PCT: std::ops::RangeInclusive<u64> = 80..=120;

/// What a claim keeps of its confidence for each kind of value it rests on that was derived instead of measured.
const DERIVED_SHARE: f64 = 0.9;

/// Which values of the topology were derived.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    capacities: HashSet<&'a str>,
    latencies: HashSet<&'a str>,
    has_derived_demands: bool,
}

impl<'a> Evidence<'a> {
    pub fn new(topology: &'a Topology) -> Self {
        let subjects = |quantity: Quantity| {
            let notes = topology.derived().iter().filter(move |note| note.quantity == quantity);
            notes.flat_map(|note| &note.subjects).map(String::as_str)
        };
        Self {
            capacities: subjects(Quantity::Capacity).collect(),
            latencies: subjects(Quantity::Latency).collect(),
            has_derived_demands: subjects(Quantity::Demand).next().is_some(),
        }
    }

    /// The confidence in an action that leaves its mark on these links, once it is taken.
    pub fn of(&self, action: &Action, touched: &[usize], after: &Situation<'_>) -> Confidence {
        let holds = |percent: &u64| {
            touched.iter().all(|link| {
                let load = u128::from(after.routing.busiest_bps(*link)) * u128::from(*percent) / 100;
                load <= u128::from(after.gauge.most_load(after.conditions.capacity(*link)))
            })
        };
        let (held, tried) = (LOADS_PCT.filter(holds).count(), LOADS_PCT.count());
        let mut value = held as f64 / tried as f64;
        let mut basis = vec![format!(
            "the links it puts traffic on stay within {:.0} % at {held} of {tried} loads between 80 and 120 % of the planned one",
            after.gauge.limit * 100.0,
        )];
        let mut rests_on = |what: &str, is_derived: bool| {
            if is_derived {
                value *= DERIVED_SHARE;
                basis.push(format!("{what} are derived, not measured: times {DERIVED_SHARE}"));
            }
        };
        let any = |derived: &HashSet<&str>| touched.iter().any(|link| derived.contains(after.link_id(*link)));
        rests_on("capacities", any(&self.capacities));
        rests_on("latencies", matches!(action, Action::Reroute { .. }) && any(&self.latencies));
        rests_on("demands", self.has_derived_demands);
        Confidence { value: (value * 1e4).round() / 1e4, basis }
    }
}
