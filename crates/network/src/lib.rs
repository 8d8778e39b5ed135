//! Networks of nodes and links: read, routed, simulated, planned for, and generated.
//!
//! - [`topology`] reads GML, GraphML and JSON into a checked [`Topology`], with a note on every value it had to derive.
//! - [`routing`] sends the flows over their shortest routes and adds up what that makes of the links.
//! - [`simulation`] compares a network with the same network under a [`Scenario`].
//! - [`planning`] chooses actions against congestion and predicted outages, and says what each of them will do.
//! - [`generator`] writes deterministic telemetry, incidents and firewall logs.
//!
//! Pure and synchronous; only the generator and [`topology::read_topology_file`] touch files. What is added up is added up
//! in whole numbers, and nothing depends on the order of a hash map, so equal input gives equal output.
//!
//! ```
//! use lakehouse_network::{Scenario, Yardstick, simulate, topology::{TopologyFormat, read_topology}};
//!
//! let square = br#"{"nodes": [{"id": "A"}, {"id": "B"}, {"id": "C"}, {"id": "D"}],
//!     "links": [{"id": "AB", "src": "A", "dst": "B", "latency_ms": 1, "bandwidth_mbps": 100},
//!               {"id": "BC", "src": "B", "dst": "C", "latency_ms": 1, "bandwidth_mbps": 100},
//!               {"id": "CD", "src": "C", "dst": "D", "latency_ms": 1, "bandwidth_mbps": 100},
//!               {"id": "DA", "src": "D", "dst": "A", "latency_ms": 5, "bandwidth_mbps": 100}],
//!     "demands": [{"source": "A", "target": "D", "mbps": 60}]}"#;
//! let topology = read_topology(square, TopologyFormat::Json, &Default::default())?;
//! let broken = Scenario { failed_links: vec!["BC".to_owned()], ..Scenario::default() };
//! let simulation = simulate(&topology, &Scenario::default(), &broken, &Yardstick::default())?;
//! assert_eq!((simulation.before.worst_latency_ms, simulation.after.worst_latency_ms), (3.0, 5.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod generator;
pub mod planning;
pub mod routing;
pub mod simulation;
pub mod topology;
mod units;

pub use planning::{Plan, PlanRequest, plan};
pub use routing::{Constraints, Measures, Risks, Yardstick};
pub use simulation::{Scenario, Simulation, simulate};
pub use topology::Topology;
