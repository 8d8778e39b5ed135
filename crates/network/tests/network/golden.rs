//! Shortest routes, maximum flows and betweenness against networkx: see `tests/golden/networkx_golden.py`.

use std::collections::BTreeMap;

use lakehouse_network::{
    Constraints, PlanRequest, Risks, Scenario, Topology, Yardstick, plan,
    planning::{Objective, PlanSettings},
    routing::{betweenness, max_flow_mbps, shortest_latency_ms},
    simulate,
    topology::{KIND_CAPACITIES_MBPS, Link},
};
use petgraph::graph::NodeIndex;
use serde::Deserialize;

use crate::support::real;

#[derive(Deserialize)]
struct Golden {
    networkx: String,
    nodes: usize,
    links: usize,
    shortest_ms: Vec<(String, String, f64)>,
    max_flow_mbps: Vec<(String, String, f64)>,
    betweenness: BTreeMap<String, f64>,
    /// The ends of a link that is down, and the shortest routes then; none where there is none.
    without: Vec<(String, String, Vec<Route>)>,
}

/// Source, target and latency.
type Route = (String, String, Option<f64>);

fn assert_golden(graph: &str, golden: &str) {
    let golden: Golden = serde_json::from_str(golden).unwrap();
    let topology = real(&format!("{graph}.json"));
    assert_eq!((topology.nodes().len(), topology.links().len()), (golden.nodes, golden.links));
    let node = |id: &str| topology.node(id).unwrap();
    let close = |what: &str, expected: f64, found: f64| {
        assert!((expected - found).abs() <= 1e-9 * expected.abs().max(1.0), "{graph}: {what}: {expected}, not {found}");
    };
    for (source, target, expected) in &golden.shortest_ms {
        close("latency", *expected, shortest_latency_ms(&topology, node(source), node(target)).unwrap());
    }
    let scale = capacity_scale(&topology);
    for (source, target, expected) in &golden.max_flow_mbps {
        let found = max_flow_mbps(&topology, node(source), node(target)).unwrap() / scale;
        assert!((expected - found).abs() < 1e-3, "{graph}: flow {source} to {target}: {expected}, not {found}");
    }
    let found = betweenness(&topology);
    for (id, expected) in &golden.betweenness {
        close("betweenness", *expected, found[node(id).index()]);
    }
    let simulated = assert_failures(&topology, &golden);
    let planned = assert_plans(&topology, &golden);
    let compared = golden.shortest_ms.len() + golden.max_flow_mbps.len() + golden.betweenness.len() + simulated + planned;
    println!("{graph}: {compared} values equal those of networkx {}, {planned} of them planned", golden.networkx);
}

/// The link between two nodes.
fn link_between(topology: &Topology, source: &str, target: &str) -> String {
    let ends = |link: &Link| [link.source, link.target].map(|end| topology.graph()[end].id.as_str());
    let is_it = |link: &&Link| [[source, target], [target, source]].contains(&ends(link));
    topology.links().find(is_it).unwrap().id.clone()
}

/// The flow between two nodes, whichever way it leads.
fn flow_between(topology: &Topology, source: &str, target: &str) -> Option<usize> {
    let ends = [topology.node(source).unwrap(), topology.node(target).unwrap()];
    let is_it = |ends_of: [NodeIndex; 2]| ends_of == ends || ends_of == [ends[1], ends[0]];
    topology.demands().iter().position(|demand| is_it([demand.source, demand.target]))
}

/// Plans for a predicted outage of each link, with room everywhere: flows over it go the shortest way that networkx finds without
/// it, and stay where there is none; gives how many were compared.
fn assert_plans(topology: &Topology, golden: &Golden) -> usize {
    let mut compared = 0;
    for (source, target, routes) in &golden.without {
        let risky = link_between(topology, source, target);
        let request = PlanRequest {
            objectives: vec![Objective::MinimizeRisk],
            constraints: Constraints { max_latency_ms: Some(1e4), ..Constraints::default() },
            risks: Risks { links: [(risky.clone(), 1.0)].into(), ..Risks::default() },
            scenario: Scenario { load_factor: 0.01, ..Scenario::default() },
            settings: PlanSettings { most_actions: 10_000, most_searches: 10_000, ..PlanSettings::default() },
            ..PlanRequest::default()
        };
        let plan = plan(topology, &request).unwrap();
        let after = request.scenario.with_actions(plan.actions());
        let shown = simulate(topology, &request.scenario, &after, &request.yardstick()).unwrap();
        for (s, t, expected) in routes {
            let Some(flow) = flow_between(topology, s, t).map(|flow| &shown.flows[flow]) else { continue };
            let uses = |links: &[petgraph::graph::EdgeIndex]| links.iter().any(|link| topology.graph()[*link].id == risky);
            if !uses(&flow.before.links) {
                continue;
            }
            assert_eq!(uses(&flow.after.links), expected.is_none(), "{s} to {t} around {risky}");
            let expected = expected.unwrap_or(flow.before.latency_ms);
            assert!((flow.after.latency_ms - expected).abs() < 1e-9, "{s} to {t} around {risky}: {}", flow.after.latency_ms);
            compared += 1;
        }
    }
    assert!(compared > 0);
    compared
}

/// Simulates each failure and compares the flows' latencies; gives how many were compared.
fn assert_failures(topology: &Topology, golden: &Golden) -> usize {
    let mut compared = 0;
    for (source, target, routes) in &golden.without {
        let failed = link_between(topology, source, target);
        let scenario = Scenario { failed_links: vec![failed.clone()], ..Scenario::default() };
        let simulation = simulate(topology, &Scenario::default(), &scenario, &Yardstick::default()).unwrap();
        for (s, t, expected) in routes {
            let Some(flow) = flow_between(topology, s, t) else { continue };
            let after = &simulation.flows[flow].after;
            assert_eq!(after.is_reachable, expected.is_some(), "{s} to {t} without {failed}");
            let expected = expected.unwrap_or(0.0);
            assert!(
                (after.latency_ms - expected).abs() < 1e-9,
                "{s} to {t} without {failed}: {expected}, not {}",
                after.latency_ms
            );
            compared += 1;
        }
    }
    assert!(compared > 0);
    compared
}

/// What capacities by kind were multiplied by to fit stated demands.
fn capacity_scale(topology: &Topology) -> f64 {
    let link = topology.links().next().unwrap();
    let kind = [link.source, link.target].map(|end| topology.graph()[end].kind).into_iter().max().unwrap();
    link.capacity_mbps / KIND_CAPACITIES_MBPS.iter().find(|(known, _)| *known == kind).unwrap().1
}

#[test]
fn abilene_of_the_topology_zoo() {
    assert_golden("topozoo/Abilene", include_str!("../golden/topozoo_Abilene.json"));
}

#[test]
fn abilene_of_sndlib() {
    assert_golden("sndlib/abilene", include_str!("../golden/sndlib_abilene.json"));
}

#[test]
fn geant_of_the_topology_zoo() {
    assert_golden("topozoo/Geant2012", include_str!("../golden/topozoo_Geant2012.json"));
}

#[test]
fn geant_of_sndlib() {
    assert_golden("sndlib/geant", include_str!("../golden/sndlib_geant.json"));
}

#[test]
fn no_flow_leads_from_a_node_to_itself_or_out_of_the_network() {
    let topology = real("topozoo/Abilene.json");
    let (one, outside) = (NodeIndex::new(0), NodeIndex::new(999));
    assert_eq!(max_flow_mbps(&topology, one, one), None);
    assert_eq!(max_flow_mbps(&topology, one, outside), None);
    assert_eq!(shortest_latency_ms(&topology, one, outside), None);
    assert_eq!(shortest_latency_ms(&topology, one, one), Some(0.0));
}
