//! Which way flows go.

use lakehouse_network::{
    Scenario, Topology, Yardstick,
    routing::{Routing, betweenness, shortest_latency_ms},
    simulate,
    topology::{DerivationSettings, TopologyFormat, read_topology_file},
};
use petgraph::algo::dijkstra;

use crate::support::{json, real_files};

/// Links as `id from to latency capacity`, flows as `from to mbps`, critical with a `!`.
pub fn network(links: &[(&str, &str, &str, f64, f64)], flows: &[(&str, &str, f64)]) -> Topology {
    let mut nodes: Vec<&str> = links.iter().flat_map(|(_, from, to, ..)| [*from, *to]).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let nodes: Vec<_> = nodes.into_iter().map(|id| serde_json::json!({"id": id})).collect();
    let links: Vec<_> = links
        .iter()
        .map(|(id, from, to, ms, mbps)| serde_json::json!({"id": id, "src": from, "dst": to, "latency": ms, "capacity": mbps}))
        .collect();
    let flows: Vec<_> = flows
        .iter()
        .map(|(from, to, mbps)| {
            let is_critical = from.starts_with('!');
            serde_json::json!({"source": from.trim_start_matches('!'), "target": to, "mbps": mbps, "critical": is_critical})
        })
        .collect();
    json(&serde_json::json!({"nodes": nodes, "links": links, "demands": flows}).to_string())
}

/// The links a flow takes, joined by spaces.
pub fn way(topology: &Topology, scenario: &Scenario, flow: &str) -> String {
    let shown = simulate(topology, scenario, scenario, &Yardstick::default()).unwrap();
    let links = shown.flows[topology.demand(flow).unwrap()].after.links.iter();
    links.map(|link| topology.graph()[*link].id.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_shortest_way_is_taken_not_the_one_with_fewest_links() {
    let topology = network(
        &[("ab", "a", "b", 1.0, 10.0), ("bc", "b", "c", 1.0, 10.0), ("ac", "a", "c", 2.5, 10.0)],
        &[("a", "c", 1.0), ("c", "a", 1.0)],
    );
    assert_eq!(way(&topology, &Scenario::default(), "FLOW_a_c"), "ab bc");
    assert_eq!(way(&topology, &Scenario::default(), "FLOW_c_a"), "bc ab", "the same way back");
}

#[test]
fn of_equally_short_ways_that_with_fewer_links_counts_and_then_the_order_of_the_file() {
    let few =
        network(&[("ab", "a", "b", 1.0, 10.0), ("bc", "b", "c", 1.0, 10.0), ("ac", "a", "c", 2.0, 10.0)], &[("a", "c", 1.0)]);
    assert_eq!(way(&few, &Scenario::default(), "FLOW_a_c"), "ac");
    let twins = [("one", "a", "b", 1.0, 10.0), ("two", "a", "b", 1.0, 10.0), ("long", "a", "b", 3.0, 99.0)];
    let twins = network(&twins, &[("a", "b", 1.0)]);
    assert_eq!(way(&twins, &Scenario::default(), "FLOW_a_b"), "one");
    let failed = |link: &str| Scenario { failed_links: vec![link.to_owned()], ..Scenario::default() };
    assert_eq!(way(&twins, &failed("one"), "FLOW_a_b"), "two");
}

#[test]
fn loads_are_counted_per_direction_and_the_busier_one_decides() {
    let topology = network(
        &[("ab", "a", "b", 1.0, 100.0), ("bc", "b", "c", 1.0, 100.0)],
        &[("a", "c", 50.0), ("c", "a", 20.0), ("a", "b", 10.0)],
    );
    let routing = Routing::nominal(&topology);
    let load = |id: &str| {
        let load = routing.load_of(topology.link(id).unwrap());
        (load.forward_mbps, load.backward_mbps)
    };
    assert_eq!((load("ab"), load("bc")), ((60.0, 20.0), (50.0, 20.0)));
    assert_eq!(routing.congested(&topology, 0.55), [topology.link("ab").unwrap()]);
    let now = simulate(&topology, &Scenario::default(), &Scenario::default(), &Yardstick::default()).unwrap().before;
    assert_eq!((now.max_utilisation, now.mean_utilisation), (0.6, 0.55));
    assert_eq!((now.worst_latency_ms, now.mean_latency_ms), (2.0, 1.875), "weighted by rate: 70 over 2 ms, 10 over 1 ms");
}

#[test]
fn where_a_link_is_too_narrow_critical_flows_are_served_first() {
    let links = [("in", "x", "b", 1.0, 1_000.0), ("ab", "a", "b", 1.0, 100.0)];
    let carried = |flows: &[(&str, &str, f64)]| {
        let topology = network(&links, flows);
        let now = simulate(&topology, &Scenario::default(), &Scenario::default(), &Yardstick::default()).unwrap().before;
        (now.demand_mbps, now.carried_mbps, now.sla_violations)
    };
    assert_eq!(carried(&[("!a", "b", 80.0), ("a", "b", 60.0)]), (140.0, 100.0, 1), "the other gets 20 of its 60");
    assert_eq!(carried(&[("!a", "b", 120.0), ("a", "b", 60.0)]), (180.0, 100.0, 2), "nothing is left for the other");
    assert_eq!(carried(&[("a", "b", 150.0), ("a", "b", 50.0)]), (200.0, 100.0, 2), "halved alike");
    assert_eq!(carried(&[("a", "b", 50.0), ("b", "a", 99.0)]), (149.0, 149.0, 0), "directions do not compete");
}

/// petgraph's own algorithm as the oracle, on every ninth real graph.
#[test]
fn routes_are_as_long_as_petgraph_says() {
    let mut compared = 0;
    for file in real_files("json").iter().step_by(9) {
        let topology = read_topology_file(file, &DerivationSettings::default()).unwrap();
        let routing = Routing::nominal(&topology);
        for source in topology.graph().node_indices().step_by(5) {
            let nanos = |ms: f64| ((ms * 1e6).round() as u64).max(1);
            let lengths = dijkstra(topology.graph(), source, None, |link| nanos(link.weight().latency_ms));
            for (index, demand) in topology.demands().iter().enumerate().filter(|(_, demand)| demand.source == source) {
                let expected = lengths[&demand.target] as f64 / 1e6;
                assert_eq!(routing.route(index).unwrap().latency_ms(), expected);
                assert_eq!(shortest_latency_ms(&topology, source, demand.target), Some(expected));
                compared += 1;
            }
        }
    }
    println!("{compared} routes compared with petgraph's");
    assert!(compared > 1_000);
}

#[test]
fn every_route_leads_from_its_source_to_its_target() {
    for file in real_files("json").iter().step_by(9) {
        let topology = read_topology_file(file, &DerivationSettings::default()).unwrap();
        let routing = Routing::nominal(&topology);
        for (index, demand) in topology.demands().iter().enumerate() {
            let mut at = demand.source;
            for link in routing.route(index).unwrap().links() {
                let link = &topology.graph()[link];
                at = if link.source == at { link.target } else { link.source };
            }
            assert_eq!(at, demand.target);
        }
    }
}

#[test]
fn the_middle_of_a_star_lies_between_all_others() {
    let spokes = [("1", "m", "a", 1.0, 1.0), ("2", "m", "b", 1.0, 1.0), ("3", "m", "c", 1.0, 1.0), ("4", "m", "c", 2.0, 1.0)];
    let topology = network(&spokes, &[]);
    let centrality = betweenness(&topology);
    assert_eq!(centrality[topology.node("m").unwrap().index()], 1.0);
    assert_eq!(centrality.iter().sum::<f64>(), 1.0);
    let ring: Vec<_> = ["ab", "bc", "cd", "da"].map(|id| (id, &id[..1], &id[1..], 1.0, 1.0)).to_vec();
    assert_eq!(betweenness(&network(&ring, &[])), [1.0 / 6.0; 4], "both ways round share");
    assert_eq!(betweenness(&json(r#"{"nodes": [{"id": 1}], "links": []}"#)), [0.0]);
}

#[test]
fn an_order_of_links_in_another_format_changes_no_length() {
    let bytes = include_bytes!("../golden/square.gml");
    let one = lakehouse_network::topology::read_topology(bytes, TopologyFormat::Gml, &DerivationSettings::default()).unwrap();
    let (a, c) = (one.node("0").unwrap(), one.node("2").unwrap());
    assert_eq!(shortest_latency_ms(&one, a, c), shortest_latency_ms(&one, c, a));
}
