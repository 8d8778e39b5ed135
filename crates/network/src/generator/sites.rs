//! A made-up network: sites with a core, aggregation and an edge, the cores in a chain, and some links across.

use std::collections::HashSet;

use lakehouse_generate::Random;

use super::{GenerateError, NetworkSample, subject::Stream};
use crate::{
    Topology,
    topology::{Attributes, DerivationSettings, RawLink, RawNode, RawTopology, check},
};

/// Makes up the network of a sample.
///
/// # Errors
///
/// If an argument is out of its range.
pub fn generate_topology(sample: &NetworkSample) -> Result<Topology, GenerateError> {
    sample.check()?;
    let mut plan = SitePlan {
        random: Stream::Sites.random(sample.seed),
        raw: RawTopology { name: Some(format!("sample-{}", sample.seed)), ..RawTopology::default() },
        capacities: Vec::new(),
        linked: HashSet::new(),
    };
    let (sites, per_site) = (sample.num_sites as usize, sample.nodes_per_site as usize);
    for site in 0..sites {
        plan.add_site(&site_name(site), per_site);
    }
    for site in 0..sites {
        for node in site * per_site + 1..(site + 1) * per_site {
            plan.link(node - 1, node, 100, 1_000);
        }
    }
    for site in 1..sites {
        plan.link((site - 1) * per_site, site * per_site, 1_000, 5_000);
    }
    for _ in 0..(sites / 2).max(1) {
        let pair = [(); 2].map(|()| plan.random.below((sites * per_site) as u64) as usize);
        plan.link(pair[0], pair[1], 500, 3_000);
    }
    Ok(check(plan.raw, &DerivationSettings::default())?)
}

/// `SITE_A` to `SITE_Z`, then `SITE_AA`, `SITE_AB`, ….
fn site_name(site: usize) -> String {
    let mut letters = Vec::new();
    let mut left = site + 1;
    while left > 0 {
        letters.push(char::from(b'A' + ((left - 1) % 26) as u8));
        left = (left - 1) / 26;
    }
    let letters: String = letters.iter().rev().collect();
    format!("SITE_{letters}")
}

struct SitePlan {
    random: Random,
    raw: RawTopology,
    capacities: Vec<i64>,
    linked: HashSet<(usize, usize)>,
}

impl SitePlan {
    fn add_site(&mut self, site: &str, count: usize) {
        for position in 0..count {
            let (role, least, most) = match position {
                0 => ("CORE", 5_000, 9_999),
                _ if position + 1 == count => ("EDGE", 500, 1_999),
                _ => ("AGG", 2_000, 4_999),
            };
            let capacity = self.random.between(least, most);
            let mut attributes = Attributes::default();
            for (name, value) in [("role", role), ("site", site), ("capacity_mbps", &capacity.to_string())] {
                attributes.insert(name, value);
            }
            self.raw.nodes.push(RawNode { id: format!("N{}", self.capacities.len()), attributes });
            self.capacities.push(capacity);
        }
    }

    /// Joins two nodes that are not joined yet, with a latency in hundredths of a millisecond.
    fn link(&mut self, source: usize, target: usize, least: i64, most: i64) {
        let latency = self.random.between(least, most);
        let pair = (source.min(target), source.max(target));
        if source == target || !self.linked.insert(pair) {
            return;
        }
        let capacity = |node: usize| self.capacities.get(node).copied().unwrap_or(0);
        let mut attributes = Attributes::default();
        attributes.insert("id", format!("L{}", self.raw.links.len()));
        attributes.insert("latency_ms", format!("{}.{:02}", latency / 100, latency % 100));
        attributes.insert("bandwidth_mbps", capacity(source).min(capacity(target)).to_string());
        self.raw.links.push(RawLink { source: format!("N{source}"), target: format!("N{target}"), attributes });
    }
}

#[cfg(test)]
mod tests {
    use super::{NetworkSample, generate_topology, site_name};

    #[test]
    fn sites_keep_having_names() {
        assert_eq!([0, 25, 26, 49].map(site_name), ["SITE_A", "SITE_Z", "SITE_AA", "SITE_AX"]);
    }

    #[test]
    fn the_default_network_has_fifteen_nodes_and_about_sixteen_links() {
        let topology = generate_topology(&NetworkSample::default()).unwrap();
        assert_eq!(topology.nodes().len(), 15);
        assert!((14..=16).contains(&topology.links().len()));
        assert_eq!(topology.component_count(), 1);
    }

    #[test]
    fn every_allowed_size_is_a_connected_network() {
        for (num_sites, nodes_per_site) in [(1, 1), (1, 20), (50, 1), (50, 20), (2, 2)] {
            let sample = NetworkSample { num_sites, nodes_per_site, ..NetworkSample::default() };
            let topology = generate_topology(&sample).unwrap();
            assert_eq!(topology.nodes().len(), (num_sites * nodes_per_site) as usize);
            assert_eq!(topology.component_count(), 1);
        }
    }
}
