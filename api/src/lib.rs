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
mod wire;

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use axum::Router;
use futures::FutureExt as _;
use lakehouse_lake::{Lake, LakeOptions};
use lakehouse_service::{Admission, Service, serve, write_trails};
use lakehouse_settings::Settings;
use lakehouse_spec::Domain;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use state::ApiState;

use wire::Wire;

/// The service in metrics, the log and the audit trail.
const SERVICE: &str = "lakehouse-api";

/// The service over some domains in a lake, by both of its doors.
pub struct Api {
    lake: Lake,
    state: ApiState,
    admission: Arc<Admission>,
    settings: Settings,
}

impl Api {
    /// Made within a runtime: it looks after what it holds.
    pub fn new(lake: Lake, domains: Vec<Domain>, settings: &Settings) -> anyhow::Result<Self> {
        let admission = Admission::new(SERVICE, settings).context("accounts cannot be used")?;
        let state = ApiState::new(lake.clone(), domains, settings).context("failed to start the threads of queries")?;
        Ok(Self { lake, state, admission, settings: settings.clone() })
    }

    /// The door for HTTP.
    pub fn router(&self) -> Router {
        let (lake, state) = (self.lake.clone(), &self.state);
        Service::new(SERVICE, env!("CARGO_PKG_VERSION"), &self.settings.limits)
            .admission(self.admission.clone())
            .routes(routes::all(state))
            .streaming_routes(routes::streaming(state))
            .ready_when("lake", move || {
                let lake = lake.clone();
                async move { lake.domains().await.map(|_| ()).map_err(Into::into) }
            })
            .build()
    }

    /// The door for clients of PostgreSQL, open until `stop` is cancelled.
    pub fn postgres(
        &self,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
        let wire = Wire::new(self.state.clone(), self.admission.clone(), &self.settings)?;
        Ok(wire.serve(listener, stop, self.settings.limits.drain_timeout()))
    }
}

/// The whole router over `domains` in `lake`, within a runtime: it looks after what it holds.
pub fn router(lake: Lake, domains: Vec<Domain>, settings: &Settings) -> anyhow::Result<Router> {
    Ok(Api::new(lake, domains, settings)?.router())
}

/// Listens and serves until `stop` is cancelled.
pub async fn run(settings: &Settings, domains: Vec<Domain>, stop: CancellationToken) -> anyhow::Result<()> {
    let options = LakeOptions::new(settings.lake.as_str(), settings.memory_limit_mb).context("the setting `lake`")?;
    let lake = Lake::open(options, settings.open_store(&settings.lake)?).context("the datamart API needs the lake")?;
    let api = Api::new(lake, domains, settings)?;
    let listener = listen(settings.api.socket()).await?;
    let postgres = match &settings.api.postgres {
        postgres if postgres.enabled => {
            let listener = listen(postgres.socket()).await?;
            let address = listener.local_addr()?;
            let answers = api.postgres(listener, stop.clone())?;
            tracing::info!(%address, "clients of PostgreSQL are answered on {address}");
            answers.boxed()
        }
        _ => std::future::ready(()).boxed(),
    };
    let address = listener.local_addr()?;
    tracing::info!(%address, "the datamart API listens on http://{address}");
    tokio::join!(postgres, serve(listener, api.router(), stop, settings.limits.drain_timeout()));
    write_trails().await;
    Ok(())
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("failed to listen on {address}"))
}
