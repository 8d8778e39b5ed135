//! `GET /files`

use axum::{Json, extract::State};
use lakehouse_service::{ApiResult, Problem, Problems};

use crate::AppState;

/// Lists the names of the files, sorted.
#[utoipa::path(get, path = "/files", tag = "files", responses((status = 200, body = [String]), Problems))]
pub async fn list_files(State(AppState { folder, .. }): State<AppState>) -> ApiResult<Json<Vec<String>>> {
    folder.names().await.map(Json).map_err(Problem::internal)
}
