//! Every route of the service.

use std::sync::Arc;

use axum::Router;
use lakehouse_accounts::Scope;
use lakehouse_landing::Landing;
use lakehouse_service::{Admission, Permitted as _, Service};
use lakehouse_settings::Limits;
use lakehouse_spec::Domain;
use tokio::sync::Semaphore;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Folder, Tables,
    ingest::Doors,
    routes::{get_file, greeting, ingest, list_files, load_table, put_file, split_file},
};

/// The service in metrics, the log and the audit trail.
pub(crate) const SERVICE: &str = "sources_api";

/// Splitting reads and writes a whole file: more than a few at once only take the disk from each other.
const SPLITS_AT_ONCE: usize = 2;

/// Each push holds up to three parts of 5 MiB in memory; more of them wait for their turn.
const PUSHES_AT_ONCE: usize = 16;

/// What the handlers share.
#[derive(Clone)]
pub struct AppState {
    /// The files.
    pub folder: Arc<Folder>,
    /// The sources that take rows.
    pub doors: Arc<Doors>,
    /// What a request may cost.
    pub limits: Limits,
    /// A permit for each split that may be under way.
    pub splits: Arc<Semaphore>,
    /// A permit for each push that may be under way.
    pub pushes: Arc<Semaphore>,
    /// Where files are loaded.
    pub tables: Tables,
    admission: Arc<Admission>,
}

impl AppState {
    /// The state of a service over the files of `folder` and the sources of `domains`, whose pushed rows wait in `landing`.
    pub fn new(folder: Folder, landing: Landing, tables: Tables, domains: Vec<Domain>, limits: &Limits) -> Self {
        Self {
            folder: Arc::new(folder),
            doors: Arc::new(Doors::new(landing, domains)),
            limits: *limits,
            splits: Arc::new(Semaphore::new(SPLITS_AT_ONCE)),
            pushes: Arc::new(Semaphore::new(PUSHES_AT_ONCE)),
            tables,
            admission: Admission::nobody_asked(SERVICE),
        }
    }

    /// Asks who is calling.
    pub fn with_admission(self, admission: Arc<Admission>) -> Self {
        Self { admission, ..self }
    }
}

/// The service's router, with health, metrics and documentation.
pub fn router(state: AppState) -> Router {
    let (folder, doors) = (Arc::clone(&state.folder), Arc::clone(&state.doors));
    let greeting = OpenApiRouter::default().routes(routes!(greeting::greeting)).with_state(state.clone()).open_to_all();
    let list = OpenApiRouter::default().routes(routes!(list_files::list_files));
    let fetched = OpenApiRouter::default().routes(routes!(get_file::get_file));
    let changed = OpenApiRouter::default()
        .routes(routes!(put_file::put_file))
        .routes(routes!(split_file::split_file))
        .routes(routes!(load_table::load_table));
    let pushed = OpenApiRouter::default().routes(routes!(ingest::ingest));
    Service::new(SERVICE, env!("CARGO_PKG_VERSION"), &state.limits)
        .admission(state.admission.clone())
        .routes(greeting)
        .routes(list.with_state(state.clone()).needs(Scope::SourcesRead))
        .streaming_routes(fetched.with_state(state.clone()).needs(Scope::SourcesRead))
        .streaming_routes(changed.with_state(state.clone()).needs(Scope::SourcesWrite))
        .streaming_routes(pushed.with_state(state).needs(Scope::Ingest))
        .ready_when("the sources folder", move || {
            let folder = Arc::clone(&folder);
            async move { Ok(folder.check().await?) }
        })
        .ready_when("the lake", move || {
            let doors = Arc::clone(&doors);
            async move { Ok(doors.landing().check().await?) }
        })
        .build()
}
