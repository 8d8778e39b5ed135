//! `GET /v1/metrics`, and what the routes of networks count.

use std::time::{Duration, Instant};

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};
use lakehouse_service::Problems;
use metrics::{counter, gauge, histogram};

use crate::network::{
    risk::{Mode, Risk},
    snapshot::Kind,
};

const PREDICTIONS: &str = "dirisi_model_predictions_total";
const DURATION: &str = "dirisi_prediction_duration_seconds";
const RISK: &str = "dirisi_risk_score";
const REQUESTS: &str = "dirisi_api_requests_total";
const REQUEST_DURATION: &str = "dirisi_api_request_duration_seconds";
const FEATURES_DURATION: &str = "dirisi_feature_computation_duration_seconds";

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

/// Notes how long it took to take in the features that the pipeline has computed: none is computed here.
pub fn took_in_features(duration: Duration) {
    histogram!(FEATURES_DURATION).record(duration);
}

/// Counts a request to a route of networks and notes how long it took. Labels are those of routes, so they are bounded.
pub async fn counted(request: Request, next: Next) -> Response {
    let endpoint = request.extensions().get::<MatchedPath>().map_or_else(String::new, |path| path.as_str().to_owned());
    let method = match *request.method() {
        Method::GET => "GET",
        Method::POST => "POST",
        _ => "other",
    };
    let started = Instant::now();
    let response = next.run(request).await;
    histogram!(REQUEST_DURATION, "method" => method, "endpoint" => endpoint.clone()).record(started.elapsed());
    let status = response.status().as_str().to_owned();
    counter!(REQUESTS, "method" => method, "endpoint" => endpoint, "status" => status).increment(1);
    response
}

/// The metrics of the process, in Prometheus' text form: as `/metrics`, at the address that dashboards of networks know.
#[utoipa::path(
    get, path = "/v1/metrics", tag = "networks",
    responses((status = 200, description = "Prometheus' text form", body = String), Problems)
)]
pub async fn metrics() -> impl IntoResponse {
    lakehouse_service::rendered_metrics()
}
