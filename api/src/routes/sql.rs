//! Read-only SQL.

use std::time::Duration;

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
    sql::{Format, Next, Page, QueryId, QueryStatus, SqlRequest, TRUNCATED},
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

/// A query that goes on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SqlAccepted {
    /// Names it at `GET /sql/{id}` and `DELETE /sql/{id}`.
    id: String,
    /// Where its first page will be.
    pages: String,
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
///
/// With `wait_ms` the result is kept on disk and given page by page: the first one at once when the query ends in time, otherwise
/// 202 tells where it will be.
#[utoipa::path(
    post, path = "/sql", tag = "sql", request_body = SqlRequest,
    responses(
        (status = 200, description = "The rows; with `describe`, only the columns", content(
            (SqlAnswer = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"), (Vec<u8> = "application/vnd.apache.parquet"),
        )),
        (status = 202, description = "With `wait_ms`: it goes on, and its result will be kept", body = SqlAccepted),
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

/// Stops a query; its answer is cut off, and a result that is kept is forgotten.
#[utoipa::path(
    delete, path = "/sql/{id}", tag = "sql", params(("id" = String, Path, description = "What `x-query-id` said")),
    responses((status = 204, description = "It is told to stop"), (status = 404, description = "There is no such query"), Problems)
)]
pub(crate) async fn cancel(State(state): State<ApiState>, PathParams(id): PathParams<String>) -> ApiResult<StatusCode> {
    state.queries.cancel(id.parse()?)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A page of a query's result, of those that were asked for with `wait_ms`. `link` (`rel="next"`) leads to the next one.
#[utoipa::path(
    get, path = "/sql/{id}/pages/{page}", tag = "sql",
    params(
        ("id" = String, Path, description = "What `x-query-id` said"),
        ("page" = usize, Path, description = "The page, from 0"),
    ),
    responses(
        (status = 200, description = "The rows, in the format of `accept`", body = SqlAnswer),
        (status = 404, description = "There is no such query, it has expired, or it has fewer pages"),
        (status = 409, description = "The query has not ended yet, or was stopped"),
        Problems,
    )
)]
pub(crate) async fn page(
    State(state): State<ApiState>,
    principal: Principal,
    headers: HeaderMap,
    PathParams((id, page)): PathParams<(String, usize)>,
) -> ApiResult<Response> {
    page_of(&state, &principal, id.parse()?, page, Format::wanted(&headers)?).await
}

async fn page_of(state: &ApiState, principal: &Principal, id: QueryId, page: usize, format: Format) -> ApiResult<Response> {
    let Page { body, next } = state.queries.page(id, principal, page, format).await?;
    let mut response = response(body.into(), format, None);
    let headers = response.headers_mut();
    headers.insert(QUERY_ID, HeaderValue::try_from(id.to_string()).map_err(Problem::internal)?);
    if let Some(next) = next {
        let link = format!("</sql/{id}/pages/{next}>; rel=\"next\"");
        headers.insert(header::LINK, HeaderValue::try_from(link).map_err(Problem::internal)?);
    }
    Ok(response)
}

/// Runs a query whose client waits only so long.
async fn answer_aside(
    state: &ApiState,
    principal: &Principal,
    headers: &HeaderMap,
    request: SqlRequest,
    wait: Duration,
) -> ApiResult<Response> {
    let format = Format::wanted(headers)?;
    let Next::Planned(planned) = state.queries.plan(request, Format::Arrow, principal, &HeaderMap::new()).await? else {
        return Err(Problem::internal("an answer as Arrow is not held"));
    };
    let (id, has_ended) = state.queries.run_aside(*planned, principal, wait).await?;
    if has_ended {
        return page_of(state, principal, id, 0, format).await;
    }
    let place = HeaderValue::try_from(format!("/sql/{id}")).map_err(Problem::internal)?;
    let id = id.to_string();
    let name = HeaderValue::try_from(id.as_str()).map_err(Problem::internal)?;
    let status = Json(SqlAccepted { pages: format!("/sql/{id}/pages/0"), id });
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, place), (QUERY_ID, name)], status).into_response())
}

/// Answers, and has the audit trail tell of the statement instead of the path.
async fn answer(state: &ApiState, principal: &Principal, headers: &HeaderMap, request: SqlRequest) -> ApiResult<Response> {
    let asked = AuditObject(request.sql.clone());
    let mut response = rows(state, principal, headers, request).await.unwrap_or_else(IntoResponse::into_response);
    response.extensions_mut().insert(asked);
    Ok(response)
}

async fn rows(state: &ApiState, principal: &Principal, headers: &HeaderMap, request: SqlRequest) -> ApiResult<Response> {
    if let Some(wait_ms) = request.wait_ms.filter(|_| !request.describe) {
        return answer_aside(state, principal, headers, request, Duration::from_millis(wait_ms)).await;
    }
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
    let (id, streamed) = state.queries.run(*planned).await?;
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
