//! The catalogue of datamarts, and reading one by filters.

use axum::{
    Json,
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderValue, header},
    response::Response,
};
use lakehouse_lake::{Comparison, Filter, TableQuery};
use lakehouse_service::{ApiResult, PathParams, Problem, Problems};
use lakehouse_spec::{Schema, StageModel, TableName};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{ApiState, query, rows};

/// Rows given when the caller names no limit.
const DEFAULT_LIMIT: usize = 100;

/// A datamart.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Datamart {
    domain: String,
    table: String,
    /// What a row is.
    description: String,
    /// Columns that together name a row.
    key: Vec<String>,
    /// Its Delta version; null while it has not been made.
    version: Option<u64>,
    /// Its rows; null while it has not been made.
    rows: Option<u64>,
    columns: Vec<DatamartColumn>,
}

/// A column of a datamart.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DatamartColumn {
    name: String,
    /// Its Arrow type.
    r#type: String,
    /// What it means, where the domain says so.
    about: Option<String>,
}

/// Lists the datamarts of every domain.
#[utoipa::path(get, path = "/datamarts", tag = "datamarts", responses((status = 200, body = Vec<Datamart>), Problems))]
pub(crate) async fn list(State(state): State<ApiState>) -> ApiResult<Json<Vec<Datamart>>> {
    let mut datamarts = Vec::new();
    for domain in state.domains.iter() {
        for (name, (model, _)) in &domain.datamarts {
            let table = state.table(domain, name).await?;
            datamarts.push(Datamart {
                domain: domain.name.to_string(),
                table: name.table.clone(),
                description: model.description.clone(),
                key: model.key.iter().map(ToString::to_string).collect(),
                version: table.as_ref().map(|table| table.version),
                rows: table.as_ref().and_then(|table| table.rows()),
                columns: table.as_ref().map(|table| columns(&table.schema, model)).unwrap_or_default(),
            });
        }
    }
    Ok(Json(datamarts))
}

fn columns(schema: &arrow::datatypes::SchemaRef, model: &StageModel) -> Vec<DatamartColumn> {
    let column = |field: &std::sync::Arc<arrow::datatypes::Field>| DatamartColumn {
        name: field.name().clone(),
        r#type: field.data_type().to_string(),
        about: model.about(field.name()).map(str::to_owned),
    };
    schema.fields().iter().map(column).collect()
}

/// Reads a datamart: `?tx_count=gt.10&order=fraud_rate.desc&select=client_id,fraud_rate&limit=5`.
///
/// A filter is `column=operator.value` with one of `eq ne lt le gt ge like in is_null`; all filters must hold.
#[utoipa::path(
    get, path = "/datamarts/{domain}/{table}", tag = "datamarts",
    params(
        ("domain" = String, Path, description = "The domain"),
        ("table" = String, Path, description = "The datamart"),
        ("select" = Option<String>, Query, description = "Columns, comma-joined"),
        ("order" = Option<String>, Query, description = "Columns, comma-joined, each with an optional `.desc`"),
        ("limit" = Option<usize>, Query, description = "Rows to give at most"),
        ("offset" = Option<usize>, Query, description = "Rows to leave out first"),
    ),
    responses((status = 200, description = "An array of rows"), Problems)
)]
pub(crate) async fn read(
    State(state): State<ApiState>,
    PathParams((domain, table)): PathParams<(String, String)>,
    RawQuery(text): RawQuery,
) -> ApiResult<Response> {
    let domain = state.domain(&domain)?;
    let unknown = || Problem::not_found(format!("`{}` has no datamart `{table}`", domain.name));
    let name = TableName::new(Schema::Gold, &table).map_err(|_| unknown())?;
    if !domain.datamarts.contains_key(&name) {
        return Err(unknown());
    }
    let wanted = parse(text.as_deref().unwrap_or_default(), state.limits.max_rows)?;
    let not_made = || Problem::unavailable(format!("`{}.{name}` has not been made yet; run the pipeline", domain.name));
    let table = state.table(domain, &name).await?.ok_or_else(not_made)?;
    let stream = state.lake.read(&table, &wanted).await.map_err(query::problem)?;
    let stream = stream.map_err(|refused| Problem::unprocessable(refused.to_string()))?;
    let rows = query::take(stream, state.limits.sql_timeout()).await?;
    let mut response = Response::new(Body::from(rows::json_array(&rows)?));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

fn parse(text: &str, max_rows: usize) -> Result<TableQuery, Problem> {
    let mut wanted = TableQuery { limit: DEFAULT_LIMIT.min(max_rows), ..TableQuery::default() };
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_str(text).map_err(|_| Problem::bad_request("the query string cannot be read"))?;
    for (name, value) in pairs {
        match name.as_str() {
            "select" => wanted.select = value.split(',').map(str::to_owned).collect(),
            "order" => wanted.order = value.split(',').map(order).collect(),
            "limit" => wanted.limit = bounded("limit", &value, 1, max_rows)?,
            "offset" => wanted.offset = bounded("offset", &value, 0, usize::MAX)?,
            _ => wanted.filters.push(filter(name, &value)?),
        }
    }
    Ok(wanted)
}

fn order(text: &str) -> (String, bool) {
    match text.rsplit_once('.') {
        Some((column, "desc")) => (column.to_owned(), true),
        Some((column, "asc")) => (column.to_owned(), false),
        _ => (text.to_owned(), false),
    }
}

fn bounded(name: &str, text: &str, least: usize, most: usize) -> Result<usize, Problem> {
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(Problem::unprocessable(format!("`{name}` must be a whole number between {least} and {most}"))),
    }
}

fn filter(column: String, text: &str) -> Result<Filter, Problem> {
    let operators = [
        ("eq", Comparison::Equal),
        ("ne", Comparison::NotEqual),
        ("lt", Comparison::Less),
        ("le", Comparison::LessOrEqual),
        ("gt", Comparison::Greater),
        ("ge", Comparison::GreaterOrEqual),
        ("like", Comparison::Like),
        ("in", Comparison::In),
        ("is_null", Comparison::IsNull),
    ];
    let parsed = text.split_once('.').and_then(|(operator, value)| {
        let (_, comparison) = operators.into_iter().find(|(name, _)| *name == operator)?;
        Some(Filter { column: column.clone(), comparison, value: value.to_owned() })
    });
    let names = operators.map(|(name, _)| name).join(", ");
    parsed.ok_or_else(|| {
        Problem::unprocessable(format!("`{column}` needs operator.value with one of {names}, as in `{column}=gt.10`"))
    })
}
