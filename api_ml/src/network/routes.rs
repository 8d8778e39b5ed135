//! The routes of networks, one a file.

mod explain;
mod importance;
mod ingest;
mod logs;
pub(super) mod metrics;
mod plan;
mod predict;
mod simulate;
mod topology;

use std::sync::Arc;

use axum::middleware::from_fn;
use lakehouse_accounts::Scope;
use lakehouse_service::{ApiResult, Permitted as _, Problem};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    NetworkState,
    risk::{Mode, RiskError},
    snapshot::{Features, Kind, Snapshot},
    state::Current,
};

/// The horizon of plans and simulations that name none.
const HORIZON_MIN: u32 = 60;

/// Every route under `/v1`: to ask, and to bring a sample.
pub fn routes(state: NetworkState) -> OpenApiRouter {
    let ingest = OpenApiRouter::default().routes(routes!(ingest::ingest)).with_state(state.clone()).needs(Scope::Ingest);
    OpenApiRouter::default()
        .routes(routes!(topology::topology))
        .routes(routes!(predict::predict))
        .routes(routes!(explain::explain))
        .routes(routes!(importance::feature_importance))
        .routes(routes!(plan::plan))
        .routes(routes!(simulate::simulate))
        .routes(routes!(logs::search))
        .routes(routes!(logs::stats))
        .routes(routes!(metrics::metrics))
        .with_state(state)
        .needs(Scope::Predict)
        .merge(ingest)
        .layer(from_fn(metrics::counted))
}

/// The network that serves.
fn snapshot(current: &Current) -> ApiResult<Arc<Snapshot>> {
    let none = || Problem::not_found("the pipeline has left no network yet: run `network`").with_code("no_network");
    current.snapshot.clone().ok_or_else(none)
}

/// The features of a node or link that is known and measured.
fn features<'a>(snapshot: &'a Snapshot, kind: Kind, id: &str) -> ApiResult<&'a Features> {
    if !snapshot.knows(kind, id) {
        let detail = format!("there is no {} `{id}`", kind.as_str());
        return Err(Problem::not_found(detail).with_code("unknown_target"));
    }
    let none = || Problem::not_found(format!("the {} `{id}` has sent no telemetry", kind.as_str())).with_code("no_telemetry");
    snapshot.features.get(&(kind, id.to_owned())).ok_or_else(none)
}

fn refusal(error: RiskError) -> Problem {
    match error {
        RiskError::NoChampion => Problem::unavailable(error.to_string()).with_code("no_champion"),
        RiskError::Input(_) | RiskError::Explanation(_) => Problem::internal(error),
    }
}

/// What takes a while, off the reactor.
async fn computed<T: Send + 'static>(compute: impl FnOnce() -> ApiResult<T> + Send + 'static) -> ApiResult<T> {
    tokio::task::spawn_blocking(compute).await.unwrap_or_else(|broken| Err(Problem::internal(broken)))
}

/// The word for the models behind an answer.
fn mode_of(current: &Current, mode: Mode) -> Mode {
    if mode == Mode::Hybrid && current.champions.is_empty() { Mode::Rule } else { mode }
}
