//! `GET /v1/metrics`, and what the routes of networks count.

use std::time::Duration;

use axum::response::IntoResponse;
use lakehouse_service::Problems;
use metrics::{counter, gauge, histogram};

use crate::network::{
    risk::{Mode, Risk},
    snapshot::Kind,
};

const PREDICTIONS: &str = "dirisi_model_predictions_total";
const DURATION: &str = "dirisi_prediction_duration_seconds";
const RISK: &str = "dirisi_risk_score";

/// Counts a prediction. Entities are those of the topology, so the labels are bounded.
pub fn predicted(mode: Mode, (kind, id): (Kind, &str), risk: &Risk) {
    let model_type = match mode {
        Mode::Rule => "rule",
        Mode::Ml => "ml",
        Mode::Hybrid => "hybrid",
    };
    counter!(PREDICTIONS, "model_type" => model_type, "risk_band" => risk.band.as_str()).increment(1);
    gauge!(RISK, "entity_id" => id.to_owned(), "entity_type" => kind.as_str()).set(risk.score);
}

/// Notes how long a request's predictions took.
pub fn took(duration: Duration) {
    histogram!(DURATION).record(duration);
}

/// The metrics of the process, in Prometheus' text form: as `/metrics`, at the address that dashboards of networks know.
#[utoipa::path(
    get, path = "/v1/metrics", tag = "networks",
    responses((status = 200, description = "Prometheus' text form", body = String), Problems)
)]
pub async fn metrics() -> impl IntoResponse {
    lakehouse_service::rendered_metrics()
}
