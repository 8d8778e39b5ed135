//! Every route of the service.

use std::sync::Arc;

use axum::Router;
use lakehouse_landing::Landing;
use lakehouse_service::Service;
use lakehouse_settings::Limits;
use lakehouse_spec::Domain;
use tokio::sync::Semaphore;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Folder, Tables,
    ingest::Doors,
    routes::{get_file, greeting, ingest, list_files, load_table, put_file, split_file},
};

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
        }
    }
}

/// The service's router, with health, metrics and documentation.
pub fn router(state: AppState) -> Router {
    let (folder, doors) = (Arc::clone(&state.folder), Arc::clone(&state.doors));
    let answers = OpenApiRouter::default()
        .routes(routes!(greeting::greeting))
        .routes(routes!(list_files::list_files))
        .with_state(state.clone());
    let transfers = OpenApiRouter::default()
        .routes(routes!(get_file::get_file, put_file::put_file))
        .routes(routes!(split_file::split_file))
        .routes(routes!(ingest::ingest))
        .routes(routes!(load_table::load_table))
        .with_state(state.clone());
    Service::new("sources_api", env!("CARGO_PKG_VERSION"), &state.limits)
        .routes(answers)
        .streaming_routes(transfers)
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
