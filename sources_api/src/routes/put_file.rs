//! `PUT /files/{name}`

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use lakehouse_service::{ApiResult, PathParams, Problem, Problems};
use serde::Serialize;
use utoipa::ToSchema;

use super::FilePath;
use crate::{
    AppState,
    upload::{Received, Terms, UploadError, receive},
};

/// A file that was stored.
#[derive(Serialize, ToSchema)]
pub struct Stored {
    /// Its name.
    name: String,
    /// Its length.
    bytes: u64,
    /// The SHA-256 of its content, in hexadecimal.
    sha256: String,
}

/// Stores a file. It appears, or replaces the one of its name, when all of it has arrived; a reader of the old one keeps it.
#[utoipa::path(
    put, path = "/files/{name}", tag = "files", params(FilePath),
    request_body(content = [u8], content_type = "application/octet-stream"),
    responses(
        (status = 201, description = "A new file", body = Stored),
        (status = 200, description = "The file was replaced", body = Stored),
        (status = 413, description = "The file is larger than allowed"),
        Problems,
    )
)]
pub async fn put_file(
    State(AppState { folder, limits, .. }): State<AppState>,
    PathParams(FilePath { name }): PathParams<FilePath>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<(StatusCode, Json<Stored>)> {
    let announced_bytes = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let terms = Terms { announced_bytes, max_bytes: limits.upload_bytes, patience: limits.request_timeout() };
    let received = receive(&folder, &name, terms, body.into_data_stream()).await.map_err(refusal)?;
    let Received { is_new, bytes, sha256 } = received;
    tracing::info!(name = name.as_str(), bytes, sha256, "stored `{name}`");
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(Stored { name: name.to_string(), bytes, sha256 })))
}

/// What a client is told about an upload that was not received.
pub fn refusal(error: UploadError<axum::Error>) -> Problem {
    let sentence = error.to_string();
    match error {
        UploadError::TooLarge(_) => Problem::too_large(sentence),
        UploadError::Length { .. } | UploadError::Body(_) => Problem::bad_request(sentence),
        UploadError::Silent(_) => Problem::request_timeout(sentence),
        UploadError::Taken => Problem::conflict(sentence),
        UploadError::Disk(error) if error.is_full() => {
            tracing::error!("there is no room left for uploads");
            Problem::insufficient_storage("there is no room left for the file")
        }
        UploadError::Disk(error) => Problem::internal(error),
    }
}
