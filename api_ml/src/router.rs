//! Every route of the service.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use axum::{Router, extract::DefaultBodyLimit};
use lakehouse_accounts::Scope;
use lakehouse_registry::Registry;
use lakehouse_service::{Admission, Permitted as _, Service};
use lakehouse_settings::{ApiMl, Limits};
use lakehouse_spec::InvalidName;
use tokio::{sync::Semaphore, time::timeout};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    journal::JournalError,
    models::{Names, Watcher},
    network::{self, NetworkState, Networks},
    routes::{
        drift, explain, import, inference, model_info, models, predict, predict_batch, predict_proba, status, transactions,
    },
    scoring::{Recorder, Serving},
};

/// The service in metrics, the log and the audit trail.
pub(crate) const SERVICE: &str = "api_ml";
/// Batches that may be read and scored at once, so that memory is bounded and single predictions find a core.
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
    /// What scores and keeps.
    pub(crate) recorder: Arc<Recorder>,
    /// A permit for each batch that may be under way.
    pub(crate) batches: Arc<Semaphore>,
    /// A permit for each other request that may be.
    pub(crate) requests: Arc<Semaphore>,
    limits: Limits,
    /// What the routes of networks share.
    pub network: NetworkState,
    admission: Arc<Admission>,
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A name that is built in is none.
    #[error("failed to name what is served")]
    Name(#[from] InvalidName),
    /// What was recorded cannot be read, or nothing could be kept.
    #[error("failed to open the journal")]
    Journal(#[from] JournalError),
}

impl AppState {
    /// A state that serves nothing yet, and the watcher that changes this. Reads the journal: call it off the reactor where that
    /// may be large.
    pub fn new(registry: Registry, settings: &ApiMl, limits: &Limits, networks: Networks) -> Result<(Self, Watcher), StartError> {
        let names = Arc::new(Names::new()?);
        let serving = Arc::new(ArcSwap::from_pointee(Serving::default()));
        let recorder = Arc::new(Recorder::open(settings, Arc::clone(&serving))?);
        let watcher = Watcher::new(
            registry.clone(),
            Arc::clone(&names),
            Arc::clone(&serving),
            Arc::clone(&recorder),
            settings.canary_percent,
        );
        let batches = Arc::new(Semaphore::new(BATCHES_AT_ONCE));
        let requests = Arc::new(Semaphore::new(settings.requests_at_once));
        let network = NetworkState::new(registry.clone(), networks)?;
        let admission = Admission::nobody_asked(SERVICE);
        let limits = *limits;
        Ok((Self { registry, names, serving, recorder, batches, requests, limits, network, admission }, watcher))
    }

    /// Asks who is calling.
    pub fn with_admission(self, admission: Arc<Admission>) -> Self {
        Self { admission, ..self }
    }
}

/// The service's router, with health, metrics and documentation.
pub fn router(state: AppState) -> Router {
    let status = OpenApiRouter::default().routes(routes!(status::status)).with_state(state.clone()).open_to_all();
    let single = OpenApiRouter::default()
        .routes(routes!(model_info::model_info))
        .routes(routes!(models::list_models))
        .routes(routes!(models::list_versions))
        .routes(routes!(models::show_version))
        .routes(routes!(predict_proba::predict_proba))
        .routes(routes!(drift::drift))
        .routes(routes!(explain::explain))
        .routes(routes!(transactions::record))
        .routes(routes!(transactions::judge))
        .merge(inference::routes())
        .with_state(state.clone())
        .needs(Scope::Predict);
    // Asked so often that it is worth sharing the state as a whole instead of each of its parts.
    let predict =
        OpenApiRouter::default().routes(routes!(predict::predict)).with_state(Arc::new(state.clone())).needs(Scope::Predict);
    let batch_bytes = state.limits.request_body_bytes.max(BATCH_BODY_BYTES);
    let batch = OpenApiRouter::default()
        .routes(routes!(predict_batch::predict_batch))
        .merge(inference::batch_routes())
        .layer(DefaultBodyLimit::max(batch_bytes))
        .with_state(state.clone())
        .needs(Scope::Predict);
    let imports = OpenApiRouter::default()
        .routes(routes!(import::import_version))
        .layer(DefaultBodyLimit::max(state.limits.request_body_bytes.max(import::BODY_BYTES)))
        .with_state(state.clone())
        .needs(Scope::ModelsPromote);
    let AppState { registry, names, serving, recorder, limits, network, admission, .. } = state;
    Service::new(SERVICE, env!("CARGO_PKG_VERSION"), &limits)
        .admission(admission)
        .routes(status)
        .routes(predict)
        .routes(single)
        .routes(batch)
        .routes(imports)
        .routes(network::routes(network))
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
        .ready_when("the journal", move || {
            let ready = recorder.journal.ready();
            async move { Ok(ready?) }
        })
        .build()
}
