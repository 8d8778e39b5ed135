//! Read-only SQL.

use std::time::Duration;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use lakehouse_service::{ApiResult, JsonBody, Problem, Problems};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{ApiState, query, rows};

/// A query.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SqlRequest {
    /// One `select`; tables are `domain.schema.table`, or `schema.table` of the default domain.
    sql: String,
    /// The domain whose tables need no prefix; the first one when absent.
    domain: Option<String>,
    /// Rows to give at most; the service's own cap holds in any case.
    limit: Option<usize>,
    /// Milliseconds after which the query is stopped; the service's own limit holds in any case.
    timeout_ms: Option<u64>,
}

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
    #[schema(value_type = Vec<serde_json::Value>)]
    rows: Box<RawValue>,
    row_count: usize,
    /// There were more rows than the limit.
    truncated: bool,
}

/// Runs one read-only query over the lake.
#[utoipa::path(post, path = "/sql", tag = "sql", request_body = SqlRequest, responses((status = 200, body = SqlAnswer), Problems))]
pub(crate) async fn run(State(state): State<ApiState>, JsonBody(request): JsonBody<SqlRequest>) -> ApiResult<Response> {
    let answer = answer(&state, request).await?;
    let mut response = Response::new(Body::from(serde_json::to_vec(&answer).map_err(Problem::internal)?));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn answer(state: &ApiState, request: SqlRequest) -> Result<SqlAnswer, Problem> {
    let domain = match &request.domain {
        Some(name) => state.domain(name)?,
        None => state.domains.first().ok_or_else(|| Problem::not_found("there is no domain"))?,
    };
    let limit = request.limit.unwrap_or(usize::MAX).min(state.limits.max_rows);
    let own_limit = request.timeout_ms.map_or(Duration::MAX, Duration::from_millis);
    let session = state.lake.session(&domain.name);
    session.register_references(&state.lake, &request.sql).await.map_err(query::problem)?;
    let stream = session.query(&request.sql).await.map_err(query::problem)?;
    let taken = query::take(stream, limit, own_limit.min(state.limits.sql_timeout())).await?;
    let columns = taken.schema.fields().iter();
    let rows = String::from_utf8(rows::json_array(&taken.batches)?).map_err(Problem::internal)?;
    Ok(SqlAnswer {
        columns: columns.map(|field| SqlColumn { name: field.name().clone(), r#type: field.data_type().to_string() }).collect(),
        row_count: taken.batches.iter().map(arrow::array::RecordBatch::num_rows).sum(),
        rows: RawValue::from_string(rows).map_err(Problem::internal)?,
        truncated: taken.truncated,
    })
}
