//! What differs from the topology.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What differs from the topology; by default nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// Nodes that are down, and with them their links and the flows that begin or end there.
    pub failed_nodes: Vec<String>,
    /// Links that are down.
    pub failed_links: Vec<String>,
    /// Nodes that carry no transit: flows of others go round them.
    pub isolated_nodes: Vec<String>,
    /// Multiplies all demands.
    pub load_factor: f64,
    /// Multiplies the demands that begin or end at a site (once where both ends are there).
    pub site_load_factors: BTreeMap<String, f64>,
    /// Multiplies the demands that begin or end at a node.
    pub node_load_factors: BTreeMap<String, f64>,
    /// Capacities of links in place of the topology's; 0 takes a link down.
    pub capacities_mbps: BTreeMap<String, f64>,
    /// Capacity on top of that.
    pub capacity_additions: Vec<CapacityAddition>,
    /// Capacity moved between links that meet, after the additions.
    pub reserve_shifts: Vec<ReserveShift>,
    /// Links that a flow is held to, from its source to its target. Where one is down, the flow takes its shortest route.
    pub routes: BTreeMap<String, Vec<String>>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            failed_nodes: Vec::new(),
            failed_links: Vec::new(),
            isolated_nodes: Vec::new(),
            load_factor: 1.0,
            site_load_factors: BTreeMap::new(),
            node_load_factors: BTreeMap::new(),
            capacities_mbps: BTreeMap::new(),
            capacity_additions: Vec::new(),
            reserve_shifts: Vec::new(),
            routes: BTreeMap::new(),
        }
    }
}

/// A link made wider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapacityAddition {
    /// The link.
    pub link: String,
    /// By how much.
    pub delta_mbps: f64,
}

/// Capacity taken from one link and given to another that meets it at a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReserveShift {
    /// Where they meet.
    pub node: String,
    /// The link that becomes narrower.
    pub from: String,
    /// The link that becomes wider.
    pub to: String,
    /// By how much.
    pub delta_mbps: f64,
}

/// A scenario that cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScenarioError {
    /// It names what the topology does not have.
    #[error("failed to find the {what} `{id}` in the topology")]
    Unknown {
        /// A node, link, site or flow.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// A number is out of its range.
    #[error("failed to accept {what} of {value}: it must be {allowed}")]
    OutOfRange {
        /// What the number is.
        what: String,
        /// The number.
        value: f64,
        /// What it must be.
        allowed: &'static str,
    },
    /// A link does not end at the node at which capacity is to change hands.
    #[error("failed to shift capacity at `{node}`: the link `{link}` does not end there")]
    NotAtNode {
        /// The node.
        node: String,
        /// The link.
        link: String,
    },
    /// A link has less than is to be taken from it.
    #[error("failed to take {delta_mbps} Mbps from the link `{link}`: it has {capacity_mbps} Mbps")]
    TooMuch {
        /// The link.
        link: String,
        /// What is to be taken.
        delta_mbps: f64,
        /// What it has.
        capacity_mbps: f64,
    },
    /// The links of a held route do not lead from the flow's source to its target.
    #[error("failed to hold the flow `{flow}` to its route: {problem}")]
    BrokenRoute {
        /// The flow.
        flow: String,
        /// Where it breaks.
        problem: String,
    },
}
