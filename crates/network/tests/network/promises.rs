//! What a plan says is what a simulation of its actions shows: over the real graphs, with random risks, loads, failures,
//! objectives and constraints.

use std::{cell::RefCell, collections::BTreeMap};

use lakehouse_network::{
    Constraints, Plan, PlanRequest, Risks, Scenario, Simulation, Topology, plan,
    planning::{Action, Claim, ClaimQuantity, Objective, PlanContext},
    simulate,
    topology::{DerivationSettings, read_topology_file},
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::support::real_files;

/// How many plans are made and replayed.
const CASES: u32 = 240;

/// What is drawn; names are found once the graph is known.
#[derive(Debug, Clone)]
struct Drawn {
    graph: prop::sample::Index,
    /// Cycled over nodes and links.
    risks: Vec<f64>,
    failed_links: Vec<prop::sample::Index>,
    impacted: Vec<prop::sample::Index>,
    critical: Vec<prop::sample::Index>,
    load_factor: f64,
    objectives: Vec<Objective>,
    constraints: Constraints,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let index = any::<prop::sample::Index>;
    let objectives =
        [Objective::MinimizeRisk, Objective::PreserveCriticalFlows, Objective::BalanceLoad, Objective::MinimizeLatency];
    let constraints = (prop::option::of(1.0..60.0_f64), prop::option::of(0.0..60.0_f64), prop::option::of(10.0..9_000.0_f64));
    let constraints = constraints.prop_map(|(max_latency_ms, reserve_pct, min_bandwidth_mbps)| Constraints {
        max_latency_ms,
        reserve_pct,
        min_bandwidth_mbps,
    });
    let elements = (
        prop::collection::vec(0.0..=1.0_f64, 7..40),
        prop::collection::vec(index(), 0..3),
        prop::collection::vec(index(), 0..40),
        prop::collection::vec(index(), 0..4),
    );
    let rest = (0.3..2.5_f64, prop::sample::subsequence(objectives.to_vec(), 1..=4), constraints);
    (index(), elements, rest).prop_map(|(graph, (risks, failed_links, impacted, critical), rest)| {
        let (load_factor, objectives, constraints) = rest;
        Drawn { graph, risks, failed_links, impacted, critical, load_factor, objectives, constraints }
    })
}

impl Drawn {
    fn request(&self, topology: &Topology) -> PlanRequest {
        let nodes: Vec<String> = topology.nodes().map(|node| node.id.clone()).collect();
        let links: Vec<String> = topology.links().map(|link| link.id.clone()).collect();
        let flows: Vec<String> = topology.demands().iter().map(|demand| demand.id.clone()).collect();
        // Cubed, so that most of the network is safe.
        let mut risks = self.risks.iter().cycle().map(|risk| risk.powi(3));
        let mut scores = |ids: &[String]| -> BTreeMap<String, f64> { ids.iter().cloned().zip(risks.by_ref()).collect() };
        let pick = |from: &[String], which: &[prop::sample::Index]| -> Vec<String> {
            which.iter().map(|index| index.get(from).clone()).collect()
        };
        PlanRequest {
            objectives: self.objectives.clone(),
            constraints: self.constraints.clone(),
            context: PlanContext { impacted: pick(&nodes, &self.impacted), critical_flows: pick(&flows, &self.critical) },
            risks: Risks { nodes: scores(&nodes), links: scores(&links) },
            scenario: Scenario {
                failed_links: pick(&links, &self.failed_links),
                load_factor: self.load_factor,
                ..Scenario::default()
            },
            ..PlanRequest::default()
        }
    }
}

#[test]
fn every_plan_keeps_its_promises() {
    let files = real_files("json");
    let counts = RefCell::new(BTreeMap::<&str, usize>::new());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, b"plans are replayed, not believed");
    let mut runner = TestRunner::new_with_rng(Config { cases: CASES, failure_persistence: None, ..Config::default() }, rng);
    runner
        .run(&drawn(), |drawn| {
            let file = drawn.graph.get(&files);
            let topology = read_topology_file(file, &DerivationSettings::default()).unwrap();
            let request = drawn.request(&topology);
            let plan = plan(&topology, &request).unwrap();
            assert_eq!(plan, lakehouse_network::plan(&topology, &request).unwrap(), "the same plan again");
            replay(&topology, &request, &plan);
            keeps_to_constraints(&topology, &request, &plan);
            let mut counts = counts.borrow_mut();
            *counts.entry("plans").or_default() += 1;
            *counts.entry("plans with unmet constraints").or_default() += usize::from(!plan.unmet.is_empty());
            for action in plan.actions() {
                *counts.entry(name(action)).or_default() += 1;
            }
            Ok(())
        })
        .unwrap();
    let counts = counts.into_inner();
    println!("made and replayed: {counts:?}");
    assert!(counts["plans"] >= 200);
    assert!(["REROUTE", "SHIFT_RESERVE", "SCALE_UP", "ISOLATE"].iter().all(|kind| counts.contains_key(kind)));
}

fn name(action: &Action) -> &'static str {
    match action {
        Action::Reroute { .. } => "REROUTE",
        Action::ShiftReserve { .. } => "SHIFT_RESERVE",
        Action::ScaleUp { .. } => "SCALE_UP",
        Action::Isolate { .. } => "ISOLATE",
    }
}

/// Every prefix of the plan, simulated from the ground up, shows what the plan said of it.
fn replay(topology: &Topology, request: &PlanRequest, plan: &Plan) {
    let yardstick = request.yardstick();
    let mut before = request.scenario.clone();
    for planned in &plan.actions {
        let after = before.with_actions([&planned.action]);
        let shown = simulate(topology, &before, &after, &yardstick).unwrap();
        assert_eq!((planned.expected.before, planned.expected.after), (shown.before, shown.after), "{:?}", planned.action);
        for claim in &planned.claims {
            assert_eq!((claim.before, claim.after), value(topology, &shown, claim), "{claim:?}");
        }
        assert!((0.0..=1.0).contains(&planned.confidence.value) && !planned.confidence.basis.is_empty());
        before = after;
    }
    let shown = simulate(topology, &request.scenario, &request.scenario.with_actions(plan.actions()), &yardstick).unwrap();
    assert_eq!((plan.expected.before, plan.expected.after), (shown.before, shown.after));
    let share = |measures: lakehouse_network::Measures| measures.traffic_at_risk_mbps / measures.demand_mbps;
    assert_eq!(plan.estimated_gain.risk_delta, share(shown.after) - share(shown.before));
}

/// What the simulation shows of what is claimed.
fn value(topology: &Topology, shown: &Simulation, claim: &Claim) -> (f64, f64) {
    let link = || shown.links.iter().find(|link| link.id == claim.subject).unwrap();
    let flow = || shown.flows.iter().find(|flow| flow.id == claim.subject).unwrap();
    match claim.quantity {
        ClaimQuantity::LinkUtilisation => (link().before.utilisation, link().after.utilisation),
        ClaimQuantity::LinkCapacityMbps => (link().before.capacity_mbps, link().after.capacity_mbps),
        ClaimQuantity::FlowLatencyMs => (flow().before.latency_ms, flow().after.latency_ms),
        ClaimQuantity::FlowRisk => (flow().before.risk, flow().after.risk),
        ClaimQuantity::NodeTransitMbps => {
            let node = topology.node(&claim.subject).unwrap();
            let transit = |is_after: bool| -> f64 {
                let passing = shown.flows.iter().zip(topology.demands()).filter_map(|(flow, demand)| {
                    let state = if is_after { &flow.after } else { &flow.before };
                    let touches = state.links.iter().any(|link| {
                        topology.graph().edge_endpoints(*link).is_some_and(|(one, other)| one == node || other == node)
                    });
                    (touches && demand.source != node && demand.target != node).then_some((state.mbps * 1e6).round() as u64)
                });
                passing.sum::<u64>() as f64 / 1e6
            };
            (transit(false), transit(true))
        }
    }
}

/// Rerouted flows keep to the constraints, nothing gets worse that must not, and what is unmet is really unmet.
fn keeps_to_constraints(topology: &Topology, request: &PlanRequest, plan: &Plan) {
    let after = request.scenario.with_actions(plan.actions());
    let shown = simulate(topology, &request.scenario, &after, &request.yardstick()).unwrap();
    assert!(shown.after.congested_links <= shown.before.congested_links);
    assert!(shown.after.unreachable_flows <= shown.before.unreachable_flows);
    assert!(shown.after.max_utilisation <= shown.before.max_utilisation.max(1.0));
    let Constraints { max_latency_ms, reserve_pct, min_bandwidth_mbps } = request.constraints;
    for action in plan.actions() {
        let Action::Reroute { flow, via } = action else { continue };
        let flow = &shown.flows[topology.demand(flow).unwrap()].after;
        assert!(max_latency_ms.is_none_or(|most| flow.latency_ms <= most + 1e-6));
        let taken: Vec<&str> = flow.links.iter().map(|link| topology.graph()[*link].id.as_str()).collect();
        assert_eq!(taken, *via);
    }
    let missed = |constraint: &str| plan.unmet.iter().find(|unmet| unmet.constraint == constraint).map_or(0, |unmet| unmet.count);
    let reachable = || shown.flows.iter().map(|flow| &flow.after).filter(|flow| flow.is_reachable);
    if let Some(most) = max_latency_ms {
        assert_eq!(missed("max_latency_ms"), reachable().filter(|flow| flow.latency_ms > most + 5e-7).count());
    }
    if reserve_pct.is_some() {
        assert_eq!(missed("reserve_pct"), shown.after.congested_links);
    }
    if let Some(least) = min_bandwidth_mbps {
        let width = |link: &petgraph::graph::EdgeIndex| shown.links[link.index()].after.capacity_mbps;
        let narrow = reachable().filter(|flow| flow.links.iter().map(width).any(|width| width < least - 5e-7)).count();
        assert_eq!(missed("min_bandwidth_mbps"), narrow);
    }
    for unmet in &plan.unmet {
        assert!(unmet.short_by > 0.0 && unmet.explanation.contains(&unmet.subject), "{unmet:?}");
    }
}
