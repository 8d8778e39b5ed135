//! What a file is, by its extension.

use axum::http::HeaderValue;

use crate::FileName;

const BY_EXTENSION: [(&str, HeaderValue); 5] = [
    ("csv", HeaderValue::from_static("text/csv")),
    ("json", HeaderValue::from_static("application/json")),
    ("gz", HeaderValue::from_static("application/gzip")),
    ("zst", HeaderValue::from_static("application/zstd")),
    ("parquet", HeaderValue::from_static("application/vnd.apache.parquet")),
];
const UNKNOWN: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The content type of a file; bytes of no known kind are only bytes.
pub fn content_type(name: &FileName) -> HeaderValue {
    let extension = name.as_str().rsplit_once('.').map_or("", |(_, extension)| extension);
    let known = BY_EXTENSION.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(extension));
    known.map_or(UNKNOWN, |(_, content_type)| content_type)
}
