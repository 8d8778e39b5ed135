//! One datamart: a row by its key, its JSON Schema, and what it was made of.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Field};
use axum::{
    Json,
    http::{HeaderMap, header},
    response::Response,
};
use lakehouse_service::{ApiResult, PathParams, Problem, Problems};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::{query, rows, seen::Seen, tags};

/// What a version of a datamart was made of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Lineage {
    domain: String,
    table: String,
    /// The version this tells of.
    version: u64,
    /// The last version that changed rows: those since then are the same rows in other files.
    data_version: u64,
    /// The run that made it, if it was one of ours.
    run: Option<String>,
    /// Its inputs, each with the version or the content hash that was read.
    inputs: BTreeMap<String, String>,
}

/// One row by its key, from memory.
#[utoipa::path(
    get, path = "/datamarts/{domain}/{table}/{key}", tag = "datamarts",
    params(
        ("domain" = String, Path, description = "The domain"),
        ("table" = String, Path, description = "The datamart"),
        ("key" = String, Path, description = "The row's key"),
    ),
    responses((status = 200, description = "The row"), (status = 304, description = "Nothing has changed"), Problems)
)]
pub(crate) async fn row(
    Seen(state): Seen,
    PathParams((domain, table, key)): PathParams<(String, String, String)>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let mart = state.datamart(&domain, &table)?;
    let [column] = mart.model.key.as_slice() else {
        return Err(Problem::unprocessable("the key of this datamart has more than one column; read it by filters"));
    };
    let held = state.marts.get(&state.lake, &mart.domain.name, &mart.name, column.as_str()).await.map_err(query::problem)?;
    let held = held.ok_or_else(|| mart.not_made())?;
    let found = held.row(&state.lake, &key).await.map_err(query::problem)?;
    let found = found.ok_or_else(|| Problem::not_found(format!("no `{column}` is `{key}`")))?;
    let tag = held.tag().cloned();
    if let Some(tag) = tag.clone().filter(|tag| tags::is_known(&headers, tag)) {
        return Ok(tags::not_modified(tag));
    }
    let mut response = rows::json(found);
    response.headers_mut().extend(tag.map(|tag| (header::ETAG, tag)));
    Ok(response)
}

/// The JSON Schema of a row.
#[utoipa::path(
    get, path = "/datamarts/{domain}/{table}/schema", tag = "datamarts",
    params(("domain" = String, Path, description = "The domain"), ("table" = String, Path, description = "The datamart")),
    responses((status = 200, description = "A JSON Schema", body = Value), Problems)
)]
pub(crate) async fn schema(
    Seen(state): Seen,
    PathParams((domain, table)): PathParams<(String, String)>,
) -> ApiResult<Json<Value>> {
    let mart = state.datamart(&domain, &table)?;
    let table = mart.now(&state).await?;
    let about = |field: &Field| mart.model.about(field.name());
    let properties: Map<String, Value> =
        table.schema.fields().iter().map(|field| (field.name().clone(), property(field, about(field)))).collect();
    let required: Vec<&String> = table.schema.fields().iter().map(|field| field.name()).collect();
    Ok(Json(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": mart.name.table,
        "description": mart.model.description,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })))
}

fn property(field: &Field, about: Option<&str>) -> Value {
    let (kind, format) = match field.data_type() {
        DataType::Boolean => ("boolean", None),
        kind if kind.is_integer() => ("integer", None),
        kind if kind.is_numeric() => ("number", None),
        DataType::Timestamp(_, Some(_)) => ("string", Some("date-time")),
        DataType::Date32 | DataType::Date64 => ("string", Some("date")),
        DataType::List(_) | DataType::LargeList(_) => ("array", None),
        DataType::Struct(_) | DataType::Map(..) => ("object", None),
        _ => ("string", None),
    };
    let mut property = json!({ "type": if field.is_nullable() { json!([kind, "null"]) } else { json!(kind) } });
    let more = [("format", format), ("description", about)];
    for (name, value) in more.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))) {
        property[name] = value.into();
    }
    property
}

/// What the current version was made of: its inputs, each at its version.
#[utoipa::path(
    get, path = "/datamarts/{domain}/{table}/lineage", tag = "datamarts",
    params(("domain" = String, Path, description = "The domain"), ("table" = String, Path, description = "The datamart")),
    responses((status = 200, body = Lineage), Problems)
)]
pub(crate) async fn lineage(
    Seen(state): Seen,
    PathParams((domain, table)): PathParams<(String, String)>,
) -> ApiResult<Json<Lineage>> {
    let mart = state.datamart(&domain, &table)?;
    let table = mart.now(&state).await?;
    let note = table.note.unwrap_or_default();
    Ok(Json(Lineage {
        domain,
        table: table.name.table,
        version: table.version,
        data_version: table.data_version,
        run: Some(note.run).filter(|run| !run.is_empty()),
        inputs: note.inputs,
    }))
}
