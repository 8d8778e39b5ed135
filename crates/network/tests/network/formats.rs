//! One network, however it is written down.

use lakehouse_network::{
    Topology,
    topology::{DerivationSettings, NodeKind, Quantity, TopologyFormat, read_topology},
};

use crate::support::{json, real, real_files};

const GML: &str = include_str!("../golden/square.gml");
const GRAPHML: &str = include_str!("../golden/square.graphml");
const NODE_LINK: &str = include_str!("../golden/square.json");

fn read(text: &str, format: TopologyFormat) -> Topology {
    read_topology(text.as_bytes(), format, &DerivationSettings::default()).unwrap()
}

#[test]
fn what_networkx_writes_reads_the_same_in_all_three_formats() {
    let all = [read(GML, TopologyFormat::Gml), read(GRAPHML, TopologyFormat::GraphMl), read(NODE_LINK, TopologyFormat::Json)];
    for topology in &all {
        assert_eq!(topology.name(), "square");
        let links: Vec<_> = topology.links().map(|link| (link.source.index(), link.target.index())).collect();
        assert_eq!(links, [(0, 1), (0, 1), (0, 3), (1, 2), (2, 3)], "parallel links stay, the loop at d goes");
        let capacities: Vec<f64> = topology.links().map(|link| link.capacity_mbps).collect();
        assert_eq!(capacities, [1000.5, 400.0, 1000.5, 1000.5, 1000.5], "stated, or the upper median of the stated");
        let latencies: Vec<f64> = topology.links().map(|link| link.latency_ms).collect();
        assert_eq!(latencies[0], 1.25);
        assert!((latencies[1] - 0.478).abs() < 0.001, "95 km between Zürich and Bern: {}", latencies[1]);
        assert_eq!(latencies[2..], [2.5, 0.6504, 5.0], "stated, 130 km, and the default");
        let utilisations: Vec<_> = topology.links().map(|link| link.utilisation).collect();
        assert_eq!(utilisations, [None, None, Some(0.25), None, None]);
        assert_eq!(topology.nodes().nth(2).unwrap().kind, NodeKind::Core);
        assert!(topology.is_derived(Quantity::Capacity, "L3") && !topology.is_derived(Quantity::Capacity, "L0"));
        assert!(topology.is_derived(Quantity::Omission, "L5"));
    }
    let label = |topology: &Topology| topology.nodes().next().unwrap().label.clone();
    assert_eq!([1, 2].map(|which| label(&all[which])), [r#"Zürich "HB" & <west>"#; 2]);
}

#[test]
fn measured_utilisation_scales_the_demands_that_are_derived() {
    let topology = read(NODE_LINK, TopologyFormat::Json);
    let routing = lakehouse_network::routing::Routing::nominal(&topology);
    let link = topology.link("L2").unwrap();
    let load = routing.load_of(link);
    let utilisation = load.forward_mbps.max(load.backward_mbps) / topology.graph()[link].capacity_mbps;
    assert!((utilisation - 0.25).abs() < 1e-3, "{utilisation}");
}

#[test]
fn every_real_graph_written_and_read_again_is_itself() {
    for file in real_files("json").iter().step_by(9) {
        let path = format!("{}/{}", file.parent().unwrap().file_name().unwrap().display(), file.file_name().unwrap().display());
        let topology = real(&path);
        let again = json(&topology.to_json().unwrap());
        assert_eq!(again.name(), topology.name());
        assert!(again.links().eq(topology.links()), "{path}");
        assert_eq!(again.demands(), topology.demands());
        assert_eq!(again.derived(), topology.derived());
        let shown = |topology: &Topology| {
            topology.nodes().map(|node| (node.id.clone(), node.kind, node.site.clone())).collect::<Vec<_>>()
        };
        assert_eq!(shown(&again), shown(&topology));
        assert_eq!(again.to_json().unwrap(), topology.to_json().unwrap());
    }
}

#[test]
fn the_written_form_has_the_names_its_readers_know() {
    let topology = json(
        r#"{"nodes": [{"id": "N0", "role": "CORE", "site": "SITE_A", "capacity_mbps": 5000},
                      {"id": "N1", "role": "EDGE", "site": "SITE_A", "capacity_mbps": 700}],
            "links": [{"id": "L0", "src": "N0", "dst": "N1", "latency_ms": 1.5}],
            "demands": [{"source": "N0", "target": "N1", "mbps": 5, "critical": true}]}"#,
    );
    let written: serde_json::Value = serde_json::from_str(&topology.to_json().unwrap()).unwrap();
    let node = &written["nodes"][1];
    assert_eq!((&node["id"], &node["role"], &node["site"]), (&"N1".into(), &"EDGE".into(), &"SITE_A".into()));
    assert_eq!(node["capacity_mbps"], 700.0);
    let link = &written["links"][0];
    assert_eq!((&link["src"], &link["dst"]), (&"N0".into(), &"N1".into()));
    assert_eq!((&link["latency_ms"], &link["bandwidth_mbps"]), (&1.5.into(), &700.0.into()), "the narrower node decides");
    assert_eq!(written["demands"][0]["id"], "FLOW_N0_N1");
}

#[test]
fn a_file_is_read_by_its_name_and_lends_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ring.JSON");
    std::fs::write(&file, r#"{"nodes": [{"id": 1}], "links": []}"#).unwrap();
    let settings = DerivationSettings::default();
    let topology = lakehouse_network::topology::read_topology_file(&file, &settings).unwrap();
    assert_eq!((topology.name(), topology.nodes().len(), topology.demands().len()), ("ring", 1, 0));
    for (name, expected) in [("ring.csv", "its name must end in"), ("absent.gml", "failed to read the topology")] {
        let error = lakehouse_network::topology::read_topology_file(&folder.path().join(name), &settings).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}
