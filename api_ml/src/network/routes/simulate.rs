//! `POST /v1/simulate`

use std::collections::BTreeMap;

use axum::{Json, extract::State, response::IntoResponse};
use lakehouse_models::Field;
use lakehouse_network::{
    PlanRequest, Risks, Scenario, Simulation, Yardstick,
    planning::{Objective, PlanContext},
    routing::Measures,
    simulation::{FlowChange, LinkChange, SimulationError},
};
use lakehouse_service::{ApiResult, JsonBody, Problem, Problems};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{HORIZON_MIN, computed, plan::refused, predict::check_horizon, refusal, snapshot};
use crate::network::{
    NetworkState,
    risk::Mode,
    snapshot::{Kind, Snapshot},
};

/// Values that nodes and links report, by what they are of.
const OF_NODES: [&str; 4] = ["cpu", "mem", "if_util", "pkt_err"];
const OF_LINKS: [&str; 3] = ["if_util", "pkt_err", "latency_ms"];

/// What is asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulateBody {
    /// A name for it.
    scenario: String,
    /// Nodes and links that are down.
    #[serde(default)]
    failures: Vec<String>,
    /// `load` multiplies all demands, `N1.load` and `SITE_A.load` those of a node or site; `L3.capacity_mbps` makes a link
    /// narrower or wider; `L3.if_util` and every other value of its telemetry is set, for its risk, and for utilisation its
    /// room too.
    #[serde(default)]
    variations: BTreeMap<String, f64>,
    /// The horizon of the risks.
    #[serde(default = "horizon")]
    horizon_min: u32,
    /// By what risks are told; absent means the setting `networks.mode`.
    #[serde(default)]
    mode: Option<Mode>,
}

fn horizon() -> u32 {
    HORIZON_MIN
}

/// What would be.
#[derive(Serialize)]
struct Simulated {
    scenario: String,
    /// Of every node and link with telemetry or a failure; failed ones 1.
    risk_scores: BTreeMap<String, f64>,
    before: Measures,
    after: Measures,
    /// Links whose load or capacity changes.
    changed_links: Vec<LinkChange>,
    /// Flows whose route or rate changes.
    changed_flows: Vec<FlowChange>,
    /// Against what would be.
    recommended_plan: lakehouse_network::Plan,
}

/// What failures and other loads would do to the network, and what to do then.
#[utoipa::path(
    post, path = "/v1/simulate", tag = "networks", request_body = SimulateBody,
    responses(
        (status = 200, description = "`risk_scores`, the network `before` and `after`, what changes, `recommended_plan`", body = Object),
        (status = 404, description = "There is no network yet, or something named is not in it"),
        (status = 422, description = "A variation is of nothing that can vary, or out of its range"),
        Problems,
    )
)]
pub async fn simulate(State(state): State<NetworkState>, JsonBody(body): JsonBody<SimulateBody>) -> ApiResult<impl IntoResponse> {
    let SimulateBody { scenario: name, failures, variations, horizon_min, mode } = body;
    check_horizon(horizon_min)?;
    computed(move || {
        let current = state.current();
        let mode = current.mode(mode);
        let snapshot = snapshot(&current)?;
        let varied = Varied::read(&snapshot, &failures, &variations)?;
        let mut risks = Risks::default();
        let mut risk_scores = BTreeMap::new();
        for ((kind, id), features) in &varied.features {
            let score = current.score(features, horizon_min, mode).map_err(refusal)?;
            risks_of(&mut risks, *kind).insert(id.clone(), score);
        }
        for (kind, id) in &varied.down {
            risks_of(&mut risks, *kind).insert(id.clone(), 1.0);
        }
        risk_scores.extend(risks.links.clone());
        risk_scores.extend(risks.nodes.clone());
        let yardstick = Yardstick { risks: risks.clone(), ..Yardstick::default() };
        let simulation = run(&snapshot, &varied.scenario, &yardstick)?;
        let request = PlanRequest {
            objectives: vec![Objective::MinimizeRisk, Objective::PreserveCriticalFlows],
            context: PlanContext { impacted: failures, critical_flows: Vec::new() },
            risks,
            scenario: varied.scenario,
            ..PlanRequest::default()
        };
        let recommended_plan = lakehouse_network::plan(&snapshot.topology, &request).map_err(refused)?;
        let changed_links = simulation.changed_links().cloned().collect();
        let changed_flows = simulation.changed_flows().cloned().collect();
        let Simulation { before, after, .. } = simulation;
        let simulated = Simulated { scenario: name, risk_scores, before, after, changed_links, changed_flows, recommended_plan };
        Ok(Json(simulated).into_response())
    })
    .await
}

fn risks_of(risks: &mut Risks, kind: Kind) -> &mut BTreeMap<String, f64> {
    match kind {
        Kind::Node => &mut risks.nodes,
        Kind::Link => &mut risks.links,
    }
}

fn run(snapshot: &Snapshot, scenario: &Scenario, yardstick: &Yardstick) -> ApiResult<Simulation> {
    let simulated = lakehouse_network::simulate(&snapshot.topology, &Scenario::default(), scenario, yardstick);
    simulated.map_err(|error| {
        let cause = lakehouse_service::causes(&error);
        match error {
            SimulationError::Scenario(lakehouse_network::simulation::ScenarioError::Unknown { .. }) => {
                Problem::not_found(cause).with_code("unknown_target")
            }
            _ => Problem::unprocessable(cause),
        }
    })
}

/// The network under other conditions.
struct Varied {
    scenario: Scenario,
    features: BTreeMap<(Kind, String), crate::network::snapshot::Features>,
    /// What is down, links of failed nodes included.
    down: Vec<(Kind, String)>,
}

impl Varied {
    fn read(snapshot: &Snapshot, failures: &[String], variations: &BTreeMap<String, f64>) -> ApiResult<Self> {
        let mut varied = Self { scenario: Scenario::default(), features: snapshot.features.clone(), down: Vec::new() };
        for id in failures {
            let unknown = || Problem::not_found(format!("there is no node or link `{id}`")).with_code("unknown_target");
            varied.fail(snapshot, snapshot.kind_of(id).ok_or_else(unknown)?, id);
        }
        for (key, value) in variations {
            if !value.is_finite() || *value < 0.0 {
                return Err(Problem::unprocessable(format!("the variation `{key}` of {value} must be a number from 0 on")));
            }
            varied.vary(snapshot, key, *value)?;
        }
        Ok(varied)
    }

    fn fail(&mut self, snapshot: &Snapshot, kind: Kind, id: &str) {
        self.down.push((kind, id.to_owned()));
        if kind == Kind::Link {
            self.scenario.failed_links.push(id.to_owned());
            return;
        }
        self.scenario.failed_nodes.push(id.to_owned());
        let node = snapshot.topology.node(id);
        let ends_there = snapshot.topology.links().filter(|link| [Some(link.source), Some(link.target)].contains(&node));
        self.down.extend(ends_there.map(|link| (Kind::Link, link.id.clone())));
    }

    fn vary(&mut self, snapshot: &Snapshot, key: &str, value: f64) -> ApiResult<()> {
        if key == "load" {
            self.scenario.load_factor = value;
            return Ok(());
        }
        let odd = || Problem::unprocessable(format!("the variation `{key}` is of nothing that can vary"));
        // Ids may have dots in them: the quantity is what comes after the last.
        let (id, quantity) = key.rsplit_once('.').ok_or_else(odd)?;
        let is_site = snapshot.topology.nodes().any(|node| node.site == id);
        match (snapshot.kind_of(id), quantity) {
            (Some(Kind::Node), "load") => drop(self.scenario.node_load_factors.insert(id.to_owned(), value)),
            (None, "load") if is_site => drop(self.scenario.site_load_factors.insert(id.to_owned(), value)),
            (Some(Kind::Link), "capacity_mbps") => drop(self.scenario.capacities_mbps.insert(id.to_owned(), value)),
            (Some(kind), metric) if (if kind == Kind::Node { &OF_NODES[..] } else { &OF_LINKS[..] }).contains(&metric) => {
                if metric != "latency_ms" && value > 1.0 {
                    return Err(Problem::unprocessable(format!("the variation `{key}` of {value} must be a share, 0 to 1")));
                }
                if (kind, metric) == (Kind::Link, "if_util") {
                    self.fill(snapshot, id, value)?;
                }
                let features = self.features.entry((kind, id.to_owned())).or_default();
                features.insert(format!("{metric}_current"), Field::Number(value));
            }
            (None, _) if !is_site => {
                let detail = format!("there is no node, link or site `{id}`");
                return Err(Problem::not_found(detail).with_code("unknown_target"));
            }
            _ => return Err(odd()),
        }
        Ok(())
    }

    /// A link that is so full has so much room: its load in the busiest hour over its utilisation.
    fn fill(&mut self, snapshot: &Snapshot, id: &str, utilisation: f64) -> ApiResult<()> {
        let usual = run(snapshot, &Scenario::default(), &Yardstick::default())?;
        let state = usual.links.into_iter().find(|link| link.id == id).map(|link| link.before);
        let load = state.map_or(0.0, |state| state.forward_mbps.max(state.backward_mbps));
        if load > 0.0 && utilisation > 0.0 {
            self.scenario.capacities_mbps.insert(id.to_owned(), load / utilisation);
        }
        Ok(())
    }
}
