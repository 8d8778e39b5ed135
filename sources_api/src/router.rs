//! Every route of the service.

use std::sync::Arc;

use axum::Router;
use lakehouse_service::Service;
use lakehouse_settings::Limits;
use tokio::sync::Semaphore;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Folder,
    routes::{get_file, greeting, list_files, put_file, split_file},
};

/// Splitting reads and writes a whole file: more than a few at once only take the disk from each other.
const SPLITS_AT_ONCE: usize = 2;

/// What the handlers share.
#[derive(Clone)]
pub struct AppState {
    /// The files.
    pub folder: Arc<Folder>,
    /// What a request may cost.
    pub limits: Limits,
    /// A permit for each split that may be under way.
    pub splits: Arc<Semaphore>,
}

impl AppState {
    /// The state of a service over `folder`.
    pub fn new(folder: Folder, limits: &Limits) -> Self {
        Self { folder: Arc::new(folder), limits: *limits, splits: Arc::new(Semaphore::new(SPLITS_AT_ONCE)) }
    }
}

/// The service's router, with health, metrics and documentation.
pub fn router(state: AppState) -> Router {
    let folder = Arc::clone(&state.folder);
    let answers = OpenApiRouter::default()
        .routes(routes!(greeting::greeting))
        .routes(routes!(list_files::list_files))
        .with_state(state.clone());
    let transfers = OpenApiRouter::default()
        .routes(routes!(get_file::get_file, put_file::put_file))
        .routes(routes!(split_file::split_file))
        .with_state(state.clone());
    Service::new("sources_api", env!("CARGO_PKG_VERSION"), &state.limits)
        .routes(answers)
        .streaming_routes(transfers)
        .ready_when("the sources folder", move || {
            let folder = Arc::clone(&folder);
            async move { Ok(folder.check().await?) }
        })
        .build()
}
