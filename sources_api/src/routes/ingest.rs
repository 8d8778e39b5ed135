//! `POST /ingest/{domain}/{source}`

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use jiff::Timestamp;
use lakehouse_landing::{Pushed, Receipt, RefusedRow};
use lakehouse_service::{ApiResult, IdempotencyKey, PathParams, Problem, Problems};
use lakehouse_spec::{DomainName, SourceName};
use serde::{Deserialize, Serialize};
use tokio::{sync::Semaphore, time::timeout};
use utoipa::{IntoParams, ToSchema};

use crate::{
    AppState,
    ingest::{BodyFault, Closed, Door, PushError, PushFormat, Terms, receive},
};

const RETRY_AFTER_SECONDS: u32 = 5;

/// A source.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct SourcePath {
    /// The domain.
    #[param(value_type = String, example = "fraud")]
    domain: DomainName,
    /// One of its sources.
    #[param(value_type = String, example = "transactions")]
    source: SourceName,
}

/// What became of pushed rows.
#[derive(Serialize, ToSchema)]
pub struct PushAnswer {
    /// When they were received.
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// Rows that are on disk and wait for the next run.
    accepted: u64,
    /// Rows that were refused and are not kept.
    refused: u64,
    /// The first hundred of those.
    refused_rows: Vec<RefusedRowAnswer>,
    /// SHA-256 of the body, in hexadecimal.
    sha256: String,
}

/// A row that was refused.
#[derive(Serialize, ToSchema)]
pub struct RefusedRowAnswer {
    /// Its place in the body, from 1.
    row: u64,
    /// The rule of the contract that it breaks.
    #[schema(example = "amount is not an amount of money")]
    reason: String,
}

/// Takes rows for a source, as NDJSON or as an Arrow IPC stream. Answered with 202, the accepted ones are durable and part of
/// the next run, once. A body with the `Idempotency-Key` of an earlier one adds nothing and is answered as that one was.
#[utoipa::path(
    post, path = "/ingest/{domain}/{source}", tag = "ingestion",
    params(SourcePath, ("idempotency-key" = Option<String>, Header, description = "Names this push, so that sending it again is safe")),
    request_body(content(
        (String = "application/x-ndjson", example = "{\"id\": 1, \"date\": \"2026-01-31 12:00:00\"}\n"),
        ([u8] = "application/vnd.apache.arrow.stream"),
    )),
    responses(
        (status = 202, description = "The accepted rows wait for the next run", body = PushAnswer,
            headers(("idempotency-replayed" = String, description = "`true` when this is the answer to an earlier push"))),
        (status = 404, description = "There is no such source"),
        (status = 409, description = "Each batch of the source replaces the one before, so rows cannot be added to it"),
        (status = 413, description = "The body is larger than allowed"),
        (status = 415, description = "The content type is not read here"),
        (status = 422, description = "No row keeps the contract, or the key was used for another body"),
        (status = 429, description = "Too many pushes are under way"),
        Problems,
    )
)]
pub async fn ingest(
    State(AppState { doors, pushes, limits, .. }): State<AppState>,
    PathParams(SourcePath { domain, source }): PathParams<SourcePath>,
    IdempotencyKey(key): IdempotencyKey,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<(StatusCode, HeaderMap, Json<PushAnswer>)> {
    let door = doors.open(&domain, &source).map_err(|closed| refuse(closed, &domain, &source))?;
    let format = format(&headers)?;
    let patience = limits.request_timeout();
    let busy = |_| Problem::too_many_requests("other pushes are under way", RETRY_AFTER_SECONDS);
    let _turn = timeout(patience, Semaphore::acquire_owned(pushes)).await.map_err(busy)?.map_err(Problem::internal)?;
    let terms = Terms { max_bytes: limits.upload_bytes, patience };
    let pushed =
        receive(&door, key.as_deref(), format, terms, body.into_data_stream()).await.map_err(|error| refusal(error, &door))?;
    let mut headers = HeaderMap::new();
    let receipt = match pushed {
        Pushed::Accepted(receipt) => receipt,
        Pushed::Before(receipt) => {
            headers.extend([IdempotencyKey::REPLAYED]);
            receipt
        }
        Pushed::Nothing { refused, refused_rows } => return Err(nothing(refused, &refused_rows)),
    };
    tracing::info!(%domain, %source, accepted = receipt.accepted, refused = receipt.refused, "rows were pushed to `{domain}.{source}`");
    Ok((StatusCode::ACCEPTED, headers, Json(receipt.into())))
}

impl From<Receipt> for PushAnswer {
    fn from(receipt: Receipt) -> Self {
        let Receipt { received_at, accepted, refused, refused_rows, sha256, .. } = receipt;
        let refused_rows = refused_rows.into_iter().map(|RefusedRow { row, reason }| RefusedRowAnswer { row, reason }).collect();
        Self { received_at, accepted, refused, refused_rows, sha256 }
    }
}

fn format(headers: &HeaderMap) -> ApiResult<PushFormat> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Problem::unsupported_media_type("a body with a Content-Encoding is not read here; send it plain"));
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    PushFormat::of(content_type).ok_or_else(|| {
        Problem::unsupported_media_type("rows are read as application/x-ndjson or application/vnd.apache.arrow.stream")
    })
}

fn refuse(closed: Closed, domain: &DomainName, source: &SourceName) -> Problem {
    match closed {
        Closed::Unknown => Problem::not_found(format!("no source is called `{domain}/{source}`")).with_code("unknown_source"),
        Closed::Snapshot => Problem::conflict(format!(
            "`{source}` is a snapshot: each of its batches replaces the one before, so rows cannot be added; put its whole file"
        ))
        .with_code("snapshot_source"),
    }
}

fn nothing(refused: u64, refused_rows: &[RefusedRow]) -> Problem {
    let reason = refused_rows.first().map_or_else(
        || "the body has no rows".to_owned(),
        |row| format!("none of the {refused} rows keeps the contract; row {}: {}", row.row, row.reason),
    );
    Problem::unprocessable(reason).with_code("no_good_row")
}

fn refusal(error: PushError<axum::Error>, door: &Door) -> Problem {
    let sentence = error.to_string();
    match error {
        PushError::TooLarge(_) => Problem::too_large(sentence),
        PushError::Silent(_) => Problem::request_timeout(sentence),
        PushError::Body(_) | PushError::Fault(BodyFault::Malformed(_)) => Problem::bad_request(sentence),
        PushError::OtherBody => Problem::unprocessable(sentence).with_code("key_reused"),
        PushError::Fault(BodyFault::Landing(error)) if error.is_full() => {
            tracing::error!(inbox = ?door.inbox, "there is no room left for pushed rows");
            Problem::insufficient_storage("there is no room left for the rows")
        }
        PushError::Fault(BodyFault::Landing(error)) => Problem::internal(error),
        PushError::Stopped(error) => Problem::internal(error),
    }
}
