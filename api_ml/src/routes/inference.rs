//! The Open Inference Protocol, version 2: what Triton, KServe and MLServer clients speak.
//!
//! A model's inputs are the fields of a transaction, each a tensor of as many elements as there are transactions; a field that
//! may be absent may be left out. Errors have the protocol's shape, `{"error": …}`.
//! <https://github.com/kserve/open-inference-protocol>

mod describe;
mod infer;
mod tensors;

use axum::{
    Json,
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use lakehouse_service::{PathParams, Problem};
use lakehouse_spec::ModelName;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    AppState,
    scoring::{Role, Scorer, Serving},
};

/// The routes whose bodies are small.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(describe::server))
        .routes(routes!(describe::live))
        .routes(routes!(describe::ready))
        .routes(routes!(describe::model))
        .routes(routes!(describe::version))
        .routes(routes!(describe::model_ready))
        .routes(routes!(describe::version_ready))
}

/// The routes whose bodies are batches.
pub fn batch_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(infer::infer)).routes(routes!(infer::infer_version))
}

/// A model.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ModelPath {
    /// `fraud`, or `fraud_card` for transactions with a card.
    #[param(value_type = String, example = "fraud")]
    model: ModelName,
}

/// A version of a model.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct VersionPath {
    /// `fraud`, or `fraud_card` for transactions with a card.
    #[param(value_type = String, example = "fraud")]
    model: ModelName,
    /// The version; only the one that serves can be asked.
    #[param(value_type = String, example = "1")]
    version: String,
}

/// Path parameters. A name that no model can have does not serve either, and is refused in the protocol's shape.
struct Path<T>(T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = InferenceError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, InferenceError> {
        match PathParams::from_request_parts(parts, state).await {
            Ok(PathParams(params)) => Ok(Self(params)),
            Err(problem) if problem.status().is_client_error() => Err(InferenceError::not_found(problem.detail())),
            Err(problem) => Err(problem.into()),
        }
    }
}

/// A refusal in the protocol's shape.
#[derive(Debug, Serialize, ToSchema)]
struct InferenceError {
    /// What is wrong.
    error: String,
    #[serde(skip)]
    #[schema(ignore)]
    status: StatusCode,
}

impl InferenceError {
    fn bad_request(error: impl Into<String>) -> Self {
        Self { error: error.into(), status: StatusCode::BAD_REQUEST }
    }

    fn not_found(error: impl Into<String>) -> Self {
        Self { error: error.into(), status: StatusCode::NOT_FOUND }
    }
}

impl From<Problem> for InferenceError {
    fn from(problem: Problem) -> Self {
        Self { error: problem.detail().to_owned(), status: problem.status() }
    }
}

impl IntoResponse for InferenceError {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}

/// The scorer that answers for a model, which has to be of that version if one is named.
fn find<'a>(serving: &'a Serving, model: &ModelName, version: Option<&str>) -> Result<&'a Scorer, InferenceError> {
    let mut scorers = serving.scorers().filter(|(_, role, _)| *role == Role::Champion).map(|(scorer, ..)| scorer);
    let scorer = scorers.find(|scorer| scorer.champion().promotion.model == *model);
    let scorer = scorer.ok_or_else(|| InferenceError::not_found(format!("no model `{model}` serves")))?;
    let serves = scorer.champion().promotion.version.to_string();
    match version {
        Some(version) if version != serves => {
            Err(InferenceError::not_found(format!("version {serves} of `{model}` serves, and no other can be asked")))
        }
        _ => Ok(scorer),
    }
}
