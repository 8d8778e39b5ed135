//! The root.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// Says what this is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Greeting {
    message: &'static str,
    docs: &'static str,
}

/// Says what this is and where its documentation stands.
#[utoipa::path(get, path = "/", tag = "service", responses((status = 200, body = Greeting)))]
pub(crate) async fn greet() -> Json<Greeting> {
    Json(Greeting { message: "Welcome to the Lakehouse datamart API", docs: "/docs" })
}
