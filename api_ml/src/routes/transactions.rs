//! `POST /transactions` and `POST /verdicts`

use axum::{Json, extract::State, http::HeaderMap};
use lakehouse_service::{ApiResult, IdempotencyKey, JsonBody, Problems};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{admit, record_refusal, recorded};
use crate::{
    AppState,
    request::{Identifier, Instant, ShortText, TerminalErrors, Transaction, identifier, number},
    scoring::{Kept, Recording},
};

/// A purchase that was made and is not to be scored.
#[derive(Deserialize, ToSchema)]
pub struct PostedTransaction {
    /// What it is called; without it the request needs an `Idempotency-Key`.
    #[serde(default, deserialize_with = "identifier::name")]
    #[schema(schema_with = identifier::name_schema)]
    transaction_id: Option<ShortText>,
    /// The card.
    #[schema(schema_with = identifier::required_schema)]
    card_id: Identifier,
    /// The instant, RFC 3339 or `YYYY-MM-DD HH:MM:SS` in UTC.
    #[schema(value_type = String, example = "2019-10-31 23:59:00")]
    timestamp: Instant,
    /// US dollars.
    #[serde(deserialize_with = "number::amount")]
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 812.5)]
    amount: f64,
    /// The merchant.
    #[serde(default)]
    #[schema(schema_with = identifier::merchant_schema)]
    merchant_id: Option<Identifier>,
    /// The merchant category code.
    #[serde(default)]
    #[schema(schema_with = identifier::category_schema)]
    mcc: Option<Identifier>,
    /// A US state, a country abroad, or ONLINE; empty means ONLINE.
    #[serde(default)]
    #[schema(value_type = String, max_length = 64, example = "ONLINE")]
    merchant_state: ShortText,
    /// What failed at the terminal, comma-joined, as in "Bad PIN".
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 256)]
    errors: Option<TerminalErrors>,
}

/// How a purchase turned out.
#[derive(Deserialize, ToSchema)]
pub struct Verdict {
    /// What the purchase is called.
    #[serde(default, deserialize_with = "identifier::name")]
    #[schema(schema_with = identifier::name_schema)]
    transaction_id: Option<ShortText>,
    /// When it was made.
    #[schema(value_type = String, example = "2019-10-24 23:59:00")]
    timestamp: Instant,
    /// The merchant.
    #[serde(default)]
    #[schema(schema_with = identifier::merchant_schema)]
    merchant_id: Option<Identifier>,
    /// The merchant category code.
    #[serde(default)]
    #[schema(schema_with = identifier::category_schema)]
    mcc: Option<Identifier>,
    /// Was it fraud?
    is_fraud: bool,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
pub struct Recorded {
    /// `true` when it counts from now on, `false` when it has been recorded before.
    recorded: bool,
}

/// Tells the live signals of a purchase that is not to be scored. Answered, it counts, and no crash forgets it.
#[utoipa::path(
    post, path = "/transactions", tag = "signals", request_body = PostedTransaction,
    params(("idempotency-key" = Option<String>, Header, description = "Names the purchase where it has no `transaction_id`")),
    responses(
        (status = 200, description = "It counts", body = Recorded),
        (status = 422, description = "A field is missing or out of its range, or the purchase has no name"),
        (status = 429, description = "Too many requests are under way"),
        (status = 503, description = "There are no live signals yet, or the disk does not keep up"),
        Problems,
    )
)]
pub async fn record(
    State(AppState { recorder, requests, .. }): State<AppState>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(posted): JsonBody<PostedTransaction>,
) -> ApiResult<(HeaderMap, Json<Recorded>)> {
    let _place = admit(&requests)?;
    let kept = recorder.record(&posted.into(), key.as_deref()).map_err(record_refusal)?;
    recorder.wait(kept).await.map_err(record_refusal)?;
    Ok(answer(kept))
}

/// Tells the live signals how a purchase turned out. They get to see it once the purchase is as old as their delay says, so
/// that they know no more than those that the models were trained with.
#[utoipa::path(
    post, path = "/verdicts", tag = "signals", request_body = Verdict,
    params(("idempotency-key" = Option<String>, Header, description = "Names the verdict where the purchase has no `transaction_id`")),
    responses(
        (status = 200, description = "It counts", body = Recorded),
        (status = 422, description = "A field is missing or out of its range, or the purchase has no name"),
        (status = 429, description = "Too many requests are under way"),
        (status = 503, description = "There are no live signals yet, or the disk does not keep up"),
        Problems,
    )
)]
pub async fn judge(
    State(AppState { recorder, requests, .. }): State<AppState>,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(verdict): JsonBody<Verdict>,
) -> ApiResult<(HeaderMap, Json<Recorded>)> {
    let _place = admit(&requests)?;
    let kept = recorder.judge(&verdict.into(), key.as_deref()).map_err(record_refusal)?;
    recorder.wait(kept).await.map_err(record_refusal)?;
    Ok(answer(kept))
}

fn answer(kept: Kept) -> (HeaderMap, Json<Recorded>) {
    (recorded(kept), Json(Recorded { recorded: kept.recording == Recording::New }))
}

impl From<PostedTransaction> for Transaction {
    fn from(posted: PostedTransaction) -> Self {
        Self {
            transaction_id: posted.transaction_id,
            amount: posted.amount,
            card_id: Some(posted.card_id),
            merchant_id: posted.merchant_id,
            mcc: posted.mcc,
            merchant_state: posted.merchant_state,
            timestamp: Some(posted.timestamp),
            errors: posted.errors,
            ..Self::unknown()
        }
    }
}

impl From<Verdict> for Transaction {
    fn from(verdict: Verdict) -> Self {
        Self {
            transaction_id: verdict.transaction_id,
            // Of a purchase, which is all that counts here.
            amount: 1.0,
            merchant_id: verdict.merchant_id,
            mcc: verdict.mcc,
            timestamp: Some(verdict.timestamp),
            is_fraud: Some(verdict.is_fraud),
            ..Self::unknown()
        }
    }
}
