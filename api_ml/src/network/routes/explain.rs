//! `POST /v1/explain`

use axum::{Json, extract::State};
use lakehouse_models::Field;
use lakehouse_service::{ApiResult, Problem, Problems, QueryParams};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{HORIZON_MIN, computed, features, mode_of, predict::check_horizon, refusal, snapshot};
use crate::network::{
    NetworkState,
    risk::{Mode, RiskError},
    rules::{Tendency, Violation},
    state::Current,
};

/// Inputs told.
const MOST_FEATURES: usize = 10;

/// What is asked.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainParams {
    /// A node or, if there is none of this id, a link.
    entity_id: String,
    /// The horizon whose model is asked; the nearest there is.
    #[serde(default = "horizon")]
    horizon_min: u32,
    /// By what; `hybrid` tells both. Absent means the setting `networks.mode`.
    #[serde(default)]
    mode: Option<Mode>,
}

fn horizon() -> u32 {
    HORIZON_MIN
}

/// Why.
#[derive(Serialize, ToSchema)]
pub struct RiskExplanation {
    /// As asked.
    entity_id: String,
    /// By what it is explained.
    model_mode: Mode,
    /// What the rules say; null for `ml`.
    rule: Option<RulePart>,
    /// What the model says; null for `rule`.
    ml: Option<ModelPart>,
}

/// What the rules say.
#[derive(Serialize, ToSchema)]
struct RulePart {
    method: &'static str,
    /// Values over their limits.
    violations: Vec<Violation>,
    /// Changes of the processor's load by more than a tenth.
    trends: Vec<Tendency>,
    num_violations: usize,
    summary: String,
}

/// What the model says: exact Shapley values of this row, which add up with `base` to `total`.
#[derive(Serialize, ToSchema)]
struct ModelPart {
    method: &'static str,
    /// The model and its version.
    model: String,
    version: u32,
    /// The probability within the model's own horizon.
    score: f64,
    /// What the model gives without knowing any input.
    base: f64,
    /// What it gives for this row, on the same scale.
    total: f64,
    /// The inputs that move it most.
    top_features: Vec<FeaturePart>,
    num_features: usize,
    summary: String,
}

/// One input.
#[derive(Serialize, ToSchema)]
struct FeaturePart {
    feature: String,
    #[schema(value_type = Object)]
    value: Field,
    /// How much it moves, whichever way.
    importance: f64,
    /// Which way, and how much.
    contribution: f64,
}

/// Why a node or link is at risk, or not.
#[utoipa::path(
    post, path = "/v1/explain", tag = "networks", params(ExplainParams),
    responses(
        (status = 200, description = "Why", body = RiskExplanation),
        (status = 404, description = "There is no network yet, or no such node or link in it"),
        (status = 503, description = "`ml` was asked for and there is no champion"),
        Problems,
    )
)]
pub async fn explain(
    State(state): State<NetworkState>,
    QueryParams(ExplainParams { entity_id, horizon_min, mode }): QueryParams<ExplainParams>,
) -> ApiResult<Json<RiskExplanation>> {
    check_horizon(horizon_min)?;
    computed(move || {
        let current = state.current();
        let mode = current.mode(mode);
        let snapshot = snapshot(&current)?;
        let unknown = || Problem::not_found(format!("there is no node or link `{entity_id}`")).with_code("unknown_target");
        let kind = snapshot.kind_of(&entity_id).ok_or_else(unknown)?;
        let row = features(&snapshot, kind, &entity_id)?;
        let ml = if mode == Mode::Rule { None } else { model_part(&current, row, horizon_min)? };
        if ml.is_none() && mode == Mode::Ml {
            return Err(refusal(RiskError::NoChampion));
        }
        let rule = (mode != Mode::Ml).then(|| rule_part(&current, row));
        Ok(Json(RiskExplanation { entity_id, model_mode: mode_of(&current, mode), rule, ml }))
    })
    .await
}

fn rule_part(current: &Current, row: &crate::network::snapshot::Features) -> RulePart {
    let verdict = current.verdict(row);
    RulePart {
        method: "rule-based",
        summary: verdict.reasons().join("; "),
        num_violations: verdict.violations.len(),
        violations: verdict.violations,
        trends: verdict.tendencies,
    }
}

fn model_part(current: &Current, row: &crate::network::snapshot::Features, horizon_min: u32) -> ApiResult<Option<ModelPart>> {
    let Some((_, champion)) = current.nearest(horizon_min) else { return Ok(None) };
    let told = champion.model.explain(row).map_err(Problem::internal)?;
    let summary = told.reasons(3).join("; ");
    let part = |input: &lakehouse_models::Contribution| FeaturePart {
        feature: input.input.clone(),
        value: input.value.clone(),
        importance: input.contribution.abs(),
        contribution: input.contribution,
    };
    Ok(Some(ModelPart {
        method: "ml-based",
        model: champion.promotion.model.to_string(),
        version: champion.promotion.version.0,
        score: told.score,
        base: told.base,
        total: told.total,
        num_features: told.inputs.len(),
        top_features: told.inputs.iter().take(MOST_FEATURES).map(part).collect(),
        summary,
    }))
}
