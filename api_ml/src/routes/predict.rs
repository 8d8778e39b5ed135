//! `POST /predict`

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use lakehouse_service::{ApiResult, IdempotencyKey, JsonBody, Problems, QueryParams};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{admit, record_refusal, recorded, refusal, stamp};
use crate::{
    AppState,
    request::Transaction,
    scoring::{Prediction, Scored},
};

/// What becomes of the request.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PredictQuery {
    /// Does the transaction count from now on, and is its prediction kept? True unless said otherwise: a question leaves no trace.
    record: Option<bool>,
}

impl PredictQuery {
    pub fn is_recorded(&self) -> bool {
        self.record.unwrap_or(true)
    }
}

/// Scores a transaction: with `card_id` by the model `fraud_card` and live signals, without it by the model `fraud`. Answered,
/// a transaction with a card is part of the live signals, once: by its `transaction_id` or by the key of the request.
#[utoipa::path(
    post, path = "/predict", tag = "scoring", request_body = Transaction,
    params(PredictQuery, ("idempotency-key" = Option<String>, Header, description = "Names the request, so that sending it again is safe")),
    responses(
        (status = 200, description = "The prediction", body = Prediction,
            headers(("x-model" = String), ("x-model-version" = u32),
                ("idempotency-replayed" = String, description = "`true` when the transaction had been recorded before"))),
        (status = 422, description = "A field is missing or out of its range"),
        (status = 429, description = "Too many requests are under way"),
        (status = 503, description = "There is no model for this transaction yet, or the disk does not keep up"),
        Problems,
    )
)]
pub async fn predict(
    State(state): State<Arc<AppState>>,
    QueryParams(query): QueryParams<PredictQuery>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(transaction): JsonBody<Transaction>,
) -> ApiResult<Response> {
    let AppState { serving, recorder, requests, .. } = &*state;
    let _place = admit(requests)?;
    if !query.is_recorded() {
        let serving = serving.load();
        let Scored { prediction, scorer, .. } = serving.score(&transaction).map_err(refusal)?;
        return Ok((stamp(scorer), Json(prediction)).into_response());
    }
    let answer = |scorer: &_, prediction| (stamp(scorer), Json(prediction));
    let (answer, kept) = recorder.predict(&transaction, key.as_deref(), answer).map_err(record_refusal)?;
    recorder.wait(kept).await.map_err(record_refusal)?;
    Ok((recorded(kept), answer).into_response())
}
