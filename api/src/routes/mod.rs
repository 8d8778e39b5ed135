//! The routes, one file a subject.

mod datamart;
mod datamarts;
mod greeting;
mod runs;
mod served;
mod sql;

use lakehouse_accounts::Scope;
use lakehouse_service::Permitted as _;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

/// Every route of the service, with what it needs.
pub(crate) fn all(state: &ApiState) -> OpenApiRouter {
    let greeting = OpenApiRouter::new().routes(routes!(greeting::greet)).open_to_all();
    let datamarts = OpenApiRouter::new()
        .routes(routes!(datamarts::list))
        .routes(routes!(datamarts::read))
        .routes(routes!(datamart::row))
        .routes(routes!(datamart::schema))
        .routes(routes!(datamart::lineage))
        .needs(Scope::DatamartsRead);
    let runs = OpenApiRouter::new()
        .routes(routes!(runs::list))
        .routes(routes!(runs::read))
        .routes(routes!(runs::events))
        .routes(routes!(runs::request))
        .needs(Scope::RunsRead);
    let asking = OpenApiRouter::new().routes(routes!(runs::ask)).needs(Scope::RunsStart);
    let fixed = greeting.merge(datamarts).merge(runs).merge(asking).with_state(state.clone());
    fixed.merge(served::routes(state).needs(Scope::DatamartsRead))
}

/// Routes whose answers may be long: a query has a deadline of its own, and its transfer none.
pub(crate) fn streaming(state: &ApiState) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(sql::run, sql::read))
        .routes(routes!(sql::status, sql::cancel))
        .routes(routes!(sql::page))
        .with_state(state.clone())
        .needs(Scope::SqlRun)
}
