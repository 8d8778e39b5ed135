//! What to do about congestion and predicted outages.
//!
//! [`plan`] looks at a network under a scenario, with a predicted risk per node and link, and chooses actions:
//!
//! - **ISOLATE** a risky node that is already impacted: transit of others goes round it, if that harms nobody;
//! - **REROUTE** a flow: critical ones first, off risky and congested elements, onto a route that has room, is fast and wide
//!   enough, and is not riskier;
//! - **SHIFT_RESERVE** between two links that meet, where rerouting does not relieve the one and the other can spare it;
//! - **SCALE_UP** a link, up to a limit, where nothing else helps.
//!
//! Every action carries what is expected of it, before and after, and a confidence with its basis. The expectations are not
//! estimates: [`simulate`](crate::simulate) of the scenario [with the actions] shows the same numbers.
//! A constraint that cannot be met is named with the flow or link at which it binds and by how much ([`Plan::unmet`]).
//!
//! A plan is a function of its arguments: no clock, no chance.
//!
//! [with the actions]: crate::Scenario::with_actions

mod action;
mod confidence;
mod isolate;
mod outcome;
mod planner;
mod relieve;
mod request;
mod reroute;
mod situation;
mod unmet;

pub use action::Action;
pub use outcome::{Claim, ClaimQuantity, Confidence, Effect, EstimatedGain, Plan, PlannedAction, Unmet};
pub use planner::plan;
pub use request::{Objective, PlanContext, PlanError, PlanRequest, PlanSettings};
