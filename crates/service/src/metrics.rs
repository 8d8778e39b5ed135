//! Prometheus metrics: one recorder for the process, told apart by the label `service`.
//!
//! Looking a metric up by its labels costs more than a small handler, so the handles of each (route, method, status) are kept.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::Duration,
};

use axum::http::{Method, StatusCode};
use metrics::{Counter, Histogram, counter, describe_counter, describe_histogram, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

const REQUESTS: &str = "http_requests_total";
const DURATION: &str = "http_request_duration_seconds";
const QUERIES: &str = "postgres_queries_total";
const QUERY_DURATION: &str = "postgres_query_duration_seconds";
const DURATION_BUCKETS: [f64; 15] =
    [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];
/// Histograms of commits and of scores end like this, whatever they are of.
const COMMIT: &str = "_commit_seconds";
const SCORE: &str = "_score";
/// Fine where fraud is rare, and around the usual thresholds.
const SCORE_BUCKETS: [f64; 15] = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0];
/// For every other histogram: seconds of steps that may take an hour.
const STEP_BUCKETS: [f64; 10] = [0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0];

/// The recorder of this process, installed at the first call.
pub fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets(&STEP_BUCKETS)
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &DURATION_BUCKETS))
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(QUERY_DURATION.to_owned()), &DURATION_BUCKETS))
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix(COMMIT.to_owned()), &DURATION_BUCKETS))
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix(SCORE.to_owned()), &SCORE_BUCKETS))
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::error!("another metrics recorder is installed: /metrics stays empty");
        }
        describe_counter!(REQUESTS, "Requests answered");
        describe_histogram!(DURATION, "Seconds from the head of a request to the head of its answer");
        describe_counter!(QUERIES, "Statements of clients of PostgreSQL answered");
        describe_histogram!(QUERY_DURATION, "Seconds from such a statement to the end of its answer");
        handle
    })
}

/// Counts a statement that came by another door than HTTP; `status` as HTTP would have it.
pub fn record_query(service: &'static str, action: &'static str, status: u16, duration: Duration) {
    let labels = [("service", service.to_owned()), ("action", action.to_owned()), ("status", status.to_string())];
    counter!(QUERIES, &labels).increment(1);
    histogram!(QUERY_DURATION, &labels).record(duration);
}

/// All metrics of this process, in Prometheus' text form.
pub fn rendered_metrics() -> String {
    recorder().render()
}

/// The metrics of one service, by route.
pub struct HttpMetrics {
    service: &'static str,
    routes: RwLock<HashMap<Box<str>, Arc<RouteMetrics>>>,
}

/// The metrics of one route, by method and status.
pub struct RouteMetrics {
    service: &'static str,
    route: Box<str>,
    answers: RwLock<Vec<(Method, StatusCode, AnswerMetrics)>>,
}

#[derive(Clone)]
struct AnswerMetrics {
    requests: Counter,
    duration: Histogram,
}

impl HttpMetrics {
    pub fn new(service: &'static str) -> Self {
        recorder();
        Self { service, routes: RwLock::default() }
    }

    /// `route` is a pattern such as `/files/{name}`, never a client's path: the number of patterns is bounded.
    pub fn route(&self, route: &str) -> Arc<RouteMetrics> {
        if let Some(metrics) = self.routes.read().unwrap_or_else(PoisonError::into_inner).get(route) {
            return Arc::clone(metrics);
        }
        let new = || Arc::new(RouteMetrics { service: self.service, route: route.into(), answers: RwLock::default() });
        Arc::clone(self.routes.write().unwrap_or_else(PoisonError::into_inner).entry(route.into()).or_insert_with(new))
    }
}

impl RouteMetrics {
    /// The pattern.
    pub fn route(&self) -> &str {
        &self.route
    }

    pub fn record(&self, method: &Method, status: StatusCode, duration: Duration) {
        let of = |(m, s, _): &&(Method, StatusCode, AnswerMetrics)| *s == status && m == method;
        let known = self.answers.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., metrics)) = known.iter().find(of) {
            metrics.record(duration);
            return;
        }
        drop(known);
        let metrics = self.register(method, status);
        metrics.record(duration);
        // A client may invent any number of methods: those share one handle and are not kept.
        if label(method) != OTHER {
            self.answers.write().unwrap_or_else(PoisonError::into_inner).push((method.clone(), status, metrics));
        }
    }

    fn register(&self, method: &Method, status: StatusCode) -> AnswerMetrics {
        let labels = [
            ("service", self.service.to_owned()),
            ("route", self.route.to_string()),
            ("method", label(method).to_owned()),
            ("status", status.as_str().to_owned()),
        ];
        AnswerMetrics { requests: counter!(REQUESTS, &labels), duration: histogram!(DURATION, &labels) }
    }
}

impl AnswerMetrics {
    fn record(&self, duration: Duration) {
        self.requests.increment(1);
        self.duration.record(duration);
    }
}

const OTHER: &str = "other";

fn label(method: &Method) -> &'static str {
    const KNOWN: [Method; 7] =
        [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::HEAD, Method::OPTIONS, Method::PATCH];
    const NAMES: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"];
    KNOWN.iter().position(|known| known == method).map_or(OTHER, |at| NAMES[at])
}
