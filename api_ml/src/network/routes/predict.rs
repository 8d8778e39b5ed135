//! `POST /v1/predict`

use std::time::Instant;

use axum::{Json, extract::State};
use lakehouse_service::{ApiResult, JsonBody, Problem, Problems};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{features, metrics, mode_of, refusal, snapshot};
use crate::network::{
    NetworkState,
    curve::LONGEST_MIN,
    risk::{Band, Mode, Risk},
    snapshot::Kind,
};

/// More targets than this are asked for in several requests.
const MOST_TARGETS: usize = 10_000;

/// What is asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PredictRequest {
    /// Within how many minutes; 1 to 1,440.
    #[schema(minimum = 1, maximum = 1440)]
    horizon_min: u32,
    /// Of which nodes and links.
    targets: Vec<Target>,
    /// By what; absent means the setting `networks.mode`.
    #[serde(default)]
    mode: Option<Mode>,
}

/// A node or a link.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The node, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node_id: Option<String>,
    /// The link, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link_id: Option<String>,
}

/// The answer.
#[derive(Serialize, ToSchema)]
pub struct Predictions {
    /// One for each target, in their order.
    predictions: Vec<RiskPrediction>,
    /// By what the scores were made: `rule` where `hybrid` found no champion.
    mode: Mode,
}

/// The risk of one target.
#[derive(Serialize, ToSchema)]
struct RiskPrediction {
    /// As asked.
    target: Target,
    /// Between 0 and 1, to three places.
    risk_score: f64,
    /// The score in a word.
    risk_band: Band,
    /// After how many minutes a failure is as likely as not; null beyond a day, or where only rules speak.
    eta_failure_min: Option<u32>,
    /// What that rests on.
    eta_basis: String,
    /// Why, the weightiest first.
    explanations: Vec<String>,
}

/// The risk of an outage of nodes and links within a horizon.
#[utoipa::path(
    post, path = "/v1/predict", tag = "networks", request_body = PredictRequest,
    responses(
        (status = 200, description = "The risks", body = Predictions),
        (status = 404, description = "There is no network yet, or a target is not in it"),
        (status = 422, description = "A field is missing or out of its range"),
        (status = 503, description = "`ml` was asked for and there is no champion"),
        Problems,
    )
)]
pub async fn predict(
    State(state): State<NetworkState>,
    JsonBody(PredictRequest { horizon_min, targets, mode }): JsonBody<PredictRequest>,
) -> ApiResult<Json<Predictions>> {
    check_horizon(horizon_min)?;
    if targets.is_empty() || targets.len() > MOST_TARGETS {
        return Err(Problem::unprocessable(format!("`targets` must have between 1 and {MOST_TARGETS}, not {}", targets.len())));
    }
    super::computed(move || {
        let started = Instant::now();
        let current = state.current();
        let mode = current.mode(mode);
        let snapshot = snapshot(&current)?;
        let mut predictions = Vec::with_capacity(targets.len());
        for target in targets {
            let (kind, id) = target.named()?;
            let risk = current.risk(features(&snapshot, kind, id)?, horizon_min, mode).map_err(refusal)?;
            metrics::predicted(mode_of(&current, mode), (kind, id), &risk);
            predictions.push(RiskPrediction::new(target, risk));
        }
        metrics::took(started.elapsed());
        Ok(Json(Predictions { predictions, mode: mode_of(&current, mode) }))
    })
    .await
}

/// A horizon is between a minute and a day.
pub fn check_horizon(horizon_min: u32) -> ApiResult<()> {
    if (1..=LONGEST_MIN).contains(&horizon_min) {
        return Ok(());
    }
    Err(Problem::unprocessable(format!("`horizon_min` must be between 1 and {LONGEST_MIN}, not {horizon_min}")))
}

impl Target {
    fn named(&self) -> ApiResult<(Kind, &str)> {
        match (&self.node_id, &self.link_id) {
            (Some(node), None) => Ok((Kind::Node, node)),
            (None, Some(link)) => Ok((Kind::Link, link)),
            _ => Err(Problem::unprocessable("a target has a `node_id` or a `link_id`, one of them")),
        }
    }
}

impl RiskPrediction {
    fn new(target: Target, risk: Risk) -> Self {
        Self {
            target,
            risk_score: (risk.score * 1_000.0).round() / 1_000.0,
            risk_band: risk.band,
            eta_failure_min: risk.eta_failure_min,
            eta_basis: risk.eta_basis,
            explanations: risk.reasons,
        }
    }
}
