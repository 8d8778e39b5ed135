//! Shortest routes, maximum flows and betweenness against networkx: see `tests/golden/networkx_golden.py`.

use std::collections::BTreeMap;

use lakehouse_network::{
    Topology,
    routing::{betweenness, max_flow_mbps, shortest_latency_ms},
    topology::KIND_CAPACITIES_MBPS,
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
}

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
    let compared = golden.shortest_ms.len() + golden.max_flow_mbps.len() + golden.betweenness.len();
    println!("{graph}: {compared} values equal those of networkx {}", golden.networkx);
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
