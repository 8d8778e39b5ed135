//! `GET /v1/feature-importance`

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use lakehouse_service::{ApiResult, Problem, Problems, QueryParams};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{HORIZON_MIN, computed, predict::check_horizon, refusal, snapshot};
use crate::network::{NetworkState, risk::RiskError};

/// Rows that are explained at most: every one takes some hundred times as long as its score.
const MOST_ROWS: usize = 500;

/// What is asked.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportanceParams {
    /// How many features, 1 to 100.
    #[serde(default = "twenty")]
    top_n: usize,
    /// The horizon whose model is asked; the nearest there is.
    #[serde(default = "horizon")]
    horizon_min: u32,
}

fn twenty() -> usize {
    20
}

fn horizon() -> u32 {
    HORIZON_MIN
}

/// What moves a model.
#[derive(Serialize, ToSchema)]
pub struct Importances {
    model_type: &'static str,
    /// The model and its version.
    model: String,
    version: u32,
    num_features: usize,
    /// Nodes and links it was taken over.
    rows: usize,
    /// The most important first.
    features: Vec<Importance>,
}

/// One feature.
#[derive(Serialize, ToSchema)]
struct Importance {
    feature: String,
    /// The mean of the absolute Shapley values over the latest rows.
    importance: f64,
}

/// What moves the model, over the latest rows of all nodes and links.
#[utoipa::path(
    get, path = "/v1/feature-importance", tag = "networks", params(ImportanceParams),
    responses(
        (status = 200, description = "The features", body = Importances),
        (status = 404, description = "There is no network yet"),
        (status = 503, description = "There is no champion"),
        Problems,
    )
)]
pub async fn feature_importance(
    State(state): State<NetworkState>,
    QueryParams(ImportanceParams { top_n, horizon_min }): QueryParams<ImportanceParams>,
) -> ApiResult<Json<Importances>> {
    check_horizon(horizon_min)?;
    if !(1..=100).contains(&top_n) {
        return Err(Problem::unprocessable(format!("`top_n` must be between 1 and 100, not {top_n}")));
    }
    computed(move || {
        let current = state.current();
        let snapshot = snapshot(&current)?;
        let (_, champion) = current.nearest(horizon_min).ok_or_else(|| refusal(RiskError::NoChampion))?;
        let mut sums: BTreeMap<String, f64> = BTreeMap::new();
        // Spread over all of them, whatever their order.
        let step = snapshot.features.len().div_ceil(MOST_ROWS).max(1);
        let rows = || snapshot.features.values().step_by(step);
        for row in rows() {
            for input in champion.model.explain(row).map_err(Problem::internal)?.inputs {
                *sums.entry(input.input).or_default() += input.contribution.abs();
            }
        }
        let (rows, num_features) = (rows().count(), sums.len());
        let mean = |(feature, sum): (String, f64)| Importance { feature, importance: sum / rows.max(1) as f64 };
        let mut features: Vec<Importance> = sums.into_iter().map(mean).collect();
        features.sort_by(|one, other| other.importance.total_cmp(&one.importance));
        features.truncate(top_n);
        let (model, version) = (champion.promotion.model.to_string(), champion.promotion.version.0);
        Ok(Json(Importances { model_type: "ml", model, version, num_features, rows, features }))
    })
    .await
}
