//! Every route of the service.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use axum::{Router, extract::DefaultBodyLimit};
use lakehouse_accounts::Scope;
use lakehouse_registry::Registry;
use lakehouse_service::{Admission, Permitted as _, Service};
use lakehouse_settings::Limits;
use lakehouse_spec::InvalidName;
use tokio::{sync::Semaphore, time::timeout};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    models::{Names, Watcher},
    routes::{model_info, predict, predict_batch, status},
    scoring::Serving,
};

/// The service in metrics, the log and the audit trail.
pub(crate) const SERVICE: &str = "api_ml";
/// Batches that may be read and scored at once. The others wait before their body is read, so that memory is bounded and
/// single predictions find a core.
const BATCHES_AT_ONCE: usize = 4;
/// Ten thousand transactions, written out at length.
const BATCH_BODY_BYTES: usize = 16 << 20;
/// A store that takes longer to name a champion is not working.
const REGISTRY_PATIENCE: Duration = Duration::from_secs(1);

/// What the handlers share.
#[derive(Clone)]
pub struct AppState {
    pub(crate) registry: Registry,
    pub(crate) names: Arc<Names>,
    /// What answers at this instant; swapped as a whole by the [`Watcher`].
    pub(crate) serving: Arc<ArcSwap<Serving>>,
    /// A permit for each batch that may be under way.
    pub(crate) batches: Arc<Semaphore>,
    limits: Limits,
    admission: Arc<Admission>,
}

impl AppState {
    /// A state that serves nothing yet, and the watcher that changes this.
    pub fn new(registry: Registry, limits: &Limits) -> Result<(Self, Watcher), InvalidName> {
        let names = Arc::new(Names::new()?);
        let serving = Arc::new(ArcSwap::from_pointee(Serving::default()));
        let watcher = Watcher::new(registry.clone(), Arc::clone(&names), Arc::clone(&serving));
        let batches = Arc::new(Semaphore::new(BATCHES_AT_ONCE));
        let admission = Admission::nobody_asked(SERVICE);
        Ok((Self { registry, names, serving, batches, limits: *limits, admission }, watcher))
    }

    /// Asks who is calling.
    pub fn with_admission(self, admission: Arc<Admission>) -> Self {
        Self { admission, ..self }
    }
}

/// The service's router, with health, metrics and documentation.
pub fn router(state: AppState) -> Router {
    let status = OpenApiRouter::default().routes(routes!(status::status)).with_state(state.clone()).is_free();
    let single = OpenApiRouter::default()
        .routes(routes!(model_info::model_info))
        .routes(routes!(predict::predict))
        .with_state(state.clone())
        .needs(Scope::Predict);
    let batch_bytes = state.limits.request_body_bytes.max(BATCH_BODY_BYTES);
    let batch = OpenApiRouter::default()
        .routes(routes!(predict_batch::predict_batch))
        .layer(DefaultBodyLimit::max(batch_bytes))
        .with_state(state.clone())
        .needs(Scope::Predict);
    let AppState { registry, names, serving, limits, admission, .. } = state;
    Service::new(SERVICE, env!("CARGO_PKG_VERSION"), &limits)
        .admission(admission)
        .routes(status)
        .routes(single)
        .routes(batch)
        .ready_when("the model registry", move || {
            let (registry, names) = (registry.clone(), Arc::clone(&names));
            async move {
                timeout(REGISTRY_PATIENCE, registry.alias(&names.plain, &names.champion)).await??;
                Ok(())
            }
        })
        .ready_when("the champion of `fraud`", move || {
            let is_loaded = serving.load().plain.is_some();
            async move { if is_loaded { Ok(()) } else { Err("no champion has been loaded".into()) } }
        })
        .build()
}
