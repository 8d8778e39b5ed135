//! `GET /v2/…`: the server and its models, described.

use axum::{Json, extract::State, http::StatusCode};
use lakehouse_service::Problems;
use serde::Serialize;
use utoipa::ToSchema;

use super::{InferenceError, ModelPath, Path, VersionPath, find};
use crate::{
    AppState,
    models::Names,
    request::transaction::FIELDS,
    scoring::{Scorer, Serving},
};

/// What a model takes of a field that only a transaction with a card has.
const OF_CARDS: [&str; 5] = ["card_id", "merchant_id", "mcc", "timestamp", "errors"];

/// The server.
#[derive(Serialize, ToSchema)]
pub struct ServerMetadata {
    name: &'static str,
    version: &'static str,
    /// Extensions of the protocol that are spoken.
    extensions: [&'static str; 1],
}

/// A model.
#[derive(Serialize, ToSchema)]
pub struct ModelMetadata {
    /// Its name.
    #[schema(example = "fraud")]
    name: String,
    /// The version that serves.
    versions: Vec<String>,
    /// What kind of model it is.
    #[schema(example = "lakehouse_gradient_boosting")]
    platform: String,
    /// The fields of a transaction.
    inputs: Vec<TensorMetadata>,
    /// What comes out for each transaction.
    outputs: Vec<TensorMetadata>,
}

/// A tensor.
#[derive(Serialize, ToSchema)]
pub struct TensorMetadata {
    name: &'static str,
    datatype: &'static str,
    /// As many as there are transactions.
    shape: [i64; 1],
}

/// Is it there?
#[derive(Serialize, ToSchema)]
pub struct Liveness {
    live: bool,
}

/// Can it score?
#[derive(Serialize, ToSchema)]
pub struct Readiness {
    ready: bool,
}

/// Names the server.
#[utoipa::path(get, path = "/v2", tag = "inference", responses((status = 200, body = ServerMetadata), Problems))]
pub async fn server() -> Json<ServerMetadata> {
    Json(ServerMetadata { name: "lakehouse", version: env!("CARGO_PKG_VERSION"), extensions: ["binary_tensor_data"] })
}

/// Answers as long as the process can answer at all.
#[utoipa::path(get, path = "/v2/health/live", tag = "inference", responses((status = 200, body = Liveness), Problems))]
pub async fn live() -> Json<Liveness> {
    Json(Liveness { live: true })
}

/// Can transactions be scored?
#[utoipa::path(
    get, path = "/v2/health/ready", tag = "inference",
    responses((status = 200, body = Readiness), (status = 503, description = "There is no champion yet", body = Readiness), Problems)
)]
pub async fn ready(State(AppState { serving, .. }): State<AppState>) -> (StatusCode, Json<Readiness>) {
    let ready = serving.load().plain.is_some();
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(Readiness { ready }))
}

/// Describes a model that serves.
#[utoipa::path(
    get, path = "/v2/models/{model}", tag = "inference", params(ModelPath),
    responses((status = 200, body = ModelMetadata), (status = 404, description = "It does not serve", body = InferenceError), Problems)
)]
pub async fn model(
    State(AppState { serving, names, .. }): State<AppState>,
    Path(ModelPath { model }): Path<ModelPath>,
) -> Result<Json<ModelMetadata>, InferenceError> {
    let serving: &Serving = &serving.load();
    find(serving, &model, None).map(|scorer| Json(ModelMetadata::new(scorer, &names)))
}

/// Describes a model if it serves in this version.
#[utoipa::path(
    get, path = "/v2/models/{model}/versions/{version}", tag = "inference", params(VersionPath),
    responses((status = 200, body = ModelMetadata), (status = 404, description = "It does not serve", body = InferenceError), Problems)
)]
pub async fn version(
    State(AppState { serving, names, .. }): State<AppState>,
    Path(VersionPath { model, version }): Path<VersionPath>,
) -> Result<Json<ModelMetadata>, InferenceError> {
    let serving: &Serving = &serving.load();
    find(serving, &model, Some(&version)).map(|scorer| Json(ModelMetadata::new(scorer, &names)))
}

/// Does a model serve?
#[utoipa::path(
    get, path = "/v2/models/{model}/ready", tag = "inference", params(ModelPath),
    responses((status = 200, body = Readiness), (status = 404, description = "It does not serve", body = InferenceError), Problems)
)]
pub async fn model_ready(
    State(AppState { serving, .. }): State<AppState>,
    Path(ModelPath { model }): Path<ModelPath>,
) -> Result<Json<Readiness>, InferenceError> {
    find(&serving.load(), &model, None).map(|_| Json(Readiness { ready: true }))
}

/// Does a model serve in this version?
#[utoipa::path(
    get, path = "/v2/models/{model}/versions/{version}/ready", tag = "inference", params(VersionPath),
    responses((status = 200, body = Readiness), (status = 404, description = "It does not serve", body = InferenceError), Problems)
)]
pub async fn version_ready(
    State(AppState { serving, .. }): State<AppState>,
    Path(VersionPath { model, version }): Path<VersionPath>,
) -> Result<Json<Readiness>, InferenceError> {
    find(&serving.load(), &model, Some(&version)).map(|_| Json(Readiness { ready: true }))
}

impl ModelMetadata {
    fn new(scorer: &Scorer, names: &Names) -> Self {
        let champion = scorer.champion();
        let has_card = champion.promotion.model == names.card;
        let inputs = FIELDS.iter().filter(|(name, _)| has_card || !OF_CARDS.contains(name));
        let tensor = |(name, datatype): &(&'static str, &'static str)| TensorMetadata { name, datatype, shape: [-1] };
        Self {
            name: champion.promotion.model.to_string(),
            versions: vec![champion.promotion.version.to_string()],
            platform: format!("lakehouse_{}", champion.model.manifest().description.family),
            inputs: inputs.map(tensor).collect(),
            outputs: [("fraud_probability", "FP64"), ("is_fraud", "BOOL")].iter().map(tensor).collect(),
        }
    }
}
