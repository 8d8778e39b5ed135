//! `POST /predict/batch`

use std::fmt;

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{FromRequest, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use lakehouse_service::{ApiResult, JsonBody, Problem, Problems};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, SeqAccess, Visitor},
};
use tokio::{runtime::Handle, task::spawn_blocking};
use utoipa::ToSchema;

use super::{MODEL, MODEL_VERSION, refusal};
use crate::{
    AppState,
    request::Transaction,
    scoring::{Prediction, ScoreError, Scored, Scorer, Serving},
};

const MAX_TRANSACTIONS: usize = 10_000;

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

/// Scores up to 10,000 transactions, all by the same versions. One that cannot be scored fails the batch and is named.
#[utoipa::path(
    post, path = "/predict/batch", tag = "scoring", request_body = Batch,
    responses(
        (status = 200, description = "The predictions, in order", body = BatchAnswer,
            headers(("x-model" = String), ("x-model-version" = String))),
        (status = 422, description = "A transaction is not right, or there are too many or none"),
        (status = 503, description = "There is no model for these transactions yet"),
        Problems,
    )
)]
pub async fn predict_batch(State(AppState { serving, batches, .. }): State<AppState>, request: Request) -> ApiResult<Response> {
    // Before the body is read: those who wait wait in the network, not in memory.
    let permit = batches.acquire_owned().await.map_err(Problem::internal)?;
    let request = with_whole_body(request).await?;
    let runtime = Handle::current();
    let work = move || {
        // Given back when the work is done, not when the client stops waiting for it.
        let _permit = permit;
        // The body is in memory, so nothing is waited for; but parsing megabytes is no work for the reactor.
        let JsonBody(batch) = runtime.block_on(JsonBody::<Batch>::from_request(request, &()))?;
        let serving = serving.load_full();
        score(&serving, &batch.transactions).map(IntoResponse::into_response)
    };
    spawn_blocking(work).await.map_err(Problem::internal)?
}

async fn with_whole_body(request: Request) -> ApiResult<Request> {
    let (parts, body) = request.into_parts();
    let limited = Request::from_parts(parts.clone(), body);
    let bytes = Bytes::from_request(limited, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large("the body is larger than a batch may be"),
        _ => Problem::bad_request("the body ended before it was complete"),
    })?;
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

fn score(serving: &Serving, transactions: &[Transaction]) -> ApiResult<(HeaderMap, Json<BatchAnswer>)> {
    let mut predictions = Vec::with_capacity(transactions.len());
    let mut scorers: Vec<&Scorer> = Vec::new();
    for (index, transaction) in transactions.iter().enumerate() {
        let Scored { prediction, scorer } = serving.score(transaction).map_err(|error| refusal_of_row(index, error))?;
        if !scorers.iter().any(|known| std::ptr::eq(*known, scorer)) {
            scorers.push(scorer);
        }
        predictions.push(prediction);
    }
    Ok((stamp_all(&scorers), Json(BatchAnswer { predictions })))
}

fn refusal_of_row(index: usize, error: ScoreError) -> Problem {
    match error {
        ScoreError::Input(input) => Problem::unprocessable(format!("`transactions[{index}]`: {input}")),
        other => refusal(other),
    }
}

/// A batch may hold transactions with and without a card: the headers then name both models, each in the same place.
fn stamp_all(scorers: &[&Scorer]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for scorer in scorers {
        let [model, version] = scorer.headers();
        headers.append(MODEL, model.clone());
        headers.append(MODEL_VERSION, version.clone());
    }
    headers
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
