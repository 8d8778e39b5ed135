//! JSON bodies.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
};
use serde::de::DeserializeOwned;

use crate::Problem;

/// A body that has to be JSON of the shape `T`.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::unsupported_media_type("send the body as `content-type: application/json`"));
        }
        let body = Bytes::from_request(request, state).await.map_err(unreadable)?;
        parse(&body).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn unreadable(rejection: BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large("the body is larger than this service reads"),
        _ => Problem::bad_request("the body ended before it was complete"),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        if error.is_data() {
            Problem::unprocessable(field_fault::<T>(body).unwrap_or_else(|| without_place(&error)))
        } else {
            Problem::bad_request(format!("the body is not JSON: {error}"))
        }
    })
}

/// Reads a refused body again, this time keeping track of the field: doing so for every body would slow all of them down.
fn field_fault<T: DeserializeOwned>(body: &[u8]) -> Option<String> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let fault = serde_path_to_error::deserialize::<_, T>(&mut reader).err()?;
    let reason = without_place(fault.inner());
    let path = fault.path().to_string();
    Some(if path == "." { reason } else { format!("`{path}`: {reason}") })
}

/// Line and column say little about a body that a program wrote.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}
