//! Which way flows go, and what that makes of the links.
//!
//! A flow takes its latency-shortest route; of equally short ones that with fewer links, then the one whose last links come
//! first in the topology. So routes depend on nothing but the topology and its conditions. Routes are found once per root:
//! all flows that share an end with many others are read off one tree.
//!
//! Routes do not depend on load. What a link cannot carry is shared out by [`Measures`]: critical flows first, the rest in
//! proportion.

mod betweenness;
mod conditions;
mod fabric;
mod flow;
mod gauge;
mod measures;
mod route;
mod search;
mod yardstick;

pub use betweenness::betweenness;
pub(crate) use conditions::{Conditions, NodeState};
pub(crate) use fabric::{Arc, Fabric, Hop};
pub use flow::max_flow_mbps;
pub(crate) use gauge::Gauge;
pub use measures::Measures;
pub(crate) use route::read_off;
pub use route::{LinkLoad, Route, Routing, shortest_latency_ms};
pub(crate) use search::Search;
pub use yardstick::{Constraints, Risks, Yardstick, YardstickError};
