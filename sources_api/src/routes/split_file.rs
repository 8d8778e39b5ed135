//! `POST /files/{name}/split`

use axum::{Json, extract::State};
use lakehouse_service::{ApiResult, PathParams, Problem, Problems, QueryParams};
use serde::{Deserialize, Serialize};
use tokio::{sync::Semaphore, task::spawn_blocking};
use utoipa::{IntoParams, ToSchema};

use super::{FilePath, unknown_file};
use crate::{
    AppState, FileName,
    split::{CsvName, Input, Split, SplitError, SplitPart},
};

const RETRY_AFTER_SECONDS: u32 = 10;

/// How to split.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SplitQuery {
    /// How many parts.
    #[serde(default = "four")]
    #[param(minimum = 1, maximum = 1000, default = 4)]
    parts: u32,
}

fn four() -> u32 {
    4
}

/// The parts of a file.
#[derive(Serialize, ToSchema)]
pub struct SplitAnswer {
    /// The parts, in the order of their rows.
    parts: Vec<SplitPart>,
}

/// Splits a CSV, compressed or not, into parts of near-equal row counts beside it, each with the header.
#[utoipa::path(
    post, path = "/files/{name}/split", tag = "files", params(FilePath, SplitQuery),
    responses(
        (status = 200, description = "The parts that were written", body = SplitAnswer),
        (status = 404, description = "There is no such file"),
        (status = 422, description = "The file is not a CSV, or not whole"),
        (status = 429, description = "Other files are being split"),
        Problems,
    )
)]
pub async fn split_file(
    State(AppState { folder, limits, splits, .. }): State<AppState>,
    PathParams(FilePath { name }): PathParams<FilePath>,
    QueryParams(SplitQuery { parts }): QueryParams<SplitQuery>,
) -> ApiResult<Json<SplitAnswer>> {
    check_part_names(&name, parts)?;
    let busy = |_| Problem::too_many_requests("other files are being split", RETRY_AFTER_SECONDS);
    let permit = Semaphore::try_acquire_owned(splits).map_err(busy)?;
    let found = folder.file(&name).await.map_err(Problem::internal)?;
    let file = found.ok_or_else(|| unknown_file(&name))?.file;
    let work = move || {
        // Given back when the work is done, not when the client stops waiting for it.
        let _permit = permit;
        let input = Input { file, path: folder.root().join(name.as_str()) };
        let source = CsvName::of(name.as_str())?;
        Split { input, source, out_dir: folder.root(), max_bytes: limits.upload_bytes }.run(parts)
    };
    let parts = spawn_blocking(work).await.map_err(Problem::internal)?.map_err(refusal)?;
    Ok(Json(SplitAnswer { parts }))
}

/// A part whose name nobody could ask for would be lost.
fn check_part_names(name: &FileName, parts: u32) -> ApiResult<()> {
    let longest = CsvName::of(name.as_str()).map_err(refusal)?.part(parts);
    match FileName::try_from(longest) {
        Ok(_) => Ok(()),
        Err(_) => Err(Problem::unprocessable("the name is too long for its parts to have names")),
    }
}

fn refusal(error: SplitError) -> Problem {
    match error {
        SplitError::TooLarge(_) => Problem::too_large(error.to_string()),
        SplitError::Io { .. } => Problem::internal(error),
        _ => Problem::unprocessable(error.to_string()),
    }
}
