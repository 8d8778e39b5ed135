//! What if: a network under other conditions, compared with what it is now.
//!
//! A [`Scenario`] says what differs from the topology: failures, load, capacities, reserves, held routes. It has no order;
//! it is a state, not a sequence. [`simulate`] routes every flow anew in both states and lists what changed.

mod compare;
mod resolve;
mod scenario;

pub use compare::{FlowChange, FlowState, LinkChange, LinkState, Simulation, SimulationError, simulate};
pub(crate) use resolve::resolve;
pub use scenario::{CapacityAddition, ReserveShift, Scenario, ScenarioError};
