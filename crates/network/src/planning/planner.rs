//! The course of planning: in which order objectives are pursued, and what is written down about each action.

use super::{
    Action, Claim, ClaimQuantity, Effect, EstimatedGain, Objective, Plan, PlanError, PlanRequest, PlannedAction,
    confidence::Evidence, isolate, relieve, reroute, situation::Situation, unmet,
};
use crate::{
    routing::{Gauge, Measures},
    simulation::resolve,
    topology::Topology,
    units::{to_mbps, to_ms},
};

/// Chooses actions for what is asked.
///
/// # Errors
///
/// If the request names what the topology does not have, or holds numbers that cannot be. A request that cannot be met is no
/// error: see [`Plan::unmet`].
pub fn plan(topology: &Topology, request: &PlanRequest) -> Result<Plan, PlanError> {
    request.settings.check()?;
    for id in &request.context.impacted {
        if topology.node(id).is_none() && topology.link(id).is_none() {
            return Err(PlanError::UnknownImpacted { id: id.clone() });
        }
    }
    let gauge = Gauge::new(topology, &request.yardstick())?;
    let conditions = resolve(topology, &request.scenario)?;
    let mut planner = Planner::new(Situation::new(topology, &gauge, conditions, request.settings.high_risk), request);
    if request.pursues(Objective::MinimizeRisk) {
        isolate::impacted_nodes(&mut planner);
    }
    if request.pursues(Objective::PreserveCriticalFlows) {
        reroute::critical_flows(&mut planner);
    }
    reroute::flows_against_constraints(&mut planner);
    if request.pursues(Objective::MinimizeRisk) {
        reroute::risky_flows(&mut planner);
    }
    if request.relieves() {
        relieve::links_over_limit(&mut planner);
    }
    if request.pursues(Objective::MinimizeLatency) {
        reroute::long_flows(&mut planner);
    }
    Ok(planner.finish())
}

/// What an action changes a number of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject {
    Flow(usize),
    Link(usize),
    Node(usize),
}

/// A plan under way.
pub(super) struct Planner<'a> {
    pub situation: Situation<'a>,
    pub request: &'a PlanRequest,
    /// The network as it is after the actions so far.
    pub now: Measures,
    /// Flows that have been rerouted; each is so once.
    pub is_moved: Vec<bool>,
    start: Measures,
    actions: Vec<PlannedAction>,
    rationale: Vec<String>,
    evidence: Evidence<'a>,
}

impl<'a> Planner<'a> {
    fn new(situation: Situation<'a>, request: &'a PlanRequest) -> Self {
        let now = situation.measures();
        let mut planner = Self {
            now,
            start: now,
            is_moved: vec![false; situation.topology.demands().len()],
            actions: Vec::new(),
            rationale: Vec::new(),
            evidence: Evidence::new(situation.topology),
            situation,
            request,
        };
        if now.unreachable_flows > 0 {
            planner.say(format!("{} flows have no route at all: no action here can help them", now.unreachable_flows));
        }
        planner
    }

    pub fn say(&mut self, sentence: impl Into<String>) {
        self.rationale.push(sentence.into());
    }

    /// How many actions have been taken.
    pub fn taken(&self) -> usize {
        self.actions.len()
    }

    pub fn is_full(&self) -> bool {
        self.taken() >= self.request.settings.most_actions
    }

    /// Takes an action: `change` is what it does to the situation, `subjects` are what it is about, `touched` the links that
    /// have to bear it.
    pub fn take(
        &mut self,
        action: Action,
        reason: String,
        subjects: &[(ClaimQuantity, Subject)],
        touched: &[usize],
        change: impl FnOnce(&mut Situation<'a>),
    ) {
        let before = self.values(subjects);
        change(&mut self.situation);
        let after = self.values(subjects);
        let claims = subjects.iter().zip(before.into_iter().zip(after)).map(|((quantity, subject), (before, after))| Claim {
            quantity: *quantity,
            subject: self.name(*subject),
            before,
            after,
        });
        let claims = claims.collect();
        let expected = Effect { before: self.now, after: self.situation.measures() };
        self.now = expected.after;
        let confidence = self.evidence.of(&action, touched, &self.situation);
        self.actions.push(PlannedAction { action, reason, expected, claims, confidence });
    }

    fn values(&self, subjects: &[(ClaimQuantity, Subject)]) -> Vec<f64> {
        let situation = &self.situation;
        let value = |(quantity, subject): &(ClaimQuantity, Subject)| match (quantity, subject) {
            (ClaimQuantity::FlowLatencyMs, Subject::Flow(flow)) => {
                situation.routing.route(*flow).map_or(0.0, |route| to_ms(route.nanos))
            }
            (ClaimQuantity::FlowRisk, Subject::Flow(flow)) => situation.risk(*flow),
            (ClaimQuantity::LinkUtilisation, Subject::Link(link)) => situation.utilisation(*link),
            (ClaimQuantity::LinkCapacityMbps, Subject::Link(link)) => to_mbps(situation.conditions.capacity(*link)),
            (ClaimQuantity::NodeTransitMbps, Subject::Node(node)) => to_mbps(situation.transit_bps(*node)),
            _ => 0.0,
        };
        subjects.iter().map(value).collect()
    }

    pub fn name(&self, subject: Subject) -> String {
        let situation = &self.situation;
        match subject {
            Subject::Flow(flow) => situation.flow_id(flow).to_owned(),
            Subject::Link(link) => situation.link_id(link).to_owned(),
            Subject::Node(node) => situation.topology.nodes().nth(node).map_or_else(String::new, |node| node.id.clone()),
        }
    }

    fn finish(mut self) -> Plan {
        if self.is_full() {
            self.say(format!("the plan ends at its longest, {} actions", self.request.settings.most_actions));
        }
        if self.actions.is_empty() {
            self.say("no action is needed, or none helps");
        }
        let expected = Effect { before: self.start, after: self.now };
        let share = |measures: Measures| {
            if measures.demand_mbps > 0.0 { measures.traffic_at_risk_mbps / measures.demand_mbps } else { 0.0 }
        };
        let avoided = self.start.sla_violations.saturating_sub(self.now.sla_violations);
        let unmet = unmet::constraints(&mut self.situation, self.request);
        for unmet in &unmet {
            self.rationale.push(unmet.explanation.clone());
        }
        Plan {
            actions: self.actions,
            rationale: self.rationale,
            estimated_gain: EstimatedGain { risk_delta: share(self.now) - share(self.start), sla_violations_avoided: avoided },
            expected,
            unmet,
        }
    }
}
