//! A service's own routes and everything they get for free.

use std::sync::Arc;

use axum::{Router, http::Method, routing::get};
use lakehouse_settings::Limits;
use utoipa::openapi::{OpenApi, path::PathItem};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    BoxError, Problem,
    admission::{self, Admission, Needs},
    docs,
    gate::{GateLayer, Rules},
    health::{self, ReadyCheck},
    metrics::{self, HttpMetrics},
};

/// A service in the making.
pub struct Service {
    name: &'static str,
    version: &'static str,
    limits: Limits,
    routes: OpenApiRouter,
    streaming: Vec<(String, Method)>,
    checks: Vec<ReadyCheck>,
    admission: Arc<Admission>,
}

impl Service {
    /// `name` is the label in metrics and log, `version` usually `env!("CARGO_PKG_VERSION")`.
    pub fn new(name: &'static str, version: &'static str, limits: &Limits) -> Self {
        let routes = OpenApiRouter::default();
        let admission = Admission::nobody_asked(name);
        Self { name, version, limits: *limits, routes, streaming: Vec::new(), checks: Vec::new(), admission }
    }

    /// Asks who is calling, and answers `/auth/…` and `/audit`.
    pub fn admission(self, admission: Arc<Admission>) -> Self {
        Self { admission: admission.clone(), ..self }.routes(admission::routes(admission))
    }

    /// Adds routes that answer within the request timeout.
    pub fn routes(mut self, routes: OpenApiRouter) -> Self {
        self.routes = self.routes.merge(routes);
        self
    }

    /// Adds routes that transfer files: they have no deadline, and read their body themselves, with a limit of their own.
    pub fn streaming_routes(mut self, routes: OpenApiRouter) -> Self {
        self.streaming.extend(operations(routes.get_openapi()));
        self.routes(routes)
    }

    /// The service is ready when `ask` finds that `dependency` works. The error is logged, and only the name is shown.
    pub fn ready_when<F>(mut self, dependency: &'static str, ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.checks.push(ReadyCheck { dependency, ask: Box::new(move || Box::pin(ask())) });
        self
    }

    /// The whole router.
    pub fn build(self) -> Router {
        let (router, mut openapi) = self.routes.merge(health::routes(self.checks)).split_for_parts();
        docs::complete(&mut openapi, self.name, self.version);
        let rules = Rules {
            service: self.name,
            body_bytes: self.limits.request_body_bytes,
            timeout: self.limits.request_timeout(),
            streaming: self.streaming,
            metrics: HttpMetrics::new(self.name),
            needs: Needs::of(&openapi),
            admission: self.admission,
        };
        router
            .merge(docs::routes(openapi))
            .route("/metrics", get(|| async { metrics::rendered_metrics() }))
            .fallback(|| async { Problem::not_found("there is nothing at this address") })
            .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
            .layer(GateLayer(Arc::new(rules)))
            // Without this, axum would wrap the handlers in the gate again for every request.
            .with_state(())
    }
}

fn operations(openapi: &OpenApi) -> Vec<(String, Method)> {
    let of_path = |(path, item): (&String, &PathItem)| {
        let verbs = [
            (&item.get, Method::GET),
            (&item.put, Method::PUT),
            (&item.post, Method::POST),
            (&item.delete, Method::DELETE),
            (&item.patch, Method::PATCH),
        ];
        let present = verbs.into_iter().filter(|(operation, _)| operation.is_some());
        present.map(|(_, method)| (path.clone(), method)).collect::<Vec<_>>()
    };
    openapi.paths.paths.iter().flat_map(of_path).collect()
}
