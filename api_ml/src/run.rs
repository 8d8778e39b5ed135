//! The service from start to stop.

use std::time::Duration;

use anyhow::Context;
use lakehouse_registry::Registry;
use lakehouse_service::Admission;
use lakehouse_settings::Settings;
use tokio::{net::TcpListener, task::spawn_blocking, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{AppState, Delivery, LogStore, Networks, router, router::SERVICE};

/// How long the first look for champions may hold back the first answer. A registry that does not answer must not keep the
/// service from saying so.
const FIRST_LOOK: Duration = Duration::from_secs(10);

/// Serves on `listener` until `stop` is cancelled, whether or not there is a champion yet.
pub async fn run(listener: TcpListener, settings: &Settings, stop: CancellationToken) -> anyhow::Result<()> {
    let store = settings.open_store(&settings.registry).context("failed to open the model registry")?;
    let registry = Registry::open(store, &settings.registry).context("failed to open the model registry")?;
    let (of_api, limits) = (settings.api_ml.clone(), settings.limits);
    let logs = LogStore::open(settings).context("failed to open the store of the firewall logs")?;
    let networks = Networks { settings: settings.networks.clone(), sources: Some(settings.sources.clone()), logs: Some(logs) };
    // A journal of a day takes a while to read.
    let (state, watcher) = spawn_blocking(move || AppState::new(registry, &of_api, &limits, networks)).await??;
    let state = state.with_admission(Admission::new(SERVICE, settings)?);
    let delivery = Delivery::new(&state, settings)?;
    // The router first: it installs the recorder of the metrics.
    let networks = state.network.clone();
    let router = router(state);
    let looked = CancellationToken::new();
    let watching = tokio::spawn(watcher.watch(looked.clone(), stop.clone()));
    let watching_networks = tokio::spawn(networks.watch(stop.clone()));
    let delivering = tokio::spawn(delivery.keep_up(stop.clone()));
    tokio::select! {
        () = stop.cancelled() => {}
        // Late is fine: requests are told that there is no champion yet.
        _ = timeout(FIRST_LOOK, looked.cancelled()) => {}
    }
    let address = listener.local_addr()?;
    tracing::info!(%address, registry = %settings.registry, "the scoring API listens on http://{address}");
    lakehouse_service::serve(listener, router, stop, settings.limits.drain_timeout()).await;
    watching_networks.await.context("the watch over the networks broke off")?;
    watching.await.context("the watch over the models broke off")?;
    delivering.await.context("the delivery of predictions broke off")
}
