//! Query and path parameters.

use std::error::Error;

use axum::{
    extract::{
        FromRequestParts, Path, Query,
        path::ErrorKind,
        rejection::{PathRejection, QueryRejection},
    },
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use crate::Problem;

/// A query string that has to fit `T`.
pub struct QueryParams<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(params) = Query::from_request_parts(parts, state).await.map_err(|rejection| query_fault(&rejection))?;
        Ok(Self(params))
    }
}

fn query_fault(rejection: &QueryRejection) -> Problem {
    let reason = rejection.source().map_or_else(|| "the query string cannot be read".to_owned(), ToString::to_string);
    match reason.split_once(": ") {
        Some((field, reason)) => Problem::unprocessable(format!("`{field}` in the query string: {reason}")),
        None => Problem::unprocessable(reason),
    }
}

/// Path parameters that have to fit `T`. A name that cannot exist, because its type refuses it, is not found; the refusal is
/// the answer, so it has to be written for clients.
pub struct PathParams<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(params) = Path::from_request_parts(parts, state).await.map_err(path_fault)?;
        Ok(Self(params))
    }
}

fn path_fault(rejection: PathRejection) -> Problem {
    let PathRejection::FailedToDeserializePathParams(fault) = rejection else { return Problem::internal(rejection) };
    match fault.kind() {
        ErrorKind::ParseErrorAtKey { key, expected_type, .. } => {
            Problem::unprocessable(format!("`{key}` in the path is not of type {expected_type}"))
        }
        ErrorKind::ParseErrorAtIndex { expected_type, .. } | ErrorKind::ParseError { expected_type, .. } => {
            Problem::unprocessable(format!("the path is not of type {expected_type}"))
        }
        ErrorKind::DeserializeError { message, .. } | ErrorKind::Message(message) => Problem::not_found(message.clone()),
        ErrorKind::InvalidUtf8InPathParam { key } => Problem::bad_request(format!("`{key}` in the path is not UTF-8")),
        _ => Problem::internal(fault),
    }
}
