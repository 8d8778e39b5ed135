//! Many transactions in one request: who gets in, how they are read, how they are scored.
//!
//! What is read here is megabytes, so it is parsed and scored off the reactor, by few at a time. Who finds no place within
//! moments is told to come back, before the body is read: nothing queues in memory.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{FromRequest as _, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use lakehouse_service::{ApiResult, ArrowStream, Problem};
use tokio::{task::spawn_blocking, time::timeout};

use super::{Stamp, record_refusal, stamp};
use crate::{
    AppState,
    request::{Transaction, arrow},
    scoring::{Prediction, RecordError, ScoreError, Scorer},
};

/// Transactions of one request.
pub const MAX_TRANSACTIONS: usize = 10_000;
/// How long a batch may wait for others.
const PATIENCE: Duration = Duration::from_millis(250);
const RETRY_AFTER_SECONDS: u32 = 1;

/// Predictions in the order of the transactions, and who made them.
pub struct ScoredBatch {
    pub predictions: Vec<Prediction>,
    pub headers: HeaderMap,
}

/// Reads the whole body, then works on it off the reactor.
pub async fn work<T: Send + 'static>(
    state: &AppState,
    request: Request,
    work: impl FnOnce(&HeaderMap, Bytes) -> ApiResult<T> + Send + 'static,
) -> ApiResult<T> {
    let busy = |_| Problem::too_many_requests("other batches are under way", RETRY_AFTER_SECONDS);
    let permit = timeout(PATIENCE, Arc::clone(&state.batches).acquire_owned()).await.map_err(busy)?.map_err(Problem::internal)?;
    let headers = request.headers().clone();
    let bytes = Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large("the body is larger than a batch may be"),
        _ => Problem::bad_request("the body ended before it was complete"),
    })?;
    let work = move || {
        // Given back when the work is done, not when the client stops waiting for it.
        let _permit = permit;
        work(&headers, bytes)
    };
    spawn_blocking(work).await.map_err(Problem::internal)?
}

/// The body's type, in lower case and without parameters.
pub fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Transactions, one JSON object a line; empty lines are passed over.
pub fn read_lines(body: &[u8]) -> ApiResult<Vec<Transaction>> {
    let mut transactions = Vec::new();
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).enumerate().filter(|(_, line)| !line.is_empty());
    for (index, line) in lines {
        let row = serde_json::from_slice(line).map_err(|error| {
            let text = error.to_string();
            let text = text.rfind(" at line ").map_or(text.as_str(), |at| &text[..at]);
            Problem::unprocessable(format!("line {}: {text}", index + 1))
        })?;
        transactions.push(row);
        check_count(&transactions)?;
    }
    not_none(transactions)
}

/// Transactions as an Arrow IPC stream.
pub fn read_arrow(body: &[u8]) -> ApiResult<Vec<Transaction>> {
    let mut stream = ArrowStream::default();
    let mut transactions = Vec::new();
    for batch in stream.take(body).map_err(Problem::bad_request)? {
        if transactions.len() + batch.num_rows() > MAX_TRANSACTIONS {
            return Err(too_many());
        }
        let appended = arrow::append(&batch, &mut transactions);
        appended.map_err(|reason| Problem::unprocessable(format!("row {}: {reason}", transactions.len() + 1)))?;
    }
    stream.end().map_err(Problem::bad_request)?;
    not_none(transactions)
}

/// What becomes of scored transactions.
#[derive(Debug, Clone)]
pub enum Trace {
    /// Nothing: it was a question.
    None,
    /// They are recorded, those without a name under that of the request, if it has one.
    Recorded(Option<String>),
}

/// Scores all. One that cannot be scored fails the batch and is named; those before it have been recorded then. A batch is
/// scored by one version, or by two when another begins to serve meanwhile.
pub fn score(state: &AppState, transactions: &[Transaction], trace: &Trace) -> ApiResult<ScoredBatch> {
    let mut predictions = Vec::with_capacity(transactions.len());
    let mut stamps: Vec<Stamp> = Vec::new();
    let mut last = None;
    for (index, transaction) in transactions.iter().enumerate() {
        let (stamp, prediction) = match trace {
            Trace::None => {
                let serving = state.serving.load();
                let scored = serving.score(transaction).map_err(|error| refusal_of_row(index, error.into()))?;
                (stamp(scored.scorer), scored.prediction)
            }
            Trace::Recorded(key) => {
                let key = key.as_ref().map(|key| format!("{key}#{index}"));
                let answer = |scorer: &Scorer, prediction| (stamp(scorer), prediction);
                let recorded = state.recorder.predict(transaction, key.as_deref(), answer);
                let (answer, kept) = recorded.map_err(|error| refusal_of_row(index, error))?;
                last = Some(kept);
                answer
            }
        };
        if !stamps.contains(&stamp) {
            stamps.push(stamp);
        }
        predictions.push(prediction);
    }
    if let Some(kept) = last {
        state.recorder.wait_blocking(kept).map_err(record_refusal)?;
    }
    Ok(ScoredBatch { predictions, headers: stamp_all(stamps) })
}

fn refusal_of_row(index: usize, error: RecordError) -> Problem {
    match error {
        RecordError::Score(ScoreError::Input(_)) | RecordError::Future => {
            Problem::unprocessable(format!("`transactions[{index}]`: {error}"))
        }
        other => record_refusal(other),
    }
}

/// A batch may hold transactions with and without a card: the headers then name both models, each in the same place.
fn stamp_all(stamps: Vec<Stamp>) -> HeaderMap<HeaderValue> {
    let mut headers = HeaderMap::new();
    for (name, value) in stamps.into_iter().flatten() {
        headers.append(name, value);
    }
    headers
}

fn check_count(transactions: &[Transaction]) -> ApiResult<()> {
    if transactions.len() > MAX_TRANSACTIONS { Err(too_many()) } else { Ok(()) }
}

fn too_many() -> Problem {
    Problem::unprocessable(format!("more than {MAX_TRANSACTIONS} transactions: send several batches"))
}

fn not_none(transactions: Vec<Transaction>) -> ApiResult<Vec<Transaction>> {
    if transactions.is_empty() { Err(Problem::unprocessable("there is no transaction in the body")) } else { Ok(transactions) }
}
