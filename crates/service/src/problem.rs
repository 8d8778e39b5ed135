//! The one error shape of every service: RFC 9457 `application/problem+json` with a stable `code`.

use std::{borrow::Cow, collections::BTreeMap, error::Error};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::{
    IntoResponses, PartialSchema, ToSchema,
    openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder, response::Response as ApiResponse},
};

use crate::BoxError;

/// What a handler answers.
pub type ApiResult<T> = Result<T, Problem>;

/// A detail may repeat what the client sent, but not without end.
const MAX_DETAIL_BYTES: usize = 400;

/// A refusal or failure as the client sees it. Its text is written for the client: the cause of a failure goes to
/// [`Problem::internal`], which logs it and answers without it.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    title: &'static str,
    code: &'static str,
    detail: Cow<'static, str>,
    retry_after_seconds: Option<u32>,
}

/// A problem on the wire.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody<'a> {
    /// The kind of problem, as a URN made of `code`.
    #[serde(rename = "type")]
    #[schema(rename = "type", example = "urn:lakehouse:problem:not_found")]
    kind: String,
    /// The kind of problem in words; the same for every occurrence.
    #[schema(example = "Not found")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// A stable word for programs.
    #[schema(example = "not_found")]
    code: &'static str,
    /// What is wrong with this request.
    detail: &'a str,
    /// The id under which the log knows this request.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl Problem {
    /// The request cannot be understood.
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Bad request", "bad_request", detail)
    }

    /// It is not known who asks, or what was sent to say so is not good.
    pub fn unauthorized(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "unauthorized", detail)
    }

    /// It is known who asks, and that one may not.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", "forbidden", detail)
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", "not_found", detail)
    }

    pub(crate) fn method_not_allowed() -> Self {
        let detail = "this address does not know the method; the `Allow` header lists those it knows";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", "method_not_allowed", detail)
    }

    /// None of the formats that the client takes is given here.
    pub fn not_acceptable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE, "Not acceptable", "not_acceptable", detail)
    }

    /// It was there, and never will be again.
    pub fn gone(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::GONE, "Gone", "gone", detail)
    }

    /// The client took too long to send its request.
    pub fn request_timeout(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "Request timeout", "request_timeout", detail)
    }

    /// The thing is in a state that does not allow this, or somebody else was first.
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, "Conflict", "conflict", detail)
    }

    /// The request or the thing it names is larger than allowed.
    pub fn too_large(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Too large", "too_large", detail)
    }

    /// The body has a content type that is not read here.
    pub fn unsupported_media_type(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type", "unsupported_media_type", detail)
    }

    /// The requested range lies outside of the thing.
    pub fn range_not_satisfiable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "Range not satisfiable", "range_not_satisfiable", detail)
    }

    /// The request is understood, but a value in it is wrong or missing.
    pub fn unprocessable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Unprocessable", "unprocessable", detail)
    }

    /// More is under way than allowed; the client may try again after `retry_after_seconds`.
    pub fn too_many_requests(detail: impl Into<Cow<'static, str>>, retry_after_seconds: u32) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests", "too_many_requests", detail);
        Self { retry_after_seconds: Some(retry_after_seconds), ..problem }
    }

    /// Something this service depends on does not work.
    pub fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Unavailable", "unavailable", detail)
    }

    /// There is no room left for what was sent.
    pub fn insufficient_storage(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "Insufficient storage", "insufficient_storage", detail)
    }

    /// The answer took longer than allowed.
    pub fn timeout(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", "timeout", detail)
    }

    /// Logs `error` with its causes, once, and answers without them.
    pub fn internal(error: impl Into<BoxError>) -> Self {
        let error = error.into();
        tracing::error!(error = %causes(error.as_ref()), "failed to answer a request");
        let detail = "the request failed here; the log has the cause under this request id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal error", "internal", detail)
    }

    /// The same problem under a more telling code, such as `unknown_domain`.
    pub fn with_code(self, code: &'static str) -> Self {
        Self { code, ..self }
    }

    /// The same problem, which may have passed after `seconds`.
    pub fn with_retry_after(self, seconds: u32) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    /// The stable word for programs.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What is wrong, in words for the client.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    fn new(status: StatusCode, title: &'static str, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        let mut detail = detail.into();
        if detail.len() > MAX_DETAIL_BYTES {
            let end = detail.floor_char_boundary(MAX_DETAIL_BYTES);
            detail = format!("{}…", &detail[..end]).into();
        }
        Self { status, title, code, detail, retry_after_seconds: None }
    }

    /// The body, with the id of the request once it is known.
    pub(crate) fn body(&self, request_id: Option<&HeaderValue>) -> Body {
        let body = ProblemBody {
            kind: format!("urn:lakehouse:problem:{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
            request_id: request_id.and_then(|id| id.to_str().ok()),
        };
        serde_json::to_vec(&body).map_or_else(|_| Body::empty(), Body::from)
    }
}

impl IntoResponse for Problem {
    /// Leaves itself in the response's extensions, so that the gate can add the request's id to the body.
    fn into_response(self) -> Response {
        let mut response = Response::new(self.body(None));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"lakehouse\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// An error and its causes, on one line.
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// In a route's `responses(…)`: any refusal or failure is a problem.
pub struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<ApiResponse>> {
        let schema = RefOr::Ref(Ref::from_schema_name(ProblemBody::name()));
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new().description("A problem").content("application/problem+json", content).build();
        BTreeMap::from([("default".to_owned(), RefOr::T(response))])
    }
}

/// Name and schema of the problem, for the components of an OpenAPI document.
pub(crate) fn schema() -> (String, RefOr<utoipa::openapi::Schema>) {
    (ProblemBody::name().into_owned(), ProblemBody::schema())
}
