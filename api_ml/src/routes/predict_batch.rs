//! `POST /predict/batch`

use std::{fmt, sync::Arc};

use arrow::{
    array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray},
    error::ArrowError,
    ipc::writer::StreamWriter,
};
use axum::{
    Json,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, FromRequest as _, Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use lakehouse_service::{ApiResult, IdempotencyKey, JsonBody, Problem, Problems, QueryParams};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, SeqAccess, Visitor},
};
use tokio::runtime::Handle;
use utoipa::ToSchema;

use super::{
    bulk::{self, MAX_TRANSACTIONS, ScoredBatch, Trace},
    predict::PredictQuery,
};
use crate::{AppState, request::Transaction, scoring::Prediction};

const LINES: &str = "application/x-ndjson";
const ARROW: &str = "application/vnd.apache.arrow.stream";

/// Transactions to be scored together.
#[derive(Deserialize, ToSchema)]
pub struct Batch {
    /// Each as in `/predict`.
    #[serde(deserialize_with = "transactions")]
    #[schema(min_items = 1, max_items = 10_000)]
    transactions: Vec<Transaction>,
}

/// The predictions of a batch.
#[derive(Serialize, ToSchema)]
pub struct BatchAnswer {
    /// In the order of the transactions.
    predictions: Vec<Prediction>,
}

/// Scores up to 10,000 transactions and records them, as `/predict` does: as JSON, as NDJSON or as an Arrow IPC stream whose columns are
/// named like the fields. The answer is of the same kind. A transaction that cannot be scored fails the batch and is named.
#[utoipa::path(
    post, path = "/predict/batch", tag = "scoring",
    params(PredictQuery, ("idempotency-key" = Option<String>, Header, description = "Names those transactions that have no `transaction_id`")),
    request_body(content(
        (Batch = "application/json"),
        (String = "application/x-ndjson"),
        ([u8] = "application/vnd.apache.arrow.stream"),
    )),
    responses(
        (status = 200, description = "The predictions, in order", content(
            (BatchAnswer = "application/json"),
            (String = "application/x-ndjson"),
            ([u8] = "application/vnd.apache.arrow.stream"),
        ), headers(("x-model" = String), ("x-model-version" = String))),
        (status = 415, description = "The content type is not read here"),
        (status = 422, description = "A transaction is not right, or there are too many or none"),
        (status = 429, description = "Other batches are under way"),
        (status = 503, description = "There is no model for these transactions yet"),
        Problems,
    )
)]
pub async fn predict_batch(
    State(state): State<AppState>,
    QueryParams(query): QueryParams<PredictQuery>,
    IdempotencyKey(key): IdempotencyKey,
    request: Request,
) -> ApiResult<Response> {
    let trace = if query.is_recorded() { Trace::Recorded(key) } else { Trace::None };
    let (runtime, scoring) = (Handle::current(), state.clone());
    let work = move |headers: &HeaderMap, body: Bytes| match bulk::content_type(headers).as_str() {
        LINES => write_lines(&bulk::score(&scoring, &bulk::read_lines(&body)?, &trace)?),
        ARROW => write_arrow(&bulk::score(&scoring, &bulk::read_arrow(&body)?, &trace)?),
        _ => {
            let mut request = Request::new(Body::from(body));
            *request.headers_mut() = headers.clone();
            // Its length has been looked at.
            DefaultBodyLimit::disable().apply(&mut request);
            // The body is in memory, so nothing is waited for.
            let JsonBody(batch) = runtime.block_on(JsonBody::<Batch>::from_request(request, &()))?;
            let ScoredBatch { predictions, headers } = bulk::score(&scoring, &batch.transactions, &trace)?;
            Ok((headers, Json(BatchAnswer { predictions })).into_response())
        }
    };
    bulk::work(&state, request, work).await
}

fn write_lines(ScoredBatch { predictions, headers }: &ScoredBatch) -> ApiResult<Response> {
    let mut body = Vec::with_capacity(predictions.len() * 80);
    for prediction in predictions {
        serde_json::to_writer(&mut body, prediction).map_err(Problem::internal)?;
        body.push(b'\n');
    }
    Ok(answer(headers, LINES, body))
}

fn write_arrow(ScoredBatch { predictions, headers }: &ScoredBatch) -> ApiResult<Response> {
    let columns: [(&str, ArrayRef); 3] = [
        ("fraud_probability", Arc::new(Float64Array::from_iter_values(predictions.iter().map(|one| one.probability())))),
        ("is_fraud", Arc::new(BooleanArray::from_iter(predictions.iter().map(|one| Some(one.is_fraud()))))),
        ("confidence", Arc::new(StringArray::from_iter_values(predictions.iter().map(|one| one.confidence())))),
    ];
    let write = || -> Result<Vec<u8>, ArrowError> {
        let batch = RecordBatch::try_from_iter(columns)?;
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
        writer.write(&batch)?;
        writer.into_inner()
    };
    Ok(answer(headers, ARROW, write().map_err(Problem::internal)?))
}

fn answer(headers: &HeaderMap, kind: &'static str, body: Vec<u8>) -> Response {
    (headers.clone(), [(header::CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response()
}

fn transactions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Transaction>, D::Error> {
    deserializer.deserialize_seq(Transactions)
}

struct Transactions;

impl<'de> Visitor<'de> for Transactions {
    type Value = Vec<Transaction>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1 to {MAX_TRANSACTIONS} transactions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<Transaction>, A::Error> {
        let mut transactions = Vec::new();
        while let Some(transaction) = sequence.next_element()? {
            transactions.push(transaction);
            if transactions.len() > MAX_TRANSACTIONS {
                return Err(A::Error::custom(format!("more than {MAX_TRANSACTIONS} transactions: send several batches")));
            }
        }
        if transactions.is_empty() { Err(A::Error::invalid_length(0, &self)) } else { Ok(transactions) }
    }
}
