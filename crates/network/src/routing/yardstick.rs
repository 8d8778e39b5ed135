//! By what a state of the network is judged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What counts as congested, what is risky, and what has to be kept to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Yardstick {
    /// The utilisation above which a link is congested, unless a reserve says otherwise.
    pub congested_above: f64,
    /// Predicted risk of nodes and links; 0 where nothing is predicted.
    pub risks: Risks,
    /// What has to be kept to.
    pub constraints: Constraints,
    /// Flows that are critical in addition to those the topology marks.
    pub critical_flows: Vec<String>,
}

impl Default for Yardstick {
    fn default() -> Self {
        Self { congested_above: 0.8, risks: Risks::default(), constraints: Constraints::default(), critical_flows: Vec::new() }
    }
}

/// Scores between 0 and 1, read as the probability of an outage within the horizon of the prediction.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Risks {
    /// By node id.
    pub nodes: BTreeMap<String, f64>,
    /// By link id.
    pub links: BTreeMap<String, f64>,
}

/// What a plan has to keep to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Constraints {
    /// No flow takes longer.
    pub max_latency_ms: Option<f64>,
    /// The share of every link's capacity, in percent, that stays free.
    pub reserve_pct: Option<f64>,
    /// No link on a flow's route is narrower.
    pub min_bandwidth_mbps: Option<f64>,
}

/// A yardstick that cannot be applied.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum YardstickError {
    /// It names what the topology does not have.
    #[error("failed to find the {what} `{id}` in the topology")]
    Unknown {
        /// A node, link or flow.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// A number is out of its range.
    #[error("failed to accept `{what}` of {value}: it must be {allowed}")]
    OutOfRange {
        /// What the number is.
        what: String,
        /// The number.
        value: f64,
        /// What it must be.
        allowed: &'static str,
    },
}
