//! What is made of files that do not say everything.

use lakehouse_network::{
    Scenario, Topology,
    routing::Routing,
    simulate,
    topology::{DerivationSettings, NodeKind, Quantity, TopologyFormat, read_topology},
};

use crate::support::json;

fn rules(topology: &Topology, quantity: Quantity) -> Vec<(&str, Vec<&str>)> {
    let notes = topology.derived().iter().filter(|note| note.quantity == quantity);
    notes.map(|note| (note.rule.as_str(), note.subjects.iter().map(String::as_str).collect())).collect()
}

#[test]
fn a_bare_star_gets_kinds_capacities_and_demands() {
    let links: Vec<String> = (1..=5).map(|leaf| format!(r#"{{"source": 0, "target": {leaf}}}"#)).collect();
    let nodes: Vec<String> = (0..=5).map(|node| format!(r#"{{"id": {node}}}"#)).collect();
    let star = json(&format!(r#"{{"nodes": [{}], "edges": [{}]}}"#, nodes.join(","), links.join(",")));
    let kinds: Vec<NodeKind> = star.nodes().map(|node| node.kind).collect();
    assert_eq!(kinds, [&[NodeKind::Core][..], &[NodeKind::Edge; 5]].concat());
    assert!(star.links().all(|link| link.capacity_mbps == 2_500.0 && link.latency_ms == 5.0));
    assert_eq!(star.demands().len(), 30, "every pair, both ways");
    let rate = |id: &str| star.demands()[star.demand(id).unwrap()].mbps;
    assert!((rate("FLOW_0_1") / rate("FLOW_1_2") - 5.0).abs() < 1e-3, "gravity: five links weigh five times one");
    assert_eq!(star.demands().iter().filter(|demand| demand.is_critical).count(), 3, "the largest tenth");
    assert_eq!(rules(&star, Quantity::Latency)[0].0, "5 ms, as neither length nor coordinates are known");
}

#[test]
fn stated_demands_make_derived_capacities_fit() {
    let line = json(
        r#"{"nodes": [{"id": "a"}, {"id": "b"}], "links": [{"id": "ab", "src": "a", "dst": "b"}],
            "demands": {"a": {"b": 7}, "b": {"a": 3}}}"#,
    );
    assert_eq!(line.links().next().unwrap().capacity_mbps, 10.0, "7 Mbps at 70 %");
    assert_eq!(line.demands().iter().map(|demand| demand.mbps).collect::<Vec<_>>(), [7.0, 3.0]);
    let rules = rules(&line, Quantity::Capacity);
    assert!(rules.iter().any(|(rule, of)| rule.ends_with("so that the stated demands fit") && *of == ["ab"]), "{rules:?}");
}

#[test]
fn nothing_that_is_stated_is_touched() {
    let line = json(
        r#"{"nodes": [{"id": "a"}, {"id": "b"}],
            "links": [{"id": "ab", "src": "a", "dst": "b", "capacity": 5, "latency": 0, "utilisation": 1}],
            "demands": [{"id": "x", "source": "a", "target": "b", "mbps": 80, "critical": false}]}"#,
    );
    let link = line.links().next().unwrap();
    assert_eq!((link.capacity_mbps, link.latency_ms, link.utilisation), (5.0, 0.0, Some(1.0)));
    assert_eq!((line.demands()[0].mbps, line.demands()[0].is_critical), (80.0, false));
    let derived: Vec<Quantity> = line.derived().iter().map(|note| note.quantity).collect();
    assert_eq!(derived, [Quantity::Kind, Quantity::Site]);
}

#[test]
fn a_directed_file_is_read_as_two_way_links_and_says_so() {
    let topology = json(
        r#"{"directed": true, "nodes": [{"id": 1}, {"id": 2}, {"id": 3}],
            "links": [{"id": "there", "source": 1, "target": 2}, {"id": "back", "source": 2, "target": 1},
                      {"id": "twin", "source": 1, "target": 2}, {"id": "alone", "source": 3, "target": 2}]}"#,
    );
    let ids: Vec<&str> = topology.links().map(|link| link.id.as_str()).collect();
    assert_eq!(ids, ["there", "twin", "alone"]);
    let rules = rules(&topology, Quantity::Direction);
    assert_eq!(rules.iter().map(|(_, of)| of.clone()).collect::<Vec<_>>(), [vec!["there"], vec!["twin", "alone"]]);
}

#[test]
fn loops_and_empty_demands_are_left_out_and_said() {
    let topology = json(
        r#"{"nodes": [{"id": "a"}, {"id": "b"}],
            "links": [{"id": "loop", "src": "a", "dst": "a"}, {"id": "ab", "src": "a", "dst": "b"}],
            "demands": [{"id": "self", "source": "a", "target": "a", "mbps": 1}, {"id": "none", "source": "a", "target": "b",
            "mbps": 0}, {"source": "a", "target": "b", "mbps": 2}, {"source": "a", "target": "b", "mbps": 3}]}"#,
    );
    assert_eq!(topology.links().len(), 1);
    let demands: Vec<&str> = topology.demands().iter().map(|demand| demand.id.as_str()).collect();
    assert_eq!(demands, ["FLOW_a_b", "FLOW_a_b_2"]);
    let left_out: Vec<&str> = rules(&topology, Quantity::Omission).into_iter().flat_map(|(_, of)| of).collect();
    assert_eq!(left_out, ["loop", "self", "none"]);
}

#[test]
fn a_network_in_parts_routes_within_its_parts() {
    let stated = r#"{"nodes": [{"id": 1}, {"id": 2}, {"id": 3}, {"id": 4}, {"id": 5}],
        "links": [{"source": 1, "target": 2}, {"source": 3, "target": 4}]"#;
    let topology = json(&format!("{stated}}}"));
    assert_eq!((topology.component_count(), topology.demands().len()), (3, 4), "no derived demand leaves its part");
    let across = json(&format!(r#"{stated}, "demands": [{{"source": 1, "target": 5, "mbps": 4}}]}}"#));
    let now = simulate(&across, &Scenario::default(), &Scenario::default(), &Default::default()).unwrap().before;
    assert_eq!((now.unreachable_flows, now.unreachable_mbps, now.worst_latency_ms), (1, 4.0, 0.0));
}

#[test]
fn five_thousand_nodes_load_and_route() {
    let count = 5_000;
    let nodes: Vec<String> = (0..count).map(|node| format!(r#"{{"id": {node}}}"#)).collect();
    let line = (1..count).map(|node| format!(r#"{{"source": {}, "target": {node}}}"#, node - 1));
    let chords = (0..count).step_by(7).map(|node| format!(r#"{{"source": {node}, "target": {}}}"#, node * 31 % count));
    let links: Vec<String> = line.chain(chords).collect();
    let text = format!(r#"{{"nodes": [{}], "links": [{}]}}"#, nodes.join(","), links.join(","));
    let topology = json(&text);
    assert_eq!((topology.nodes().len(), topology.component_count()), (5_000, 1));
    assert_eq!(topology.demands().len(), 2 * 4_999, "each node with the best connected one, both ways");
    let routing = Routing::nominal(&topology);
    assert!((0..topology.demands().len()).all(|demand| routing.route(demand).is_some()));
}

#[test]
fn settings_decide_what_is_derived() {
    let text =
        br#"{"nodes": [{"id": 1}, {"id": 2}, {"id": 3}], "links": [{"source": 1, "target": 2}, {"source": 2, "target": 3}]}"#;
    let settings = DerivationSettings { default_latency_ms: 9.0, busiest_utilisation: 0.2, most_demands: 0 };
    let topology = read_topology(text, TopologyFormat::Json, &settings).unwrap();
    assert!(topology.links().all(|link| link.latency_ms == 9.0));
    assert_eq!(topology.demands().len(), 4, "with the best connected node only");
    let now = simulate(&topology, &Scenario::default(), &Scenario::default(), &Default::default()).unwrap().before;
    assert!((now.max_utilisation - 0.2).abs() < 1e-6);
}
