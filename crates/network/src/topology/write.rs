//! The JSON form that is written and shown: `nodes` with `role` and `capacity_mbps`, `links` with `src`, `dst` and
//! `bandwidth_mbps`, and `demands`.

use petgraph::graph::NodeIndex;
use serde::Serialize;

use super::{Derivation, NodeKind, Topology};

/// A topology as it is written; read back it is the same topology, notes included.
#[derive(Debug, Serialize)]
pub struct WrittenTopology<'a> {
    name: &'a str,
    nodes: Vec<WrittenNode<'a>>,
    links: Vec<WrittenLink<'a>>,
    demands: Vec<WrittenDemand<'a>>,
    derived: &'a [Derivation],
}

#[derive(Debug, Serialize)]
struct WrittenNode<'a> {
    id: &'a str,
    role: NodeKind,
    site: &'a str,
    capacity_mbps: f64,
    label: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    latitude: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    longitude: Option<f64>,
}

#[derive(Debug, Serialize)]
struct WrittenLink<'a> {
    id: &'a str,
    src: &'a str,
    dst: &'a str,
    latency_ms: f64,
    bandwidth_mbps: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    utilisation: Option<f64>,
}

#[derive(Debug, Serialize)]
struct WrittenDemand<'a> {
    id: &'a str,
    source: &'a str,
    target: &'a str,
    mbps: f64,
    critical: bool,
}

impl Topology {
    /// The form in which a topology is written. A node that states no capacity gets the sum of its links'.
    pub fn written(&self) -> WrittenTopology<'_> {
        let id = |node: NodeIndex| self.graph().node_weight(node).map_or("", |node| node.id.as_str());
        let nodes = self.graph().node_indices().zip(self.nodes()).map(|(index, node)| WrittenNode {
            id: &node.id,
            role: node.kind,
            site: &node.site,
            capacity_mbps: node
                .capacity_mbps
                .unwrap_or_else(|| self.graph().edges(index).fold(0.0, |sum, link| sum + link.weight().capacity_mbps)),
            label: &node.label,
            latitude: node.latitude,
            longitude: node.longitude,
        });
        let links = self.links().map(|link| WrittenLink {
            id: &link.id,
            src: id(link.source),
            dst: id(link.target),
            latency_ms: link.latency_ms,
            bandwidth_mbps: link.capacity_mbps,
            utilisation: link.utilisation,
        });
        let demands = self.demands().iter().map(|demand| WrittenDemand {
            id: &demand.id,
            source: id(demand.source),
            target: id(demand.target),
            mbps: demand.mbps,
            critical: demand.is_critical,
        });
        WrittenTopology {
            name: self.name(),
            nodes: nodes.collect(),
            links: links.collect(),
            demands: demands.collect(),
            derived: self.derived(),
        }
    }

    /// The written form as JSON text.
    ///
    /// # Errors
    ///
    /// None in practice: all numbers are finite.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&self.written())
    }
}
