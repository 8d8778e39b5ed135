//! `POST /v1/ingest`

use axum::{Json, extract::State};
use lakehouse_network::generator::{GenerateError, NetworkSample, generate_network, generate_topology};
use lakehouse_service::{ApiResult, JsonBody, Problem, Problems};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::computed;
use crate::network::NetworkState;

/// What is asked; everything may be absent.
#[derive(Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IngestBody {
    /// The same seed and arguments give the same files.
    seed: u64,
    /// 1 to 50.
    num_sites: u32,
    /// 1 to 20.
    nodes_per_site: u32,
    /// 60 to 10,080.
    duration_min: u32,
    /// 1 to 60.
    freq_min: u32,
    /// 0 to 1.
    incident_rate: f64,
}

impl Default for IngestBody {
    fn default() -> Self {
        let NetworkSample { seed, num_sites, nodes_per_site, duration_min, freq_min, incident_rate, .. } =
            NetworkSample::default();
        Self { seed, num_sites, nodes_per_site, duration_min, freq_min, incident_rate }
    }
}

/// What was written.
#[derive(Serialize, ToSchema)]
pub struct Ingested {
    status: &'static str,
    /// In the sources folder.
    topology_path: &'static str,
    /// In the sources folder.
    metrics_path: &'static str,
    /// In the sources folder.
    incidents_path: &'static str,
    num_nodes: usize,
    num_links: usize,
    num_metrics: u64,
    num_incidents: u64,
}

/// Writes a sample network into the sources folder, whole or not at all; the next run of the domain takes it in.
#[utoipa::path(
    post, path = "/v1/ingest", tag = "networks", request_body = IngestBody,
    responses(
        (status = 200, description = "What was written", body = Ingested),
        (status = 404, description = "There is no sources folder"),
        (status = 409, description = "The folder has logs of other months"),
        (status = 422, description = "An argument is out of its range"),
        Problems,
    )
)]
pub async fn ingest(State(state): State<NetworkState>, JsonBody(body): JsonBody<IngestBody>) -> ApiResult<Json<Ingested>> {
    let IngestBody { seed, num_sites, nodes_per_site, duration_min, freq_min, incident_rate } = body;
    if !(60..=10_080).contains(&duration_min) {
        return Err(Problem::unprocessable(format!("`duration_min` must be between 60 and 10080, not {duration_min}")));
    }
    let folder = state.sources.clone().ok_or_else(|| Problem::not_found("there is no sources folder").with_code("no_sources"))?;
    let sample =
        NetworkSample { seed, num_sites, nodes_per_site, duration_min, freq_min, incident_rate, ..NetworkSample::default() };
    // One at a time: two would share the names of their unfinished files.
    let turn = state.writing.clone().lock_owned().await;
    computed(move || {
        let _turn = turn;
        let topology = generate_topology(&sample).map_err(refused)?;
        let written = generate_network(&sample, Some(&topology), &folder).map_err(refused)?;
        Ok(Json(Ingested {
            status: "success",
            topology_path: "topology.json",
            metrics_path: "telemetry.csv",
            incidents_path: "incidents.csv",
            num_nodes: topology.nodes().len(),
            num_links: topology.links().len(),
            num_metrics: written.telemetry_rows,
            num_incidents: written.incidents,
        }))
    })
    .await
}

fn refused(error: GenerateError) -> Problem {
    match error {
        GenerateError::Argument { .. } => Problem::unprocessable(error.to_string()),
        GenerateError::Stale { .. } => {
            Problem::conflict("the sources folder has firewall logs of other months").with_code("stale_logs")
        }
        _ => Problem::internal(error),
    }
}
