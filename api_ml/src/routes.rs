//! One route a file.

mod bulk;
pub mod drift;
pub mod explain;
pub mod import;
pub mod inference;
pub mod model_info;
pub mod models;
pub mod predict;
pub mod predict_batch;
pub mod predict_proba;
pub mod status;
pub mod transactions;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use lakehouse_service::{ApiResult, IdempotencyKey, Problem};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    journal::JournalError,
    scoring::{Kept, RecordError, Recording, ScoreError, Scorer},
};

const RETRY_AFTER_SECONDS: u32 = 1;

/// The header with the name of the model that scored.
const MODEL: HeaderName = HeaderName::from_static("x-model");
/// The header with its version.
const MODEL_VERSION: HeaderName = HeaderName::from_static("x-model-version");

/// Which model scored, for the head of an answer.
type Stamp = [(HeaderName, HeaderValue); 2];

fn stamp(scorer: &Scorer) -> Stamp {
    let [model, version] = scorer.headers();
    [(MODEL, model.clone()), (MODEL_VERSION, version.clone())]
}

fn refusal(error: ScoreError) -> Problem {
    match error {
        ScoreError::NoChampion => Problem::unavailable(error.to_string()).with_code("no_champion"),
        ScoreError::NoCardModel => Problem::unavailable(error.to_string()).with_code("no_card_model"),
        ScoreError::Input(input) => Problem::unprocessable(input.to_string()),
        ScoreError::Signals(_) | ScoreError::Broken | ScoreError::Explanation(_) => Problem::internal(error),
    }
}

fn record_refusal(error: RecordError) -> Problem {
    match error {
        RecordError::Score(score) => refusal(score),
        RecordError::Future | RecordError::NoName => Problem::unprocessable(error.to_string()),
        RecordError::Journal(JournalError::Full) => {
            Problem::too_many_requests("the disk does not keep up with the requests", RETRY_AFTER_SECONDS)
        }
        RecordError::Journal(JournalError::Stopped) => {
            Problem::unavailable("what has to be kept cannot be written: the log has the cause").with_code("journal_stopped")
        }
        RecordError::Journal(other) => Problem::internal(other),
    }
}

/// A place among the requests under way, or the advice to come back: nothing waits in line here.
fn admit(requests: &Semaphore) -> ApiResult<SemaphorePermit<'_>> {
    requests.try_acquire().map_err(|_| Problem::too_many_requests("too many requests are under way", RETRY_AFTER_SECONDS))
}

/// Says in the head of an answer that the transaction had been recorded before.
fn recorded(kept: Kept) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if kept.recording == Recording::Before {
        headers.extend([IdempotencyKey::REPLAYED]);
    }
    headers
}
