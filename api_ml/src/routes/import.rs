//! `POST /models/{model}/versions`: models that were fitted elsewhere.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use lakehouse_models::Encoder;
use lakehouse_onnx::{Import, ImportError, SampleRow};
use lakehouse_registry::ModelVersion;
use lakehouse_service::{ApiResult, JsonBody, PathParams, Problem, Problems};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use utoipa::ToSchema;

use super::models::{ModelPath, VersionInfo};
use crate::{AppState, scoring::Scorer};

/// A file of 16 MiB in base64, and its sample.
pub const BODY_BYTES: usize = 32 << 20;
const RETRY_AFTER_SECONDS: u32 = 1;

/// A model that was fitted elsewhere.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    /// The ONNX file, in base64; at most 16 MiB.
    #[schema(value_type = String, format = Byte, example = "CAo=")]
    onnx: String,
    /// What the model predicts.
    about: String,
    /// The probability above which a transaction is an alert; 0.5 if not given.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1)]
    threshold: Option<f64>,
    /// Its inputs and the numbers they become, which are the columns of the file: `{"inputs": [{"name", "kind", "nullable"}],
    /// "features": [[name, {"transform": "number"}]]}`, as in a manifest.
    #[schema(value_type = Object)]
    encoder: Encoder,
    /// Rows it was not fitted on: `{"values": […], "score": probability where it was fitted, "label": was it fraud?}`.
    #[schema(value_type = Vec<Object>, min_items = 2)]
    sample: Vec<SampleRow>,
}

/// A version that was imported.
#[derive(Serialize, ToSchema)]
pub struct ImportedVersion {
    /// The version. Nothing points at it yet.
    version: VersionInfo,
    /// How far the scores of the sample were from what it says, at most.
    max_difference: f64,
}

/// Turns an ONNX file of trees or of a linear classifier into a version of a model, if its sample scores here as it did where it
/// was fitted. The version serves once it is promoted.
#[utoipa::path(
    post, path = "/models/{model}/versions", tag = "models", params(ModelPath), request_body = ImportRequest,
    responses(
        (status = 201, description = "It is a version now; the same file again is the same version", body = ImportedVersion),
        (status = 422, description = "It cannot be served: `code` and `detail` say why"),
        Problems,
    )
)]
pub async fn import_version(
    State(state): State<AppState>,
    PathParams(ModelPath { model }): PathParams<ModelPath>,
    JsonBody(request): JsonBody<ImportRequest>,
) -> ApiResult<(StatusCode, Json<ImportedVersion>)> {
    check_inputs(&state, model == state.names.card, &request.encoder)?;
    // Beside batches: it takes a core for a while, and some memory.
    let permit = Arc::clone(&state.batches).try_acquire_owned();
    let permit = permit.map_err(|_| Problem::too_many_requests("batches are under way", RETRY_AFTER_SECONDS))?;
    let name = model.to_string();
    let reading = spawn_blocking(move || {
        let _permit = permit;
        let ImportRequest { onnx, about, threshold, encoder, sample } = request;
        let file = STANDARD.decode(onnx).map_err(|_| Problem::unprocessable("`onnx` is not base64"))?;
        let imported = Import { about, threshold, encoder, sample }.read(&name, &file).map_err(refusal)?;
        let max_difference = imported.max_difference;
        let new = imported.into_version(file).map_err(Problem::internal)?;
        Ok::<_, Problem>((new, max_difference))
    });
    let (new, max_difference) = reading.await.map_err(Problem::internal)??;
    let version: ModelVersion = state.registry.register(&model, new).await.map_err(Problem::internal)?;
    Ok((StatusCode::CREATED, Json(ImportedVersion { version: version.into(), max_difference })))
}

/// What nothing could give a value to would be refused when it is promoted; it is said here instead.
fn check_inputs(state: &AppState, has_card: bool, encoder: &Encoder) -> ApiResult<()> {
    let serving = state.serving.load();
    let outputs = serving.card.as_ref().filter(|_| has_card).map_or(&[][..], |card| &card.signals.outputs);
    let is_known = Scorer::find_inputs(encoder.inputs(), outputs);
    // Without signals, it is not known yet what a card's model can be given.
    let is_undecided = has_card && serving.card.is_none();
    match is_known {
        Err(error) if !is_undecided => {
            Err(Problem::unprocessable(format!("the model cannot serve: {error}")).with_code("unknown_input"))
        }
        _ => Ok(()),
    }
}

fn refusal(error: ImportError) -> Problem {
    let refused = Problem::unprocessable(error.to_string());
    match error {
        ImportError::Corrupt(_) => refused.with_code("corrupt_model"),
        ImportError::Operator(_) | ImportError::Unsupported { .. } | ImportError::NoProbability => {
            refused.with_code("unsupported_model")
        }
        ImportError::Inputs { .. } => refused.with_code("other_inputs"),
        ImportError::Differs { .. } => refused.with_code("other_scores"),
        ImportError::Form(_) | ImportError::Artifact(_) => refused.with_code("unusable_model"),
        ImportError::Sample { .. } | ImportError::SampleTooLong(_) | ImportError::SampleWidth { .. } | ImportError::Judge(_) => {
            refused.with_code("unusable_sample")
        }
        ImportError::TooLarge(_) => Problem::too_large(error.to_string()),
    }
}
