//! Every real graph, in both of its formats.

use std::collections::HashSet;

use lakehouse_network::{
    routing::Routing,
    simulate,
    simulation::Scenario,
    topology::{DerivationSettings, Quantity, read_topology_file},
};

use crate::support::real_files;

#[test]
fn all_229_load_from_gml_and_from_json_and_are_the_same_networks() {
    let (gml, json) = (real_files("gml"), real_files("json"));
    assert_eq!((gml.len(), json.len()), (229, 229));
    for (gml, json) in gml.iter().zip(&json) {
        let [one, other] = [gml, json].map(|file| read_topology_file(file, &DerivationSettings::default()).unwrap());
        assert_eq!(gml.file_stem(), json.file_stem());
        assert!(one.nodes().eq(other.nodes()), "{}", gml.display());
        let lines = |topology: &lakehouse_network::Topology| {
            topology.links().map(|link| (link.id.clone(), link.source, link.target, link.latency_ms)).collect::<Vec<_>>()
        };
        assert_eq!(lines(&one), lines(&other), "{}", gml.display());
        assert_eq!(one.component_count(), 1);
    }
    println!("{} real graphs loaded, each from GML and JSON", gml.len());
}

#[test]
fn what_the_files_do_not_state_is_said_to_be_derived() {
    for file in real_files("json") {
        let topology = read_topology_file(&file, &DerivationSettings::default()).unwrap();
        let has_demands = file.parent().unwrap().ends_with("sndlib");
        let derived = |quantity: Quantity| -> HashSet<&str> {
            let notes = topology.derived().iter().filter(|note| note.quantity == quantity);
            notes.flat_map(|note| &note.subjects).map(String::as_str).collect()
        };
        let links: HashSet<&str> = topology.links().map(|link| link.id.as_str()).collect();
        let demands: HashSet<&str> = topology.demands().iter().map(|demand| demand.id.as_str()).collect();
        assert_eq!(derived(Quantity::Latency), links);
        assert_eq!(derived(Quantity::Capacity), links);
        assert_eq!(derived(Quantity::Demand), if has_demands { HashSet::new() } else { demands.clone() });
        assert_eq!(derived(Quantity::Criticality), demands);
    }
}

#[test]
fn the_busiest_link_of_every_real_graph_is_used_to_seventy_percent() {
    for file in real_files("json") {
        let topology = read_topology_file(&file, &DerivationSettings::default()).unwrap();
        let now = simulate(&topology, &Scenario::default(), &Scenario::default(), &Default::default()).unwrap();
        let utilisation = now.before.max_utilisation;
        assert!((utilisation - 0.7).abs() < 0.01, "{}: {utilisation}", file.display());
        assert_eq!(now.before.unreachable_flows, 0);
        assert!(Routing::nominal(&topology).congested(&topology, 0.8).is_empty());
    }
}
