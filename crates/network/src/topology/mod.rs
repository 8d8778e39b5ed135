//! Networks read from GML, GraphML and JSON, and checked.
//!
//! What a file states is taken as it stands. What it does not state is derived by a fixed rule, and every such value has a
//! note ([`Topology::derived`]):
//!
//! - **latency** from the stated length, else from the great circle between the coordinates, at two thirds of the speed of
//!   light; where neither is known, [`DerivationSettings::default_latency_ms`];
//! - **capacity** as the smaller of what both nodes can switch; else the median of the stated ones; else by the kinds of the
//!   two nodes ([`KIND_CAPACITIES_MBPS`]);
//! - **demands** by a gravity model: in proportion to the product of the degrees, each node with the largest of its part of
//!   the network. Which demands are critical, where no demand says so: the largest tenth;
//! - **kind** by degree, **site** by label.
//!
//! Where only one of capacity and demand is stated, the other is scaled so that the busiest link is used to
//! [`DerivationSettings::busiest_utilisation`] when all flows take their shortest routes (or, where the file has measured
//! utilisations, so that their mean is met). Where neither is, the demands are scaled.

mod check;
mod checked;
mod derive;
mod error;
mod gml;
mod graphml;
mod gravity;
mod json;
mod notes;
mod raw;
mod read;
mod write;

pub(crate) use check::check;
pub use checked::{Demand, Link, Node, NodeKind, Topology};
pub use derive::{DerivationSettings, KIND_CAPACITIES_MBPS};
pub use error::TopologyError;
pub use notes::{Derivation, Quantity};
pub(crate) use raw::{Attributes, RawLink, RawNode, RawTopology};
pub use read::{TopologyFormat, read_topology, read_topology_file};
pub use write::WrittenTopology;
