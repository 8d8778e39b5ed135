//! What cannot be had, and why.

use lakehouse_network::{
    Constraints, PlanRequest, plan,
    planning::{Objective, Unmet},
};

use crate::routes::network;

fn unmet(topology: &lakehouse_network::Topology, constraints: Constraints) -> Vec<Unmet> {
    let objectives = vec![Objective::PreserveCriticalFlows, Objective::BalanceLoad];
    plan(topology, &PlanRequest { objectives, constraints, ..PlanRequest::default() }).unwrap().unmet
}

#[test]
fn no_route_is_fast_enough() {
    let topology = network(&[("ab", "a", "b", 10.0, 100.0), ("bc", "b", "c", 15.0, 100.0)], &[("a", "c", 1.0), ("!a", "b", 1.0)]);
    let unmet = unmet(&topology, Constraints { max_latency_ms: Some(8.0), ..Constraints::default() });
    assert_eq!(unmet.len(), 1);
    assert_eq!((unmet[0].constraint, unmet[0].subject.as_str(), unmet[0].count), ("max_latency_ms", "FLOW_a_c", 2));
    assert_eq!((unmet[0].required, unmet[0].best_possible, unmet[0].short_by), (8.0, 25.0, 17.0));
    assert_eq!(
        unmet[0].explanation,
        "max_latency_ms of 8 is not met by 2 flows; it binds hardest for FLOW_a_c, which takes 25.00 ms: no route is faster than 25.00 ms"
    );
}

#[test]
fn the_short_route_has_no_room() {
    // Held to the long way; the short one is full with a critical flow.
    let topology =
        network(&[("short", "a", "b", 1.0, 100.0), ("long", "a", "b", 9.0, 100.0)], &[("!a", "b", 70.0), ("a", "b", 60.0)]);
    let mut request = PlanRequest {
        constraints: Constraints { max_latency_ms: Some(5.0), ..Constraints::default() },
        ..PlanRequest::default()
    };
    request.scenario.routes.insert("FLOW_a_b_2".to_owned(), vec!["long".to_owned()]);
    let unmet = plan(&topology, &request).unwrap().unmet;
    assert_eq!((unmet[0].subject.as_str(), unmet[0].reached, unmet[0].best_possible), ("FLOW_a_b_2", 9.0, 1.0));
    assert!(unmet[0].explanation.ends_with("its shortest route of 1.00 ms has no room, is too narrow or too risky"));
}

#[test]
fn the_only_link_cannot_grow_enough() {
    let topology = network(&[("ab", "a", "b", 1.0, 100.0)], &[("a", "b", 150.0)]);
    let unmet = unmet(&topology, Constraints { reserve_pct: Some(40.0), ..Constraints::default() });
    assert_eq!((unmet[0].constraint, unmet[0].subject.as_str(), unmet[0].count), ("reserve_pct", "ab", 1));
    assert_eq!((unmet[0].required, unmet[0].reached, unmet[0].short_by), (40.0, 25.0, 15.0), "150 of 200 Mbps");
    assert!(unmet[0].explanation.contains("growing to 200 Mbps would leave 25.0 %"), "{}", unmet[0].explanation);
}

#[test]
fn every_way_is_too_narrow() {
    let topology =
        network(&[("ab", "a", "b", 1.0, 100.0), ("bc", "b", "c", 1.0, 30.0), ("ac", "a", "c", 3.0, 50.0)], &[("a", "c", 1.0)]);
    let unmet = unmet(&topology, Constraints { min_bandwidth_mbps: Some(60.0), ..Constraints::default() });
    assert_eq!((unmet[0].constraint, unmet[0].required, unmet[0].reached), ("min_bandwidth_mbps", 60.0, 30.0));
    assert_eq!((unmet[0].best_possible, unmet[0].short_by), (50.0, 30.0));
    assert!(unmet[0].explanation.ends_with("no route is wider than 50 Mbps"), "{}", unmet[0].explanation);
}

#[test]
fn what_can_be_had_leaves_nothing_unmet() {
    let topology =
        network(&[("ab", "a", "b", 1.0, 100.0), ("bc", "b", "c", 1.0, 30.0), ("ac", "a", "c", 3.0, 50.0)], &[("a", "c", 1.0)]);
    let constraints = Constraints { max_latency_ms: Some(3.0), reserve_pct: Some(50.0), min_bandwidth_mbps: Some(50.0) };
    assert_eq!(unmet(&topology, constraints), []);
}
