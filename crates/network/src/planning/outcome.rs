//! What a plan consists of.

use serde::Serialize;

use super::Action;
use crate::routing::Measures;

/// Actions, why, and what comes of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// In the order in which they are to be taken.
    pub actions: Vec<PlannedAction>,
    /// What was found and decided, sentence by sentence.
    pub rationale: Vec<String>,
    /// What all actions together gain.
    pub estimated_gain: EstimatedGain,
    /// The network before the first and after the last action.
    pub expected: Effect,
    /// Constraints that are not met after the last action. Empty if the request is feasible.
    pub unmet: Vec<Unmet>,
}

impl Plan {
    /// The actions alone, to be simulated.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.actions.iter().map(|planned| &planned.action)
    }
}

/// An action and what is expected of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedAction {
    /// What to do.
    #[serde(flatten)]
    pub action: Action,
    /// Why.
    pub reason: String,
    /// The network before and after this action, the ones before it taken.
    pub expected: Effect,
    /// What it does to the flow, links or node it is about.
    pub claims: Vec<Claim>,
    /// How far that can be relied on.
    pub confidence: Confidence,
}

/// The network before and after.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Effect {
    /// The network before.
    pub before: Measures,
    /// The network after.
    pub after: Measures,
}

/// A number an action changes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Claim {
    /// What the number is.
    pub quantity: ClaimQuantity,
    /// The flow, link or node.
    pub subject: String,
    /// The number before.
    pub before: f64,
    /// The number after.
    pub after: f64,
}

/// What an action may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimQuantity {
    /// The latency of a flow's route.
    FlowLatencyMs,
    /// The risk of a flow's route.
    FlowRisk,
    /// The utilisation of a link.
    LinkUtilisation,
    /// The capacity of a link.
    LinkCapacityMbps,
    /// What passes through a node on its way between others.
    NodeTransitMbps,
}

/// How far a claim can be relied on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Confidence {
    /// Between 0 and 1.
    pub value: f64,
    /// What it rests on, sentence by sentence.
    pub basis: Vec<String>,
}

/// What all actions together gain.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct EstimatedGain {
    /// How the share of traffic at risk changes; negative is better.
    pub risk_delta: f64,
    /// How many more flows get what they need.
    pub sla_violations_avoided: usize,
}

/// A constraint that is not met, at the flow or link where it binds hardest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unmet {
    /// `max_latency_ms`, `reserve_pct` or `min_bandwidth_mbps`.
    pub constraint: &'static str,
    /// The flow or link.
    pub subject: String,
    /// What is asked for.
    pub required: f64,
    /// What it has after the plan.
    pub reached: f64,
    /// What it would have if nothing else mattered.
    pub best_possible: f64,
    /// By how much it misses what is asked for.
    pub short_by: f64,
    /// How many flows or links miss it.
    pub count: usize,
    /// The same in a sentence, with what binds.
    pub explanation: String,
}
