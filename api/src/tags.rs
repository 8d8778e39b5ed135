//! Answers by name: the same question to the same versions has the same one.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use sha2::{Digest as _, Sha256};

/// The name of the answer to `question`, which says everything the answer depends on. Weak, as rows without an order may come
/// in another one.
pub(crate) fn tag(question: &str) -> Option<HeaderValue> {
    let digest = hex::encode(&Sha256::digest(question.as_bytes())[..16]);
    HeaderValue::try_from(format!("W/\"{digest}\"")).ok()
}

/// Does the client have this answer already?
pub(crate) fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let ours = tag.to_str().map(opaque).unwrap_or_default();
    let theirs = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    theirs.flat_map(|value| value.split(',')).any(|tag| tag.trim() == "*" || opaque(tag) == ours)
}

/// What the client has is still right.
pub(crate) fn not_modified(tag: HeaderValue) -> Response {
    (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response()
}
