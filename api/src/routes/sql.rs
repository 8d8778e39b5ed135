//! Read-only SQL.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use lakehouse_service::{ApiResult, AuditObject, JsonBody, PathParams, Problem, Problems, QueryParams};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    ApiState,
    principal::Principal,
    sql::{Format, Next, QueryStatus, SqlRequest, TRUNCATED},
    tags,
};

const QUERY_ID: HeaderName = HeaderName::from_static("x-query-id");

/// A column of the answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SqlColumn {
    name: String,
    /// Its Arrow type.
    r#type: String,
}

/// The rows of a query.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SqlAnswer {
    columns: Vec<SqlColumn>,
    /// One object per row.
    rows: Vec<serde_json::Value>,
    row_count: usize,
    /// There were more rows than the limit.
    truncated: bool,
}

/// The columns of a query that did not run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SqlDescription {
    columns: Vec<SqlColumn>,
}

/// A query in an address.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SqlQuery {
    /// One `select`.
    q: String,
    /// The domain whose tables need no prefix; the first one when absent.
    domain: Option<String>,
    /// Rows to give at most.
    limit: Option<usize>,
    /// Tables as they were: a version's number, or an instant.
    at: Option<String>,
}

/// Runs one read-only query over the lake.
///
/// `accept` chooses the format: JSON (the default, at most `limits.max_rows` rows), or NDJSON, CSV, an Arrow IPC stream or Parquet, which
/// are streamed. A stream that fails is cut off before its end. Whether a stream was cut at its limit is told by the trailer
/// `x-truncated`, for clients that send `te: trailers`, and by `GET /sql/{id}` with the id in `x-query-id`.
#[utoipa::path(
    post, path = "/sql", tag = "sql", request_body = SqlRequest,
    responses(
        (status = 200, description = "The rows; with `describe`, only the columns", content(
            (SqlAnswer = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"), (Vec<u8> = "application/vnd.apache.parquet"),
        )),
        (status = 304, description = "The answer that `if-none-match` names is still right"),
        Problems,
    )
)]
pub(crate) async fn run(
    State(state): State<ApiState>,
    principal: Principal,
    headers: HeaderMap,
    JsonBody(request): JsonBody<SqlRequest>,
) -> ApiResult<Response> {
    answer(&state, &principal, &headers, request).await
}

/// Runs one read-only query that fits into an address; otherwise like `POST /sql`.
#[utoipa::path(
    get, path = "/sql", tag = "sql", params(SqlQuery),
    responses((status = 200, description = "The rows", body = SqlAnswer), (status = 304, description = "Nothing has changed"), Problems)
)]
pub(crate) async fn read(
    State(state): State<ApiState>,
    principal: Principal,
    headers: HeaderMap,
    QueryParams(SqlQuery { q, domain, limit, at }): QueryParams<SqlQuery>,
) -> ApiResult<Response> {
    let request = SqlRequest { sql: q, domain, limit, at: at.map(Into::into), ..SqlRequest::default() };
    answer(&state, &principal, &headers, request).await
}

/// How a query stands, or what became of it within the last ten minutes.
#[utoipa::path(
    get, path = "/sql/{id}", tag = "sql", params(("id" = String, Path, description = "What `x-query-id` said")),
    responses((status = 200, body = QueryStatus), (status = 404, description = "There is no such query"), Problems)
)]
pub(crate) async fn status(State(state): State<ApiState>, PathParams(id): PathParams<String>) -> ApiResult<Json<QueryStatus>> {
    Ok(Json(state.queries.status(id.parse()?)?))
}

/// Stops a query; its answer is cut off. Stopping one that has ended changes nothing.
#[utoipa::path(
    delete, path = "/sql/{id}", tag = "sql", params(("id" = String, Path, description = "What `x-query-id` said")),
    responses((status = 204, description = "It is told to stop"), (status = 404, description = "There is no such query"), Problems)
)]
pub(crate) async fn cancel(State(state): State<ApiState>, PathParams(id): PathParams<String>) -> ApiResult<StatusCode> {
    state.queries.cancel(id.parse()?)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Answers, and has the audit trail tell of the statement instead of the path.
async fn answer(state: &ApiState, principal: &Principal, headers: &HeaderMap, request: SqlRequest) -> ApiResult<Response> {
    let asked = AuditObject(request.sql.clone());
    let mut response = rows(state, principal, headers, request).await.unwrap_or_else(IntoResponse::into_response);
    response.extensions_mut().insert(asked);
    Ok(response)
}

async fn rows(state: &ApiState, principal: &Principal, headers: &HeaderMap, request: SqlRequest) -> ApiResult<Response> {
    let (describe, format) = (request.describe, Format::wanted(headers)?);
    let planned = match state.queries.plan(request, format, principal, headers).await? {
        Next::Known(name) => return Ok(tags::not_modified(name)),
        Next::Held(answer, name) => return Ok(response(answer.into(), format, Some(name))),
        Next::Planned(planned) => planned,
    };
    if describe {
        let columns = planned.columns().into_iter().map(|(name, r#type)| SqlColumn { name, r#type }).collect();
        return Ok(Json(SqlDescription { columns }).into_response());
    }
    let etag = planned.etag.clone();
    let (id, streamed) = state.queries.run(planned).await?;
    let body = if format.is_held() {
        let whole = streamed.whole().await?;
        if let Some(name) = etag.clone() {
            state.queries.keep(name, whole.clone());
        }
        whole.into()
    } else {
        Body::new(streamed)
    };
    let mut response = response(body, format, etag);
    response.headers_mut().insert(QUERY_ID, HeaderValue::try_from(id.to_string()).map_err(Problem::internal)?);
    if !format.is_held() {
        response.headers_mut().insert(header::TRAILER, TRUNCATED.into());
    }
    Ok(response)
}

fn response(body: Body, format: Format, etag: Option<HeaderValue>) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, format.content_type());
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    headers.extend(etag.map(|etag| (header::ETAG, etag)));
    response
}
