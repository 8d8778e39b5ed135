//! `GET /files/{name}` and `HEAD /files/{name}`

use std::ops::Range;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use lakehouse_service::{ApiResult, PathParams, Problem, Problems};
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};
use tokio_util::io::ReaderStream;

use super::{FilePath, unknown_file};
use crate::{
    AppState,
    content_type::content_type,
    folder::OpenFile,
    range::{Part, part},
    validators::Validators,
};

/// Read from disk at once; each read is a trip to another thread.
const CHUNK_BYTES: usize = 256 << 10;

/// Serves a file: all of it, the range that is asked for, or nothing when the client has it already.
#[utoipa::path(
    get, path = "/files/{name}", tag = "files", params(FilePath),
    responses(
        (status = 200, description = "The whole file; its name says of which kind", content(
            ([u8] = "application/octet-stream"), (String = "text/csv"), (serde_json::Value = "application/json"), ([u8] = "application/gzip"),
            ([u8] = "application/zstd"), ([u8] = "application/vnd.apache.parquet"),
        ),
            headers(("etag" = String), ("last-modified" = String), ("accept-ranges" = String))),
        (status = 206, description = "The range asked for", content(
            ([u8] = "application/octet-stream"), (String = "text/csv"), (serde_json::Value = "application/json"), ([u8] = "application/gzip"),
            ([u8] = "application/zstd"), ([u8] = "application/vnd.apache.parquet"),
        ),
            headers(("content-range" = String))),
        (status = 304, description = "The client has this state of the file"),
        (status = 404, description = "There is no such file"),
        (status = 416, description = "The file does not have that range"),
        Problems,
    )
)]
pub async fn get_file(
    State(AppState { folder, .. }): State<AppState>,
    PathParams(FilePath { name }): PathParams<FilePath>,
    method: Method,
    client: HeaderMap,
) -> ApiResult<Response> {
    let found = folder.file(&name).await.map_err(Problem::internal)?;
    let file = found.ok_or_else(|| unknown_file(&name))?;
    let validators = Validators::of(&file.metadata);
    let headers = AppendHeaders(validators.headers());
    if validators.is_known_to(&client) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let length = file.metadata.len();
    let about =
        [(header::CONTENT_TYPE, content_type(&name)), (header::ACCEPT_RANGES, "bytes".parse().map_err(Problem::internal)?)];
    let asked = client.get(header::RANGE).and_then(|value| value.to_str().ok());
    // Only GET knows ranges, and a range of another state of the file would not fit what the client has.
    let asked = asked.filter(|_| method == Method::GET && validators.allow_range(&client));
    match part(asked, length) {
        Part::Whole => Ok((headers, about, body(file, 0..length).await?).into_response()),
        Part::Bytes(range) => {
            let place = [(header::CONTENT_RANGE, format!("bytes {}-{}/{length}", range.start, range.end - 1))];
            Ok((StatusCode::PARTIAL_CONTENT, headers, about, place, body(file, range).await?).into_response())
        }
        Part::Outside => {
            let problem = Problem::range_not_satisfiable(format!("`{name}` has {length} bytes"));
            Ok(([(header::CONTENT_RANGE, format!("bytes */{length}"))], problem).into_response())
        }
    }
}

/// A part of a file, read while it is sent.
async fn body(file: OpenFile, range: Range<u64>) -> ApiResult<([(header::HeaderName, String); 1], Body)> {
    let mut reader = tokio::fs::File::from_std(file.file);
    if range.start > 0 {
        reader.seek(SeekFrom::Start(range.start)).await.map_err(Problem::internal)?;
    }
    let length = range.end - range.start;
    let stream = ReaderStream::with_capacity(reader.take(length), CHUNK_BYTES);
    Ok(([(header::CONTENT_LENGTH, length.to_string())], Body::from_stream(stream)))
}
