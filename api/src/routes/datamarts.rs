//! The catalogue of datamarts, and reading one by filters.

use axum::{
    Json,
    extract::RawQuery,
    http::{HeaderMap, header},
    response::Response,
};
use lakehouse_lake::{Comparison, Filter, TableQuery};
use lakehouse_service::{ApiResult, PathParams, Problem, Problems};
use lakehouse_spec::StageModel;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    cursor::Cursor,
    pages::{self, Wanted},
    seen::Seen,
    tags,
};

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
pub(crate) async fn list(Seen(state): Seen) -> ApiResult<Json<Vec<Datamart>>> {
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
/// A filter is `column=operator.value` with one of `eq ne lt le gt ge like in is_null`; all filters must hold. Rows come in the
/// order that is asked for, and by key where that leaves a choice. When there are more, `link` (`rel="next"`) and `x-next-cursor`
/// lead to the next page of the same version: pages never shift, whatever is written meanwhile.
#[utoipa::path(
    get, path = "/datamarts/{domain}/{table}", tag = "datamarts",
    params(
        ("domain" = String, Path, description = "The domain"),
        ("table" = String, Path, description = "The datamart"),
        ("select" = Option<String>, Query, description = "Columns, comma-joined"),
        ("order" = Option<String>, Query, description = "Columns, comma-joined, each with an optional `.desc`"),
        ("limit" = Option<usize>, Query, description = "Rows to give at most"),
        ("offset" = Option<usize>, Query, description = "Rows to leave out first; not together with a cursor"),
        ("cursor" = Option<String>, Query, description = "Where the page before ended, with otherwise the same parameters"),
        ("count" = Option<String>, Query, description = "`exact` to have all rows that fit counted in `x-total-count`"),
    ),
    responses(
        (status = 200, description = "An array of rows", headers(
            ("x-table-version" = u64, description = "The version that was read"),
            ("x-next-cursor" = String, description = "Where this page ended, when there are more rows"),
            ("x-total-count" = usize, description = "All rows that fit, when asked for"),
            ("link" = String, description = "The next page, when there is one"),
        )),
        (status = 304, description = "The answer that `if-none-match` names is still right"),
        (status = 410, description = "The version of the cursor is not kept any more"),
        Problems,
    )
)]
pub(crate) async fn read(
    Seen(state): Seen,
    PathParams((domain, table)): PathParams<(String, String)>,
    RawQuery(text): RawQuery,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let mart = state.datamart(&domain, &table)?;
    let text = text.unwrap_or_default();
    let wanted = parse(&text, mart.model, state.limits.max_rows)?;
    let table = match &wanted.cursor {
        Some(cursor) => mart.at(&state, cursor.version).await?,
        None => mart.now(&state).await?,
    };
    let tag = tags::tag(&format!("{} {} {text}", table.edition(), state.lake.access_key()));
    if let Some(tag) = tag.clone().filter(|tag| tags::is_known(&headers, tag)) {
        return Ok(tags::not_modified(tag));
    }
    let page = pages::read(&state, &table, &wanted).await?;
    let mut response = page.response(&format!("/datamarts/{}/{}", mart.domain.name, table.name.table), &text)?;
    response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
    Ok(response)
}

fn parse(text: &str, model: &StageModel, max_rows: usize) -> Result<Wanted, Problem> {
    let mut query = TableQuery { limit: DEFAULT_LIMIT.min(max_rows), ..TableQuery::default() };
    let (mut cursor, mut is_counted) = (None, false);
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_str(text).map_err(|_| Problem::bad_request("the query string cannot be read"))?;
    for (name, value) in pairs {
        match name.as_str() {
            "select" => query.select = value.split(',').map(str::to_owned).collect(),
            "order" => query.order = value.split(',').map(order).collect(),
            "limit" => query.limit = bounded("limit", &value, 1, max_rows)?,
            "offset" => query.offset = bounded("offset", &value, 0, usize::MAX)?,
            "cursor" => cursor = Some(value),
            "count" if value == "exact" => is_counted = true,
            "count" => return Err(Problem::unprocessable("`count` is `exact` or left out")),
            _ => query.filters.push(filter(name, &value)?),
        }
    }
    for key in &model.key {
        if !query.order.iter().any(|(column, _)| column == key.as_str()) {
            query.order.push((key.to_string(), false));
        }
    }
    if cursor.is_some() && query.offset > 0 {
        return Err(Problem::unprocessable("`offset` and `cursor` exclude each other"));
    }
    let cursor = cursor.map(|text| Cursor::read(&text, &query)).transpose()?;
    query.after = cursor.as_ref().map(|cursor| cursor.after.clone());
    Ok(Wanted { query, cursor, is_counted })
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
