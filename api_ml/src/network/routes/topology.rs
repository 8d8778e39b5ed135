//! `GET /v1/topology`

use axum::{Json, extract::State, response::IntoResponse};
use lakehouse_service::{ApiResult, Problems};

use super::{computed, snapshot};
use crate::network::NetworkState;

/// The network: nodes, links, flows, and what of them was derived and not stated.
#[utoipa::path(
    get, path = "/v1/topology", tag = "networks",
    responses(
        (status = 200, description = "`nodes` with role, site and capacity, `links` with ends, latency and bandwidth, `demands`", body = Object),
        (status = 404, description = "There is no network yet"),
        Problems,
    )
)]
pub async fn topology(State(state): State<NetworkState>) -> ApiResult<impl IntoResponse> {
    let snapshot = snapshot(&state.current())?;
    computed(move || Ok(Json(snapshot.topology.written()).into_response())).await
}
