//! A network as it was last measured: its topology, and the latest features of its nodes and links.

use std::collections::BTreeMap;

use lakehouse_models::Field;
use lakehouse_network::{
    Topology,
    topology::{DerivationSettings, TopologyError, TopologyFormat, read_topology},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// A node or a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A node.
    Node,
    /// A link.
    Link,
}

impl Kind {
    /// `node` or `link`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Link => "link",
        }
    }
}

/// The latest features of a node or link, by name.
pub type Features = BTreeMap<String, Field>;

/// A network as it was last measured.
#[derive(Debug)]
pub struct Snapshot {
    /// The network.
    pub topology: Topology,
    /// By kind and id, of what the topology has; a node or link without telemetry is not there.
    pub features: BTreeMap<(Kind, String), Features>,
}

/// States that are no network.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A line is not the JSON it should be.
    #[error("failed to read line {line} of `{state}`")]
    Line {
        /// The online state.
        state: &'static str,
        /// From 1.
        line: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The rows make no topology.
    #[error("failed to make a topology of the rows")]
    Topology(#[from] TopologyError),
}

/// A row of `entities`.
#[derive(Deserialize)]
struct Entity {
    entity_type: Kind,
    entity_id: String,
    src: String,
    dst: String,
    role: Option<String>,
    site: String,
    capacity_mbps: Option<f64>,
    nominal_latency_ms: Option<f64>,
}

/// A row of `flows`.
#[derive(Deserialize)]
struct Flow {
    flow_id: String,
    source: String,
    target: String,
    mbps: f64,
    is_critical: bool,
}

impl Snapshot {
    /// Reads the states, one JSON object a line.
    pub fn read(entities: &[u8], flows: &[u8], features: &[u8]) -> Result<Self, SnapshotError> {
        let (mut nodes, mut links) = (Vec::new(), Vec::new());
        for entity in lines::<Entity>("entities", entities)? {
            let Entity { entity_type, entity_id: id, src, dst, role, site, capacity_mbps, nominal_latency_ms } = entity;
            match entity_type {
                Kind::Node => nodes.push(json!({ "id": id, "role": role, "site": site, "capacity_mbps": capacity_mbps })),
                Kind::Link => links.push(json!({
                    "id": id, "src": src, "dst": dst, "bandwidth_mbps": capacity_mbps, "latency_ms": nominal_latency_ms,
                })),
            }
        }
        let flow = |Flow { flow_id, source, target, mbps, is_critical }: Flow| json!({ "id": flow_id, "source": source, "target": target, "mbps": mbps, "critical": is_critical });
        let demands: Vec<Value> = lines::<Flow>("flows", flows)?.into_iter().map(flow).collect();
        let document = json!({ "nodes": nodes, "links": links, "demands": demands }).to_string();
        let topology = read_topology(document.as_bytes(), TopologyFormat::Json, &DerivationSettings::default())?;
        let rows = lines::<Map<String, Value>>("dm_latest_features", features)?;
        let mut snapshot = Self { topology, features: rows.into_iter().filter_map(keyed).collect() };
        // What still sends telemetry after it was taken out of the topology can be neither planned for nor simulated.
        let features = std::mem::take(&mut snapshot.features);
        snapshot.features = features.into_iter().filter(|((kind, id), _)| snapshot.knows(*kind, id)).collect();
        Ok(snapshot)
    }

    /// Is there such a node or link?
    pub fn knows(&self, kind: Kind, id: &str) -> bool {
        match kind {
            Kind::Node => self.topology.node(id).is_some(),
            Kind::Link => self.topology.link(id).is_some(),
        }
    }

    /// The node or, if there is none of this id, the link.
    pub fn kind_of(&self, id: &str) -> Option<Kind> {
        [Kind::Node, Kind::Link].into_iter().find(|kind| self.knows(*kind, id))
    }
}

fn lines<T: for<'de> Deserialize<'de>>(state: &'static str, bytes: &[u8]) -> Result<Vec<T>, SnapshotError> {
    let lines = bytes.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    let parse =
        |(place, line)| serde_json::from_slice(line).map_err(|source| SnapshotError::Line { state, line: place + 1, source });
    lines.map(parse).collect()
}

fn keyed(row: Map<String, Value>) -> Option<((Kind, String), Features)> {
    let kind = if row.get("entity_type")? == "node" { Kind::Node } else { Kind::Link };
    let id = row.get("entity_id")?.as_str()?.to_owned();
    let field = |(name, value): (String, Value)| {
        let field = match value {
            Value::Number(number) => Field::Number(number.as_f64()?),
            Value::Bool(flag) => Field::Flag(flag),
            Value::String(text) => Field::Text(text),
            _ => return None,
        };
        Some((name, field))
    };
    Some(((kind, id), row.into_iter().filter_map(field).collect()))
}
