//! How long routing, simulating and planning take.
//!
//! `cargo run --release -p lakehouse-network --example planning_latency [topology files]`
//!
//! Without arguments for made-up networks of 50, 150 and 600 nodes, each joined to its four nearest.
#![expect(clippy::print_stdout, reason = "an example prints what it measures")]

use std::{error::Error, fmt::Write, path::Path, time::Instant};

use lakehouse_network::{
    Constraints, PlanRequest, Risks, Scenario, Topology, Yardstick, plan,
    planning::{Objective, PlanContext},
    routing::Routing,
    simulate,
    topology::{DerivationSettings, TopologyFormat, read_topology, read_topology_file},
};

/// How often each is measured; the median is shown.
const RUNS: usize = 21;

fn main() -> Result<(), Box<dyn Error>> {
    let settings = DerivationSettings::default();
    let files: Vec<String> = std::env::args().skip(1).collect();
    println!("nodes links flows | route ms | simulate ms | plan ms (actions, unmet)");
    for file in &files {
        measure(&read_topology_file(Path::new(file), &settings)?)?;
    }
    if files.is_empty() {
        for nodes in [50, 150, 600] {
            measure(&read_topology(made_up(nodes)?.as_bytes(), TopologyFormat::Json, &settings)?)?;
        }
    }
    Ok(())
}

fn measure(topology: &Topology) -> Result<(), Box<dyn Error>> {
    let mut random = Words(7);
    let mut score = || random.below(1_000).pow(3) as f64 / 1e9;
    let risks = Risks {
        nodes: topology.nodes().map(|node| (node.id.clone(), score())).collect(),
        links: topology.links().map(|link| (link.id.clone(), score())).collect(),
    };
    let failed = topology.links().take(1).map(|link| link.id.clone()).collect();
    let scenario = Scenario { load_factor: 1.4, failed_links: failed, ..Scenario::default() };
    let request = PlanRequest {
        objectives: vec![Objective::MinimizeRisk, Objective::PreserveCriticalFlows, Objective::BalanceLoad],
        constraints: Constraints { reserve_pct: Some(20.0), ..Constraints::default() },
        // The five riskiest.
        context: PlanContext { impacted: riskiest(&risks, 5), ..PlanContext::default() },
        risks,
        scenario: scenario.clone(),
        ..PlanRequest::default()
    };
    let routed = median_ms(|| Routing::nominal(topology));
    let simulated = median_ms(|| simulate(topology, &Scenario::default(), &scenario, &Yardstick::default()));
    let planned = median_ms(|| plan(topology, &request));
    let made = plan(topology, &request)?;
    println!(
        "{:5} {:5} {:5} | {routed:8.2} | {simulated:11.2} | {planned:7.2} ({}, {})",
        topology.nodes().len(),
        topology.links().len(),
        topology.demands().len(),
        made.actions.len(),
        made.unmet.len(),
    );
    Ok(())
}

fn riskiest(risks: &Risks, count: usize) -> Vec<String> {
    let mut nodes: Vec<(&String, &f64)> = risks.nodes.iter().collect();
    nodes.sort_by(|one, other| other.1.total_cmp(one.1));
    nodes.into_iter().take(count).map(|(id, _)| id.clone()).collect()
}

fn median_ms<T>(work: impl Fn() -> T) -> f64 {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(work());
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

/// Nodes scattered over a map, each joined to its four nearest.
fn made_up(count: usize) -> Result<String, std::fmt::Error> {
    let mut random = Words(42);
    let places: Vec<(f64, f64)> =
        (0..count).map(|_| (36.0 + random.below(1_900) as f64 / 100.0, random.below(3_000) as f64 / 100.0 - 5.0)).collect();
    let mut text = String::from(r#"{"nodes": ["#);
    for (node, (latitude, longitude)) in places.iter().enumerate() {
        let comma = if node == 0 { "" } else { "," };
        write!(text, r#"{comma}{{"id": {node}, "latitude": {latitude}, "longitude": {longitude}}}"#)?;
    }
    text.push_str(r#"], "links": ["#);
    let mut links = std::collections::BTreeSet::new();
    for (node, place) in places.iter().enumerate() {
        let distance = |other: usize| (places[other].0 - place.0).powi(2) + (places[other].1 - place.1).powi(2);
        let mut others: Vec<usize> = (0..count).filter(|other| *other != node).collect();
        others.sort_by(|one, other| distance(*one).total_cmp(&distance(*other)));
        links.extend(others.iter().take(4).map(|other| (node.min(*other), node.max(*other))));
    }
    for (position, (source, target)) in links.iter().enumerate() {
        let comma = if position == 0 { "" } else { "," };
        write!(text, r#"{comma}{{"source": {source}, "target": {target}}}"#)?;
    }
    text.push_str("]}");
    Ok(text)
}

/// A few random words: xorshift.
struct Words(u64);

impl Words {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
