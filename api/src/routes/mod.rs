//! The routes, one file a subject.

mod datamart;
mod datamarts;
mod greeting;
mod runs;
mod served;
mod sql;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

/// Every route of the service.
pub(crate) fn all(state: &ApiState) -> OpenApiRouter {
    let fixed = OpenApiRouter::new()
        .routes(routes!(greeting::greet))
        .routes(routes!(datamarts::list))
        .routes(routes!(datamarts::read))
        .routes(routes!(datamart::row))
        .routes(routes!(datamart::schema))
        .routes(routes!(datamart::lineage))
        .routes(routes!(runs::list, runs::ask))
        .routes(routes!(runs::read))
        .routes(routes!(runs::events))
        .routes(routes!(runs::request))
        .with_state(state.clone());
    fixed.merge(served::routes(state))
}

/// Routes whose answers may be long: a query has a deadline of its own, and its transfer none.
pub(crate) fn streaming(state: &ApiState) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(sql::run, sql::read))
        .routes(routes!(sql::status, sql::cancel))
        .routes(routes!(sql::page))
        .with_state(state.clone())
}
