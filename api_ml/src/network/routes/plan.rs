//! `POST /v1/plan`

use axum::{Json, extract::State, response::IntoResponse};
use lakehouse_network::{
    Constraints, PlanRequest, Scenario,
    planning::{Objective, PlanContext, PlanError, PlanSettings},
};
use lakehouse_service::{ApiResult, JsonBody, Problem, Problems};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{HORIZON_MIN, computed, predict::check_horizon, refusal, snapshot};
use crate::network::{NetworkState, risk::Mode};

/// What is asked. `objectives`, `constraints` and `context` must be there, empty or not.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanBody {
    /// `minimize_risk`, `preserve_critical_flows`, `balance_load`, `minimize_latency`.
    #[schema(value_type = Vec<String>)]
    objectives: Vec<Objective>,
    /// `max_latency_ms`, `reserve_pct`, `min_bandwidth_mbps`; each may be absent.
    #[schema(value_type = Object)]
    constraints: Constraints,
    /// `impacted` nodes and links, `critical_flows` beside those of the topology.
    #[schema(value_type = Object)]
    context: PlanContext,
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

/// Actions against congestion and predicted outages, under constraints. The same request gets the same plan; what it claims is
/// what a simulation of its actions shows; a constraint that cannot be met is under `unmet` with what binds.
#[utoipa::path(
    post, path = "/v1/plan", tag = "networks", request_body = PlanBody,
    responses(
        (status = 200, description = "`actions`, `rationale`, `estimated_gain`, `expected`, `unmet`", body = Object),
        (status = 404, description = "There is no network yet, or something named is not in it"),
        (status = 422, description = "A field is missing or out of its range"),
        Problems,
    )
)]
pub async fn plan(State(state): State<NetworkState>, JsonBody(body): JsonBody<PlanBody>) -> ApiResult<impl IntoResponse> {
    let PlanBody { objectives, constraints, context, horizon_min, mode } = body;
    check_horizon(horizon_min)?;
    computed(move || {
        let current = state.current();
        let mode = current.mode(mode);
        let snapshot = snapshot(&current)?;
        let risks = current.risks(&snapshot, horizon_min, mode).map_err(refusal)?;
        let (scenario, settings) = (Scenario::default(), PlanSettings::default());
        let request = PlanRequest { objectives, constraints, context, risks, scenario, settings };
        let plan = lakehouse_network::plan(&snapshot.topology, &request).map_err(refused)?;
        Ok(Json(plan).into_response())
    })
    .await
}

/// What the topology does not have is not found; numbers that cannot be are unprocessable.
pub fn refused(error: PlanError) -> Problem {
    use lakehouse_network::{routing::YardstickError, simulation::ScenarioError};
    let cause = lakehouse_service::causes(&error);
    match error {
        PlanError::UnknownImpacted { .. }
        | PlanError::Yardstick(YardstickError::Unknown { .. })
        | PlanError::Scenario(ScenarioError::Unknown { .. }) => Problem::not_found(cause).with_code("unknown_target"),
        _ => Problem::unprocessable(cause),
    }
}
