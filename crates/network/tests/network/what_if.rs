//! Networks under other conditions.

use std::collections::BTreeMap;

use lakehouse_network::{
    Constraints, Risks, Scenario, Simulation, Topology, Yardstick,
    planning::Action,
    simulate,
    simulation::{CapacityAddition, ReserveShift, SimulationError},
};

use crate::routes::{network, way};

/// A square a-b-c-d with a long side da, and flows from a.
fn square() -> Topology {
    network(
        &[("ab", "a", "b", 1.0, 100.0), ("bc", "b", "c", 1.0, 100.0), ("cd", "c", "d", 1.0, 100.0), ("da", "d", "a", 5.0, 100.0)],
        &[("!a", "c", 40.0), ("a", "d", 30.0), ("b", "c", 10.0)],
    )
}

fn what_if(topology: &Topology, scenario: &Scenario) -> Simulation {
    simulate(topology, &Scenario::default(), scenario, &Yardstick::default()).unwrap()
}

fn strings(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[test]
fn nothing_different_changes_nothing() {
    let shown = what_if(&square(), &Scenario::default());
    assert_eq!(shown.before, shown.after);
    assert_eq!((shown.changed_links().count(), shown.changed_flows().count()), (0, 0));
}

#[test]
fn a_failed_link_sends_its_flows_the_other_way() {
    let shown = what_if(&square(), &Scenario { failed_links: strings(&["bc"]), ..Scenario::default() });
    let changes: Vec<_> = shown.changed_links().map(|link| (link.id.as_str(), link.load_difference_mbps)).collect();
    assert_eq!(changes, [("ab", -60.0), ("bc", -80.0), ("cd", 20.0), ("da", 80.0)]);
    assert_eq!(shown.links[1].after.capacity_mbps, 0.0);
    let flows: Vec<_> = shown.changed_flows().map(|flow| (flow.before.latency_ms, flow.after.latency_ms)).collect();
    assert_eq!(flows, [(2.0, 6.0), (3.0, 5.0), (1.0, 7.0)]);
    assert_eq!(shown.after.unreachable_flows, 0);
}

#[test]
fn a_failed_node_takes_its_links_and_its_flows_along() {
    let shown = what_if(&square(), &Scenario { failed_nodes: strings(&["c"]), ..Scenario::default() });
    assert_eq!((shown.after.unreachable_flows, shown.after.unreachable_mbps), (2, 50.0));
    let down: Vec<_> = shown.links.iter().filter(|link| link.after.capacity_mbps == 0.0).map(|link| link.id.as_str()).collect();
    assert_eq!(down, ["bc", "cd"]);
    assert_eq!(shown.flows[1].after.latency_ms, 5.0, "a reaches d over da");
}

#[test]
fn an_isolated_node_keeps_its_own_flows_and_no_others() {
    let topology = square();
    let isolated = Scenario { isolated_nodes: strings(&["b"]), ..Scenario::default() };
    assert_eq!(way(&topology, &isolated, "FLOW_a_c"), "da cd");
    assert_eq!(way(&topology, &isolated, "FLOW_b_c"), "bc");
    assert_eq!(what_if(&topology, &isolated).after.unreachable_flows, 0);
}

#[test]
fn load_grows_everywhere_at_a_site_or_at_a_node() {
    let topology = square();
    let rates = |scenario: Scenario| what_if(&topology, &scenario).flows.iter().map(|flow| flow.after.mbps).collect::<Vec<_>>();
    assert_eq!(rates(Scenario { load_factor: 1.5, ..Scenario::default() }), [60.0, 45.0, 15.0]);
    let at = |id: &str, factor| BTreeMap::from([(id.to_owned(), factor)]);
    assert_eq!(rates(Scenario { node_load_factors: at("c", 2.0), ..Scenario::default() }), [80.0, 30.0, 20.0]);
    assert_eq!(rates(Scenario { site_load_factors: at("a", 0.5), ..Scenario::default() }), [20.0, 15.0, 10.0]);
}

#[test]
fn capacities_are_set_added_to_and_shifted() {
    let scenario = Scenario {
        capacities_mbps: BTreeMap::from([("ab".to_owned(), 50.0), ("cd".to_owned(), 0.0)]),
        capacity_additions: vec![CapacityAddition { link: "ab".to_owned(), delta_mbps: 25.0 }],
        reserve_shifts: vec![ReserveShift { node: "a".to_owned(), from: "da".to_owned(), to: "ab".to_owned(), delta_mbps: 60.0 }],
        ..Scenario::default()
    };
    let shown = what_if(&square(), &scenario);
    let capacities: Vec<f64> = shown.links.iter().map(|link| link.after.capacity_mbps).collect();
    assert_eq!(capacities, [135.0, 100.0, 0.0, 40.0], "a link of no capacity is down");
    assert_eq!(shown.flows[1].after.latency_ms, 5.0);
}

#[test]
fn a_held_route_is_kept_until_something_on_it_fails() {
    let topology = square();
    let held = Scenario { routes: BTreeMap::from([("FLOW_a_c".to_owned(), strings(&["da", "cd"]))]), ..Scenario::default() };
    assert_eq!(way(&topology, &held, "FLOW_a_c"), "da cd");
    let broken = Scenario { failed_links: strings(&["cd"]), ..held.clone() };
    assert_eq!(way(&topology, &broken, "FLOW_a_c"), "ab bc");
    let drained = Scenario { isolated_nodes: strings(&["d"]), ..held };
    assert_eq!(way(&topology, &drained, "FLOW_a_c"), "ab bc");
}

#[test]
fn risk_is_that_of_the_way_and_not_of_its_ends() {
    let topology = square();
    let risks = Risks {
        nodes: BTreeMap::from([("a", 0.9), ("b", 0.5), ("d", 0.3)].map(|(id, risk)| (id.to_owned(), risk))),
        links: BTreeMap::from([("bc".to_owned(), 0.2)]),
    };
    let yardstick = Yardstick { risks, ..Yardstick::default() };
    let shown = simulate(&topology, &Scenario::default(), &Scenario::default(), &yardstick).unwrap();
    let risks: Vec<f64> = shown.flows.iter().map(|flow| (flow.before.risk * 1e9).round() / 1e9).collect();
    assert_eq!(risks, [0.6, 0.6, 0.2], "1 - 0.5 * 0.8; a, b and d are ends");
    assert!((shown.before.traffic_at_risk_mbps - (0.6 * 40.0 + 0.6 * 30.0 + 0.2 * 10.0)).abs() < 1e-6);
}

#[test]
fn a_reserve_and_other_constraints_are_judged() {
    let topology = square();
    let judged = |constraints: Constraints| {
        let yardstick = Yardstick { constraints, ..Yardstick::default() };
        simulate(&topology, &Scenario::default(), &Scenario::default(), &yardstick).unwrap().before
    };
    assert_eq!(judged(Constraints::default()).congested_links, 0, "80 of 100 Mbps is at the limit, not over it");
    assert_eq!(judged(Constraints { reserve_pct: Some(25.0), ..Constraints::default() }).congested_links, 1);
    assert_eq!(judged(Constraints { max_latency_ms: Some(2.5), ..Constraints::default() }).sla_violations, 1);
    assert_eq!(judged(Constraints { min_bandwidth_mbps: Some(101.0), ..Constraints::default() }).sla_violations, 3);
}

#[test]
fn a_scenario_that_does_not_fit_is_refused_with_what_is_wrong() {
    let topology = square();
    let source = |scenario: Scenario| {
        let error = simulate(&topology, &Scenario::default(), &scenario, &Yardstick::default()).unwrap_err();
        assert_eq!(error.to_string(), "failed to apply the scenario to the topology");
        std::error::Error::source(&error).unwrap().to_string()
    };
    let shift = |node: &str, from: &str, delta_mbps| Scenario {
        reserve_shifts: vec![ReserveShift { node: node.into(), from: from.into(), to: "ab".into(), delta_mbps }],
        ..Scenario::default()
    };
    let held = |flow: &str, links: &[&str]| Scenario {
        routes: BTreeMap::from([(flow.to_owned(), strings(links))]),
        ..Scenario::default()
    };
    let load = |load_factor| Scenario { load_factor, ..Scenario::default() };
    let site = Scenario { site_load_factors: BTreeMap::from([("x".to_owned(), 1.0)]), ..Scenario::default() };
    for (scenario, expected) in [
        (Scenario { failed_links: strings(&["zz"]), ..Scenario::default() }, "failed to find the link `zz`"),
        (Scenario { failed_nodes: strings(&["zz"]), ..Scenario::default() }, "failed to find the node `zz`"),
        (site, "failed to find the site `x`"),
        (load(-1.0), "a load factor of -1"),
        (load(f64::NAN), "a load factor of NaN"),
        (load(1e9), "between 0 and 1,000"),
        (shift("c", "bc", 1.0), "failed to shift capacity at `c`: the link `ab` does not end there"),
        (shift("b", "bc", 101.0), "failed to take 101 Mbps from the link `bc`: it has 100 Mbps"),
        (held("FLOW_a_c", &["ab", "cd"]), "the link `cd` does not begin where the one before it ends"),
        (held("FLOW_a_c", &["ab"]), "its last link does not end at the flow's target"),
        (held("nobody", &[]), "failed to find the flow `nobody`"),
    ] {
        let found = source(scenario);
        assert!(found.contains(expected), "{found}");
    }
    let yardstick = Yardstick { congested_above: 7.0, ..Yardstick::default() };
    let error = simulate(&topology, &Scenario::default(), &Scenario::default(), &yardstick).unwrap_err();
    assert!(matches!(error, SimulationError::Yardstick(_)));
}

#[test]
fn scenarios_are_written_as_json_with_only_what_differs() {
    let scenario: Scenario = serde_json::from_str(r#"{"failed_links": ["ab"], "load_factor": 1.2}"#).unwrap();
    assert_eq!(scenario, Scenario { failed_links: strings(&["ab"]), load_factor: 1.2, ..Scenario::default() });
    assert!(serde_json::from_str::<Scenario>(r#"{"L3.if_util": 0.9}"#).is_err(), "unknown keys are not ignored");
    let action = Action::Isolate { node: "b".to_owned() };
    assert_eq!(scenario.with_actions([&action, &action]).isolated_nodes, ["b"]);
}
