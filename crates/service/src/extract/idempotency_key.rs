//! What a client calls a request, so that sending it again is safe.

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, request::Parts},
};

use crate::Problem;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const MAX_BYTES: usize = 200;

/// The `Idempotency-Key` of a request, if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(pub Option<String>);

impl IdempotencyKey {
    /// The header of an answer that was given before.
    pub const REPLAYED: (HeaderName, HeaderValue) =
        (HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(HEADER) else { return Ok(Self(None)) };
        let is_key =
            |text: &&str| (1..=MAX_BYTES).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        match value.to_str().ok().filter(is_key) {
            Some(key) => Ok(Self(Some(key.to_owned()))),
            None => Err(Problem::bad_request(format!("an Idempotency-Key has 1 to {MAX_BYTES} printable ASCII characters"))),
        }
    }
}
