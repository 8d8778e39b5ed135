//! `GET /`

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// What this service is.
#[derive(Serialize, ToSchema)]
pub struct Greeting {
    /// A greeting.
    message: &'static str,
    /// Where the documentation is.
    docs: &'static str,
}

/// Greets.
#[utoipa::path(get, path = "/", tag = "files", responses((status = 200, body = Greeting)))]
pub async fn greeting() -> Json<Greeting> {
    Json(Greeting { message: "Lakehouse sources API: the files are at /files", docs: "/docs" })
}
