//! `POST /explain`

use axum::{Json, extract::State, response::IntoResponse};
use lakehouse_models::{Contribution, Contributions, Field, Scale};
use lakehouse_service::{ApiResult, JsonBody, Problem, Problems};
use serde::Serialize;
use tokio::task::spawn_blocking;
use utoipa::ToSchema;

use super::{refusal, stamp};
use crate::{
    AppState,
    request::Transaction,
    scoring::{Explained, Prediction, ScoreError},
};

/// Sentences of an explanation.
const REASONS: usize = 5;

/// A score and where it comes from.
#[derive(Serialize, ToSchema)]
pub struct Explanation {
    /// The prediction, as `/predict` gives it.
    prediction: Prediction,
    /// What the numbers are measured on: `log_odds`, or `leaf_mean` for the mean of trees.
    #[schema(value_type = String, example = "log_odds")]
    scale: Scale,
    /// What the model gives without knowing any input.
    base: f64,
    /// What it gives for this transaction: `base` and all contributions add up to it.
    total: f64,
    /// One for every input, those that move the score most first: exact Shapley values.
    contributions: Vec<InputContribution>,
    /// The inputs that move the score most, in words.
    #[schema(example = json!(["`amount` = 950 raises the log-odds by 1.204"]))]
    reasons: Vec<String>,
}

/// What one input adds to a score or takes from it.
#[derive(Serialize, ToSchema)]
struct InputContribution {
    /// The field of the request, or the live signal.
    #[schema(example = "amount")]
    input: String,
    /// Its value: a number, a text, true, false or null.
    #[schema(value_type = Value)]
    value: Field,
    /// What it adds, on the scale of the whole.
    contribution: f64,
}

/// Says which inputs a score comes from. Asks as `/predict` does, but is only a question: no state changes.
#[utoipa::path(
    post, path = "/explain", tag = "scoring", request_body = Transaction,
    responses(
        (status = 200, description = "The explanation", body = Explanation,
            headers(("x-model" = String), ("x-model-version" = u32))),
        (status = 422, description = "A field is missing or out of its range, or the model cannot be explained"),
        (status = 503, description = "There is no model for this transaction yet"),
        Problems,
    )
)]
pub async fn explain(
    State(AppState { serving, .. }): State<AppState>,
    JsonBody(transaction): JsonBody<Transaction>,
) -> ApiResult<impl IntoResponse> {
    let serving = serving.load_full();
    // Some hundred times the work of a score.
    let work = move || {
        let Explained { prediction, contributions, scorer } = serving.explain(&transaction).map_err(explain_refusal)?;
        Ok((stamp(scorer), Json(Explanation::new(prediction, contributions))))
    };
    spawn_blocking(work).await.map_err(Problem::internal)?
}

fn explain_refusal(error: ScoreError) -> Problem {
    match error {
        ScoreError::Explanation(fault) => Problem::unprocessable(fault.to_string()).with_code("no_explanation"),
        other => refusal(other),
    }
}

impl Explanation {
    fn new(prediction: Prediction, contributions: Contributions) -> Self {
        let reasons = contributions.reasons(REASONS);
        let Contributions { scale, base, total, inputs, .. } = contributions;
        let contribution = |Contribution { input, value, contribution }| InputContribution { input, value, contribution };
        Self { prediction, scale, base, total, contributions: inputs.into_iter().map(contribution).collect(), reasons }
    }
}
