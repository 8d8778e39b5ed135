//! What a plan is asked for.

use serde::{Deserialize, Serialize};

use crate::{
    routing::{Constraints, Risks, Yardstick, YardstickError},
    simulation::{Scenario, ScenarioError},
};

/// What a plan is asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanRequest {
    /// What to pursue. They are pursued in a fixed order, whatever theirs is.
    pub objectives: Vec<Objective>,
    /// What to keep to.
    pub constraints: Constraints,
    /// What the operator knows.
    pub context: PlanContext,
    /// The predicted risk of nodes and links.
    pub risks: Risks,
    /// The state to plan from.
    pub scenario: Scenario,
    /// Thresholds and limits.
    pub settings: PlanSettings,
}

impl PlanRequest {
    /// By what the plan judges the network, for a simulation of its actions.
    pub fn yardstick(&self) -> Yardstick {
        Yardstick {
            congested_above: self.settings.congested_above,
            risks: self.risks.clone(),
            constraints: self.constraints.clone(),
            critical_flows: self.context.critical_flows.clone(),
        }
    }

    /// Whether links over their limit are to be relieved.
    pub(super) fn relieves(&self) -> bool {
        self.pursues(Objective::BalanceLoad) || self.constraints.reserve_pct.is_some()
    }

    pub(super) fn pursues(&self, objective: Objective) -> bool {
        self.objectives.contains(&objective)
    }
}

/// What a plan may pursue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Less traffic over elements that are predicted to fail.
    MinimizeRisk,
    /// Critical flows on safe, wide, fast and uncongested routes.
    PreserveCriticalFlows,
    /// No link over its limit.
    BalanceLoad,
    /// Flows that are held to long routes back on shorter ones.
    MinimizeLatency,
}

/// What the operator knows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanContext {
    /// Nodes and links that already show trouble. Only such nodes may be isolated.
    pub impacted: Vec<String>,
    /// Flows that are critical in addition to those the topology marks.
    pub critical_flows: Vec<String>,
}

/// Thresholds and limits of planning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanSettings {
    /// From this score on a node or link is risky.
    pub high_risk: f64,
    /// By how much the risk of a flow's route must fall for a detour to be worth it.
    pub least_risk_gain: f64,
    /// A detour may take this many times as long, or 10 ms longer, unless a latency is asked for.
    pub longest_detour: f64,
    /// The utilisation above which a link is congested, unless a reserve is asked for.
    pub congested_above: f64,
    /// A link may grow by this share of its capacity.
    pub scale_up_limit: f64,
    /// A link grows in steps of this.
    pub scale_up_step_mbps: f64,
    /// The longest plan.
    pub most_actions: usize,
    /// How many routes are looked for before a phase of planning is given up.
    pub most_searches: usize,
}

impl Default for PlanSettings {
    fn default() -> Self {
        Self {
            high_risk: 0.6,
            least_risk_gain: 0.05,
            longest_detour: 3.0,
            congested_above: 0.8,
            scale_up_limit: 1.0,
            scale_up_step_mbps: 100.0,
            most_actions: 100,
            most_searches: 500,
        }
    }
}

impl PlanSettings {
    pub(super) fn check(&self) -> Result<(), PlanError> {
        let in_range = |what, value: f64, least: f64, most: f64, allowed| {
            if (least..=most).contains(&value) { Ok(()) } else { Err(PlanError::Setting { what, value, allowed }) }
        };
        in_range("high_risk", self.high_risk, 0.0, 1.0, "between 0 and 1")?;
        in_range("least_risk_gain", self.least_risk_gain, 0.0, 1.0, "between 0 and 1")?;
        in_range("longest_detour", self.longest_detour, 1.0, 1e3, "between 1 and 1,000")?;
        in_range("scale_up_limit", self.scale_up_limit, 0.0, 100.0, "between 0 and 100")?;
        in_range("scale_up_step_mbps", self.scale_up_step_mbps, 0.001, 1e6, "between 0.001 and 1e6")
    }
}

/// A plan that cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// The scenario does not fit the topology.
    #[error("failed to apply the scenario to the topology")]
    Scenario(#[from] ScenarioError),
    /// Risks, constraints or critical flows do not fit the topology.
    #[error("failed to apply the risks and constraints to the topology")]
    Yardstick(#[from] YardstickError),
    /// Something is said to be impacted that the topology does not have.
    #[error("failed to find the impacted node or link `{id}` in the topology")]
    UnknownImpacted {
        /// Its id.
        id: String,
    },
    /// A setting is out of its range.
    #[error("failed to accept the setting `{what}` of {value}: it must be {allowed}")]
    Setting {
        /// The setting.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What it must be.
        allowed: &'static str,
    },
}
