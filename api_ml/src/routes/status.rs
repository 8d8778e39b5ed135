//! `GET /`

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::AppState;

/// How this service is.
#[derive(Serialize, ToSchema)]
pub struct Status {
    /// What it is.
    message: &'static str,
    /// `ready`, or `waiting for a champion`.
    status: &'static str,
    /// Where the documentation is.
    docs: &'static str,
}

/// Says what this is and whether it can score.
#[utoipa::path(get, path = "/", tag = "models", responses((status = 200, body = Status)))]
pub async fn status(State(AppState { serving, .. }): State<AppState>) -> Json<Status> {
    let status = if serving.load().plain.is_some() { "ready" } else { "waiting for a champion" };
    Json(Status { message: "Lakehouse scoring API: POST a transaction to /predict", status, docs: "/docs" })
}
