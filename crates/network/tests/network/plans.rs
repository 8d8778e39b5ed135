//! What is done about trouble.

use std::collections::BTreeMap;

use lakehouse_network::{
    Constraints, Plan, PlanRequest, Risks, Scenario, Topology, plan,
    planning::{Action, Objective, PlanContext, PlanSettings},
    simulate,
};

use crate::routes::network;

/// a to d over b (short) or over c (longer), and straight (longest).
fn diamond(flows: &[(&str, &str, f64)]) -> Topology {
    network(
        &[
            ("ab", "a", "b", 1.0, 100.0),
            ("bd", "b", "d", 1.0, 100.0),
            ("ac", "a", "c", 2.0, 100.0),
            ("cd", "c", "d", 2.0, 100.0),
            ("ad", "a", "d", 9.0, 100.0),
        ],
        flows,
    )
}

fn risks(nodes: &[(&str, f64)], links: &[(&str, f64)]) -> Risks {
    let scores = |of: &[(&str, f64)]| of.iter().map(|(id, risk)| ((*id).to_owned(), *risk)).collect::<BTreeMap<_, _>>();
    Risks { nodes: scores(nodes), links: scores(links) }
}

fn request(objectives: &[Objective], risks: Risks) -> PlanRequest {
    PlanRequest { objectives: objectives.to_vec(), risks, ..PlanRequest::default() }
}

fn actions(plan: &Plan) -> Vec<Action> {
    plan.actions().cloned().collect()
}

fn reroute(flow: &str, via: &[&str]) -> Action {
    Action::Reroute { flow: flow.to_owned(), via: via.iter().map(|link| (*link).to_owned()).collect() }
}

#[test]
fn a_flow_over_a_risky_link_goes_round_it() {
    let topology = diamond(&[("a", "d", 10.0)]);
    let plan = plan(&topology, &request(&[Objective::MinimizeRisk], risks(&[], &[("bd", 0.8)]))).unwrap();
    assert_eq!(actions(&plan), [reroute("FLOW_a_d", &["ac", "cd"])]);
    assert_eq!(plan.actions[0].reason, "predicted outage: FLOW_a_d goes from 2.00 ms at a risk of 0.80 to 4.00 ms at 0.00");
    assert_eq!((plan.expected.before.traffic_at_risk_mbps, plan.expected.after.traffic_at_risk_mbps), (8.0, 0.0));
    assert!((plan.estimated_gain.risk_delta + 0.8).abs() < 1e-9);
    assert!(plan.unmet.is_empty());
}

#[test]
fn a_detour_that_would_be_too_long_is_not_taken() {
    let topology = diamond(&[("a", "d", 10.0)]);
    let mut asked = request(&[Objective::MinimizeRisk], risks(&[], &[("bd", 0.8)]));
    asked.constraints.max_latency_ms = Some(3.0);
    let refused = plan(&topology, &asked).unwrap();
    assert_eq!(actions(&refused), []);
    assert!(refused.rationale[0].contains("1 without a better route"), "{:?}", refused.rationale);
    asked.constraints.max_latency_ms = Some(4.0);
    assert_eq!(actions(&plan(&topology, &asked).unwrap()).len(), 1);
}

#[test]
fn critical_flows_choose_first() {
    // Each wants the way over c, which has room for one.
    let topology = diamond(&[("a", "d", 70.0), ("!a", "d", 60.0)]);
    let both = [Objective::MinimizeRisk, Objective::PreserveCriticalFlows];
    let mut asked = request(&both, risks(&[("b", 0.9)], &[("ad", 0.5)]));
    asked.settings.congested_above = 1.0;
    let first = plan(&topology, &asked).unwrap();
    assert_eq!(actions(&first), [reroute("FLOW_a_d_2", &["ac", "cd"]), reroute("FLOW_a_d", &["ad"])]);
    // Told otherwise, the larger of two critical flows.
    asked.context.critical_flows = vec!["FLOW_a_d".to_owned()];
    assert_eq!(actions(&plan(&topology, &asked).unwrap())[0], reroute("FLOW_a_d", &["ac", "cd"]));
}

#[test]
fn an_impacted_risky_node_is_isolated_and_a_merely_risky_one_is_not() {
    let topology = diamond(&[("a", "d", 10.0), ("a", "d", 20.0)]);
    let mut asked = request(&[Objective::MinimizeRisk], risks(&[("b", 0.9)], &[]));
    assert!(actions(&plan(&topology, &asked).unwrap()).iter().all(|action| matches!(action, Action::Reroute { .. })));
    asked.context = PlanContext { impacted: vec!["b".to_owned()], ..PlanContext::default() };
    let isolated = plan(&topology, &asked).unwrap();
    assert_eq!(actions(&isolated), [Action::Isolate { node: "b".to_owned() }]);
    assert_eq!((isolated.actions[0].claims[0].before, isolated.actions[0].claims[0].after), (30.0, 0.0));
}

#[test]
fn a_node_whose_isolation_would_cut_somebody_off_stays() {
    let line = network(&[("ab", "a", "b", 1.0, 100.0), ("bc", "b", "c", 1.0, 100.0)], &[("a", "c", 10.0)]);
    let mut asked = request(&[Objective::MinimizeRisk], risks(&[("b", 0.9)], &[]));
    asked.context.impacted = vec!["b".to_owned()];
    let plan = plan(&line, &asked).unwrap();
    assert_eq!(actions(&plan), []);
    assert_eq!(plan.rationale[0], "node b is risky and impacted, but isolating it would cut off 1 flows");
}

#[test]
fn a_congested_link_is_relieved_by_moving_what_is_not_critical() {
    let topology = diamond(&[("!a", "d", 60.0), ("a", "d", 50.0)]);
    let plan = plan(&topology, &request(&[Objective::BalanceLoad], Risks::default())).unwrap();
    assert_eq!(actions(&plan), [reroute("FLOW_a_d_2", &["ac", "cd"])]);
    assert_eq!((plan.expected.before.congested_links, plan.expected.after.congested_links), (2, 0));
    assert_eq!(plan.estimated_gain.sla_violations_avoided, 1, "10 of 110 Mbps were lost, by the one that is not critical");
}

#[test]
fn where_no_flow_can_move_a_neighbour_lends_its_reserve() {
    let topology = network(&[("ab", "a", "b", 1.0, 100.0), ("bc", "b", "c", 1.0, 100.0)], &[("a", "b", 90.0), ("b", "c", 5.0)]);
    let plan = plan(&topology, &request(&[Objective::BalanceLoad], Risks::default())).unwrap();
    let via = ["bc".to_owned(), "ab".to_owned()];
    assert_eq!(actions(&plan), [Action::ShiftReserve { node: "b".to_owned(), via, delta_mbps: 13.0 }]);
    let claims: Vec<_> = plan.actions[0].claims.iter().map(|claim| (claim.subject.as_str(), claim.before)).collect();
    assert_eq!(claims, [("bc", 0.05), ("ab", 0.9)]);
}

#[test]
fn where_nobody_can_lend_the_link_grows_in_steps_up_to_a_limit() {
    let topology = network(&[("ab", "a", "b", 1.0, 1_000.0)], &[("a", "b", 900.0)]);
    let mut asked = request(&[Objective::BalanceLoad], Risks::default());
    let scale_up = |delta_mbps| Action::ScaleUp { via: ["ab".to_owned()], delta_mbps };
    assert_eq!(actions(&plan(&topology, &asked).unwrap()), [scale_up(200.0)], "125 are missing, a step is 100");
    asked.settings.scale_up_limit = 0.1;
    let limited = plan(&topology, &asked).unwrap();
    assert_eq!(actions(&limited), [scale_up(100.0)]);
    assert!(limited.rationale[0].ends_with("1 are after the plan"), "{:?}", limited.rationale);
    asked.settings.scale_up_limit = 0.0;
    assert_eq!(actions(&plan(&topology, &asked).unwrap()), []);
}

#[test]
fn a_flow_held_to_a_long_route_comes_back() {
    let topology = diamond(&[("a", "d", 10.0)]);
    let mut asked = request(&[Objective::MinimizeLatency], Risks::default());
    let idle = plan(&topology, &asked).unwrap();
    assert_eq!(idle.rationale, ["every flow is on its latency-shortest route already", "no action is needed, or none helps"]);
    asked.scenario.routes.insert("FLOW_a_d".to_owned(), vec!["ad".to_owned()]);
    let plan = plan(&topology, &asked).unwrap();
    assert_eq!(actions(&plan), [reroute("FLOW_a_d", &["ab", "bd"])]);
    assert_eq!((plan.expected.before.mean_latency_ms, plan.expected.after.mean_latency_ms), (9.0, 2.0));
}

#[test]
fn confidence_falls_with_scarce_room_and_with_what_was_only_derived() {
    let confidence = |mbps: f64| {
        let topology = diamond(&[("a", "d", mbps)]);
        let plan = plan(&topology, &request(&[Objective::MinimizeRisk], risks(&[], &[("bd", 0.8)]))).unwrap();
        plan.actions[0].confidence.clone()
    };
    assert_eq!(confidence(10.0).value, 1.0);
    let scarce = confidence(75.0);
    assert!((0.6..0.7).contains(&scarce.value), "80 Mbps are the limit, 106 % of the load: {scarce:?}");
    assert_eq!(
        scarce.basis,
        ["the links it puts traffic on stay within 80 % at 27 of 41 loads between 80 and 120 % of the planned one"]
    );
    let derived = crate::support::real("topozoo/Abilene.json");
    let risky = risks(&[("7", 0.9)], &[]);
    let plan = plan(&derived, &request(&[Objective::MinimizeRisk], risky)).unwrap();
    let confidence = &plan.actions[0].confidence;
    assert!(confidence.value <= 0.729, "three kinds of values are derived: {confidence:?}");
    assert_eq!(confidence.basis.len(), 4);
}

#[test]
fn a_plan_has_the_shape_its_readers_know() {
    let text = r#"{"objectives": ["minimize_risk", "preserve_critical_flows", "balance_load", "minimize_latency"],
        "constraints": {"max_latency_ms": 50, "reserve_pct": 20, "min_bandwidth_mbps": 10},
        "context": {"impacted": ["b"], "critical_flows": ["FLOW_a_d"]}}"#;
    let mut asked: PlanRequest = serde_json::from_str(text).unwrap();
    asked.risks = risks(&[], &[("bd", 0.8)]);
    let plan = serde_json::to_value(plan(&diamond(&[("a", "d", 10.0)]), &asked).unwrap()).unwrap();
    let action = &plan["actions"][0];
    assert_eq!(action["type"], "REROUTE");
    assert_eq!((&action["flow"], &action["via"]), (&"FLOW_a_d".into(), &serde_json::json!(["ac", "cd"])));
    assert!(action["confidence"]["value"].is_number() && action["expected"]["after"]["max_utilisation"].is_number());
    assert!(plan["estimated_gain"]["risk_delta"].as_f64().unwrap() < 0.0);
    assert!(plan["estimated_gain"]["sla_violations_avoided"].is_u64() && plan["rationale"].is_array());
    assert!(serde_json::from_str::<PlanRequest>(r#"{"objectives": ["world_peace"]}"#).is_err());
}

#[test]
fn a_request_that_does_not_fit_is_refused() {
    let topology = diamond(&[("a", "d", 10.0)]);
    let refused = |request: PlanRequest| {
        let error = plan(&topology, &request).unwrap_err();
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    };
    let context = PlanContext { impacted: vec!["zz".to_owned()], ..PlanContext::default() };
    let constraints = Constraints { reserve_pct: Some(100.0), ..Constraints::default() };
    let settings = PlanSettings { high_risk: -1.0, ..PlanSettings::default() };
    let scenario = Scenario { load_factor: -1.0, ..Scenario::default() };
    for (request, expected) in [
        (PlanRequest { context, ..PlanRequest::default() }, "failed to find the impacted node or link `zz`"),
        (PlanRequest { constraints, ..PlanRequest::default() }, "`reserve_pct` of 100: it must be between 0 and 99"),
        (PlanRequest { settings, ..PlanRequest::default() }, "the setting `high_risk` of -1"),
        (PlanRequest { scenario, ..PlanRequest::default() }, "a load factor of -1"),
        (request(&[], risks(&[("zz", 0.1)], &[])), "failed to find the node `zz`"),
        (request(&[], risks(&[], &[("ab", 1.5)])), "`risk of link ab` of 1.5: it must be between 0 and 1"),
    ] {
        let found = refused(request);
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn a_plan_ends_at_its_longest() {
    let flows: Vec<(&str, &str, f64)> = (0..20).map(|_| ("a", "d", 1.0)).collect();
    let topology = diamond(&flows);
    let mut asked = request(&[Objective::MinimizeRisk], risks(&[("b", 0.9)], &[]));
    asked.settings.most_actions = 3;
    let plan = plan(&topology, &asked).unwrap();
    assert_eq!(plan.actions.len(), 3);
    assert!(plan.rationale.contains(&"the plan ends at its longest, 3 actions".to_owned()), "{:?}", plan.rationale);
    let after = asked.scenario.with_actions(plan.actions());
    let shown = simulate(&topology, &asked.scenario, &after, &asked.yardstick()).unwrap();
    assert_eq!(shown.after, plan.expected.after);
}
