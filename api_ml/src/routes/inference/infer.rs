//! `POST /v2/models/{model}/infer`

use axum::{
    Json,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderName},
    response::{IntoResponse, Response},
};
use lakehouse_service::Problems;
use lakehouse_spec::ModelName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    InferenceError, ModelPath, Path, VersionPath, find,
    tensors::{InputTensor, Tensor},
};
use crate::{
    AppState,
    request::{Transaction, cell::transaction},
    routes::bulk::{self, MAX_TRANSACTIONS, Trace},
    scoring::Prediction,
};

/// Says that raw tensors follow, and how many bytes of the body before them are JSON.
const JSON_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");

/// Transactions as tensors.
#[derive(Deserialize, ToSchema)]
pub struct InferenceRequest {
    /// Comes back in the answer.
    #[serde(default)]
    id: Option<String>,
    /// One for each field.
    #[schema(min_items = 1)]
    inputs: Vec<InputTensor>,
    /// What is asked for; everything when absent.
    #[serde(default)]
    outputs: Vec<RequestedOutput>,
}

/// An output that is asked for.
#[derive(Deserialize, ToSchema)]
struct RequestedOutput {
    /// `fraud_probability` or `is_fraud`.
    #[schema(example = "fraud_probability")]
    name: String,
}

/// Predictions as tensors.
#[derive(Serialize, ToSchema)]
pub struct InferenceAnswer {
    model_name: String,
    model_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    outputs: Vec<OutputTensor>,
}

/// A tensor of predictions.
#[derive(Serialize, ToSchema)]
struct OutputTensor {
    name: &'static str,
    datatype: &'static str,
    shape: [usize; 1],
    data: OutputData,
}

/// In the order of the transactions.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum OutputData {
    Numbers(Vec<f64>),
    Flags(Vec<bool>),
}

/// Scores up to 10,000 transactions. Elements come as JSON or, as the extension of binary tensors has it, behind it.
#[utoipa::path(
    post, path = "/v2/models/{model}/infer", tag = "inference", params(ModelPath), request_body = InferenceRequest,
    responses(
        (status = 200, description = "The predictions, in order", body = InferenceAnswer),
        (status = 400, description = "The tensors are not transactions", body = InferenceError),
        (status = 404, description = "The model does not serve", body = InferenceError),
        (status = 429, description = "Other batches are under way", body = InferenceError),
        Problems,
    )
)]
pub async fn infer(
    State(state): State<AppState>,
    Path(ModelPath { model }): Path<ModelPath>,
    request: Request,
) -> Result<Response, InferenceError> {
    answer(state, model, None, request).await
}

/// The same, if this version serves.
#[utoipa::path(
    post, path = "/v2/models/{model}/versions/{version}/infer", tag = "inference", params(VersionPath),
    request_body = InferenceRequest,
    responses(
        (status = 200, description = "The predictions, in order", body = InferenceAnswer),
        (status = 400, description = "The tensors are not transactions", body = InferenceError),
        (status = 404, description = "The model does not serve in this version", body = InferenceError),
        (status = 429, description = "Other batches are under way", body = InferenceError),
        Problems,
    )
)]
pub async fn infer_version(
    State(state): State<AppState>,
    Path(VersionPath { model, version }): Path<VersionPath>,
    request: Request,
) -> Result<Response, InferenceError> {
    answer(state, model, Some(version), request).await
}

async fn answer(
    state: AppState,
    model: ModelName,
    version: Option<String>,
    request: Request,
) -> Result<Response, InferenceError> {
    let scoring = state.clone();
    let work = move |headers: &HeaderMap, body: Bytes| Ok(respond(&scoring, (&model, version.as_deref()), headers, &body));
    bulk::work(&state, request, work).await?.map(|(headers, answer)| (headers, Json(answer)).into_response())
}

fn respond(
    state: &AppState,
    (model, version): (&ModelName, Option<&str>),
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(HeaderMap, InferenceAnswer), InferenceError> {
    let serving = state.serving.load_full();
    let promotion = &find(&serving, model, version)?.champion().promotion;
    let has_card = *model == state.names.card;
    let (InferenceRequest { id, inputs, outputs }, binary) = read(headers, body)?;
    let transactions = transactions(inputs, binary)?;
    if let Some(row) = transactions.iter().position(|transaction| transaction.card_id.is_some() != has_card) {
        let reason = if has_card { "has no `card_id`, which this model needs" } else { "has a `card_id`: ask `fraud_card`" };
        return Err(InferenceError::bad_request(format!("transaction {row} {reason}")));
    }
    let scored = bulk::score(state, &transactions, &Trace::Recorded(None))?;
    let outputs = output_tensors(&outputs, &scored.predictions)?;
    let (model_name, model_version) = (promotion.model.to_string(), promotion.version.to_string());
    Ok((scored.headers, InferenceAnswer { model_name, model_version, id, outputs }))
}

/// The request, and the bytes behind it.
fn read<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<(InferenceRequest, &'a [u8]), InferenceError> {
    let length = match headers.get(JSON_LENGTH) {
        None => Some(body.len()),
        Some(length) => length.to_str().ok().and_then(|text| text.parse().ok()),
    };
    let parts = length.and_then(|length: usize| body.split_at_checked(length));
    let (json, binary) =
        parts.ok_or_else(|| InferenceError::bad_request(format!("`{JSON_LENGTH}` is not a length inside the body")))?;
    let request = serde_json::from_slice(json)
        .map_err(|error| InferenceError::bad_request(format!("the request cannot be read: {error}")))?;
    Ok((request, binary))
}

fn transactions(inputs: Vec<InputTensor>, mut binary: &[u8]) -> Result<Vec<Transaction>, InferenceError> {
    let read = inputs.into_iter().map(|input| Tensor::read(input, &mut binary)).collect::<Result<Vec<_>, _>>();
    let tensors = read.map_err(InferenceError::bad_request)?;
    let rows = tensors.first().map_or(0, Tensor::rows);
    if rows == 0 || rows > MAX_TRANSACTIONS {
        return Err(InferenceError::bad_request(format!("a request has 1 to {MAX_TRANSACTIONS} transactions, this one {rows}")));
    }
    if let Some(other) = tensors.iter().find(|tensor| tensor.rows() != rows) {
        return Err(InferenceError::bad_request(format!("input `{}` has not as many elements as the first", other.name)));
    }
    if !binary.is_empty() {
        return Err(InferenceError::bad_request("bytes follow the last tensor"));
    }
    let row = |row: usize| {
        let cells = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor.cell(row)));
        transaction(cells).map_err(|reason| InferenceError::bad_request(format!("transaction {row}: {reason}")))
    };
    (0..rows).map(row).collect()
}

fn output_tensors(asked: &[RequestedOutput], predictions: &[Prediction]) -> Result<Vec<OutputTensor>, InferenceError> {
    let tensor = |name: &str| {
        let shape = [predictions.len()];
        match name {
            "fraud_probability" => {
                let data = OutputData::Numbers(predictions.iter().map(|one| one.probability()).collect());
                Ok(OutputTensor { name: "fraud_probability", datatype: "FP64", shape, data })
            }
            "is_fraud" => {
                let data = OutputData::Flags(predictions.iter().map(|one| one.is_fraud()).collect());
                Ok(OutputTensor { name: "is_fraud", datatype: "BOOL", shape, data })
            }
            other => Err(InferenceError::bad_request(format!("there is no output `{other}`"))),
        }
    };
    if asked.is_empty() {
        return ["fraud_probability", "is_fraud"].into_iter().map(tensor).collect();
    }
    asked.iter().map(|output| tensor(&output.name)).collect()
}
