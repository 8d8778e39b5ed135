//! The datamart query API: REST over the datamarts, read-only SQL over the lake, and the runs.
//!
//! Tables are read where they lie: Delta through DataFusion. Datamarts that are asked for by key are also held in memory, at their
//! current version and as the text of their answers, so that a lookup touches no storage and writes no JSON.

mod catalog;
mod cursor;
mod mart;
mod marts;
mod pages;
mod principal;
mod query;
mod records;
mod routes;
mod rows;
mod seen;
mod sql;
mod state;
mod tags;

use anyhow::Context as _;
use axum::Router;
use lakehouse_lake::{Lake, LakeOptions};
use lakehouse_service::{Admission, Service, serve};
use lakehouse_settings::Settings;
use lakehouse_spec::Domain;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use state::ApiState;

/// The service in metrics, the log and the audit trail.
const SERVICE: &str = "lakehouse-api";

/// The whole router over `domains` in `lake`, within a runtime: it looks after what it holds.
pub fn router(lake: Lake, domains: Vec<Domain>, settings: &Settings) -> anyhow::Result<Router> {
    let admission = Admission::new(SERVICE, settings).context("accounts cannot be used")?;
    let ready = lake.clone();
    let state = ApiState::new(lake, domains, settings).context("failed to start the threads of queries")?;
    Ok(Service::new(SERVICE, env!("CARGO_PKG_VERSION"), &settings.limits)
        .admission(admission)
        .routes(routes::all(&state))
        .streaming_routes(routes::streaming(&state))
        .ready_when("lake", move || {
            let lake = ready.clone();
            async move { lake.domains().await.map(|_| ()).map_err(Into::into) }
        })
        .build())
}

/// Listens and serves until `stop` is cancelled.
pub async fn run(settings: &Settings, domains: Vec<Domain>, stop: CancellationToken) -> anyhow::Result<()> {
    let options = LakeOptions::new(settings.lake.as_str(), settings.memory_limit_mb).context("the setting `lake`")?;
    let lake = Lake::open(options, settings.open_store(&settings.lake)?).context("the datamart API needs the lake")?;
    let router = router(lake, domains, settings)?;
    let address = settings.api.socket();
    let listener = TcpListener::bind(address).await.with_context(|| format!("failed to listen on {address}"))?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "the datamart API listens on http://{address}");
    serve(listener, router, stop, settings.limits.drain_timeout()).await;
    Ok(())
}
