//! The routes that datamarts declare with `[serve]`: a list ordered by key, and one row by its key.

use std::sync::Arc;

use axum::{response::Response, routing::get};
use lakehouse_service::{ApiResult, PathParams, Problem, Problems, QueryParams};
use lakehouse_spec::{DomainName, ServeSpec, StageModel, TableName};
use serde::Deserialize;
use utoipa::{
    IntoResponses as _,
    openapi::{
        HttpMethod, Object, ObjectBuilder, OpenApi, RefOr, Required, Response as ResponseDoc, Schema, Type,
        path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
    },
};
use utoipa_axum::router::OpenApiRouter;

use crate::{ApiState, mart::Mart, query, rows, seen::Seen};

/// A datamart's route.
struct Route {
    domain: DomainName,
    table: TableName,
    serve: ServeSpec,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
}

/// The routes of every datamart of every domain.
pub(crate) fn routes(state: &ApiState) -> OpenApiRouter {
    let mut router = OpenApiRouter::new();
    for domain in state.domains.iter() {
        for (table, (model, _)) in &domain.datamarts {
            if let Some(serve) = &model.serve {
                let route = Route { domain: domain.name.clone(), table: table.clone(), serve: serve.clone() };
                router = router.merge(route_of(state, Arc::new(route), model));
            }
        }
    }
    router
}

fn route_of(state: &ApiState, route: Arc<Route>, model: &StageModel) -> OpenApiRouter {
    let (list_path, row_path) = (format!("/{}/", route.serve.route), format!("/{}/{{key}}", route.serve.route));
    let mut docs = OpenApi::default();
    docs.paths.add_path_operation(&list_path, vec![HttpMethod::Get], list_operation(&route.serve, model));
    docs.paths.add_path_operation(&row_path, vec![HttpMethod::Get], row_operation(&route.serve, model));
    let (for_list, for_row) = (route.clone(), route);
    OpenApiRouter::with_openapi(docs)
        .route(&list_path, get(move |seen: Seen, page: QueryParams<Page>| list(seen, for_list.clone(), page)))
        .route(&row_path, get(move |seen: Seen, key: PathParams<String>| row(seen, for_row.clone(), key)))
        .with_state(state.clone())
}

async fn list(Seen(state): Seen, route: Arc<Route>, QueryParams(page): QueryParams<Page>) -> ApiResult<Response> {
    let limit = page.limit.unwrap_or(route.serve.default_limit);
    if limit == 0 || limit > state.limits.max_rows {
        return Err(Problem::unprocessable(format!("`limit` must lie between 1 and {}", state.limits.max_rows)));
    }
    let mart = mart(&state, &route).await?;
    Ok(rows::json(mart.page(&state.lake, page.offset, limit).await.map_err(query::problem)?))
}

async fn row(Seen(state): Seen, route: Arc<Route>, PathParams(key): PathParams<String>) -> ApiResult<Response> {
    if let Some([least, most]) = route.serve.key_range {
        let is_inside = key.parse::<i64>().is_ok_and(|key| (least..=most).contains(&key));
        if !is_inside {
            return Err(Problem::bad_request(format!("`{}` must lie between {least} and {most}", route.serve.key)));
        }
    }
    let found = mart(&state, &route).await?.row(&state.lake, &key).await.map_err(query::problem)?;
    let found = found.ok_or_else(|| Problem::not_found(format!("no `{}` is `{key}`", route.serve.key)))?;
    Ok(rows::json(found))
}

async fn mart(state: &ApiState, route: &Route) -> Result<Arc<Mart>, Problem> {
    let mart =
        state.marts.get(&state.lake, &route.domain, &route.table, route.serve.key.as_str()).await.map_err(query::problem)?;
    mart.ok_or_else(|| {
        Problem::unavailable(format!("`{}.{}` has not been made yet; run the pipeline", route.domain, route.table))
    })
}

/// What all of them have: whatever goes wrong is a problem.
fn described() -> OperationBuilder {
    let problems = Problems::responses().into_iter();
    problems.fold(OperationBuilder::new().tag("datamarts"), |operation, (code, response)| operation.response(code, response))
}

fn list_operation(serve: &ServeSpec, model: &StageModel) -> Operation {
    described()
        .summary(Some(format!("Lists rows by {}. {}", serve.key, model.description)))
        .operation_id(Some(format!("list_{}", serve.route)))
        .parameter(parameter("limit", ParameterIn::Query, Type::Integer, "Rows to give", false))
        .parameter(parameter("offset", ParameterIn::Query, Type::Integer, "Rows to leave out first", false))
        .response("200", ResponseDoc::new("An array of rows"))
        .response("422", ResponseDoc::new("A limit out of range"))
        .build()
}

fn row_operation(serve: &ServeSpec, model: &StageModel) -> Operation {
    described()
        .summary(Some(format!("One row by its {}. {}", serve.key, model.description)))
        .operation_id(Some(format!("get_{}", serve.route)))
        .parameter(parameter("key", ParameterIn::Path, Type::String, serve.key.as_str(), true))
        .response("200", ResponseDoc::new("The row"))
        .response("404", ResponseDoc::new("No row has this key"))
        .build()
}

fn parameter(name: &str, place: ParameterIn, kind: Type, about: &str, is_required: bool) -> Parameter {
    let schema: Object = ObjectBuilder::new().schema_type(kind).build();
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(if is_required { Required::True } else { Required::False })
        .description(Some(about))
        .schema(Some(RefOr::T(Schema::Object(schema))))
        .build()
}
