//! One route a file.

pub mod model_info;
pub mod predict;
pub mod predict_batch;
pub mod status;

use axum::http::{HeaderName, HeaderValue};
use lakehouse_service::Problem;

use crate::scoring::{ScoreError, Scorer};

/// The header with the name of the model that scored.
const MODEL: HeaderName = HeaderName::from_static("x-model");
/// The header with its version.
const MODEL_VERSION: HeaderName = HeaderName::from_static("x-model-version");

/// Which model scored, for the head of an answer.
fn stamp(scorer: &Scorer) -> [(HeaderName, HeaderValue); 2] {
    let [model, version] = scorer.headers();
    [(MODEL, model.clone()), (MODEL_VERSION, version.clone())]
}

fn refusal(error: ScoreError) -> Problem {
    match error {
        ScoreError::NoChampion => Problem::unavailable(error.to_string()).with_code("no_champion"),
        ScoreError::NoCardModel => Problem::unavailable(error.to_string()).with_code("no_card_model"),
        ScoreError::Input(input) => Problem::unprocessable(input.to_string()),
        ScoreError::Signals(_) | ScoreError::Broken => Problem::internal(error),
    }
}
