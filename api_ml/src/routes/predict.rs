//! `POST /predict`

use axum::{Json, extract::State, response::IntoResponse};
use lakehouse_service::{ApiResult, JsonBody, Problems};

use super::{refusal, stamp};
use crate::{
    AppState,
    request::Transaction,
    scoring::{Prediction, Scored},
};

/// Scores a transaction: with `card_id` by the model `fraud_card` and live signals, without it by the model `fraud`.
#[utoipa::path(
    post, path = "/predict", tag = "scoring", request_body = Transaction,
    responses(
        (status = 200, description = "The prediction", body = Prediction,
            headers(("x-model" = String), ("x-model-version" = u32))),
        (status = 422, description = "A field is missing or out of its range"),
        (status = 503, description = "There is no model for this transaction yet"),
        Problems,
    )
)]
pub async fn predict(
    State(AppState { serving, .. }): State<AppState>,
    JsonBody(transaction): JsonBody<Transaction>,
) -> ApiResult<impl IntoResponse> {
    let serving = serving.load();
    let Scored { prediction, scorer } = serving.score(&transaction).map_err(refusal)?;
    Ok((stamp(scorer), Json(prediction)))
}
