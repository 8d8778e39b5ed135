//! `POST /predict_proba`

use axum::{Json, extract::State, response::IntoResponse};
use lakehouse_service::{ApiResult, JsonBody, Problems};
use serde::Serialize;
use utoipa::ToSchema;

use super::{refusal, stamp};
use crate::{
    AppState,
    request::Transaction,
    scoring::{Scored, Scorer},
};

/// The probabilities of both outcomes.
#[derive(Serialize, ToSchema)]
pub struct Probabilities {
    /// That the purchase is honest, and that it is fraud: they add up to 1.
    #[schema(example = json!([0.85, 0.15]))]
    probabilities: [f64; 2],
    /// A probability of fraud above this is an alert.
    #[schema(example = 0.5)]
    threshold: f64,
    /// The model that scored.
    #[schema(example = "fraud")]
    model: String,
    /// Its version.
    version: u32,
}

/// Gives the probabilities of both outcomes. Asks as `/predict` does, but is only a question: no state changes.
#[utoipa::path(
    post, path = "/predict_proba", tag = "scoring", request_body = Transaction,
    responses(
        (status = 200, description = "The probabilities", body = Probabilities,
            headers(("x-model" = String), ("x-model-version" = u32))),
        (status = 422, description = "A field is missing or out of its range"),
        (status = 503, description = "There is no model for this transaction yet"),
        Problems,
    )
)]
pub async fn predict_proba(
    State(AppState { serving, .. }): State<AppState>,
    JsonBody(transaction): JsonBody<Transaction>,
) -> ApiResult<impl IntoResponse> {
    let serving = serving.load();
    let Scored { prediction, scorer, .. } = serving.score(&transaction).map_err(refusal)?;
    Ok((stamp(scorer), Json(Probabilities::new(scorer, prediction.probability()))))
}

impl Probabilities {
    fn new(scorer: &Scorer, fraud: f64) -> Self {
        let promotion = &scorer.champion().promotion;
        Self {
            probabilities: [1.0 - fraud, fraud],
            threshold: scorer.champion().model.threshold(),
            model: promotion.model.to_string(),
            version: promotion.version.0,
        }
    }
}
