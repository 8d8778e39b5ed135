//! What every request passes, in one layer.
//!
//! Each layer around an axum route costs a boxed service and a boxed future per request, which is more than a small handler
//! does. So id, span, deadline, body limit, panic guard, security headers and metrics are one layer, and what only slow
//! requests need (the timer) is made when they turn out to be slow.

use std::{
    any::Any,
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{
    body::HttpBody,
    extract::{DefaultBodyLimit, MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower::{Layer, Service};
use tracing::Span;

use crate::{
    Problem,
    metrics::{HttpMetrics, RouteMetrics},
    request_id::{self, REQUEST_ID},
};

const SECURITY: [(HeaderName, HeaderValue); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];
/// For answers that are data; pages bring their own.
const DATA_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// The rules of one service, shared by its routes.
pub struct Rules {
    pub service: &'static str,
    pub body_bytes: usize,
    pub timeout: Duration,
    /// Routes without a deadline: a transfer takes as long as it takes.
    pub streaming: Vec<(String, Method)>,
    pub metrics: HttpMetrics,
}

/// Puts [`Gate`]s before routes.
#[derive(Clone)]
pub struct GateLayer(pub Arc<Rules>);

impl<S> Layer<S> for GateLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate { inner, rules: Arc::clone(&self.0) }
    }
}

/// A route and the rules it follows.
#[derive(Clone)]
pub struct Gate<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S> Service<Request> for Gate<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Passage<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let started = Instant::now();
        let request_id = request_id::ensure(request.headers_mut());
        let method = request.method().clone();
        let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
        let is_streaming = self.rules.is_streaming(route, &method);
        let metrics = self.rules.metrics.route(route);
        let span = tracing::info_span!(
            "request",
            service = self.rules.service,
            method = method.as_str(),
            route,
            request_id = request_id.to_str().unwrap_or_default(),
        );
        if !request.body().is_end_stream() {
            // Read by the extractors; a handler that takes the raw body sets its own limit.
            DefaultBodyLimit::max(self.rules.body_bytes).apply(&mut request);
        }
        Passage {
            inner: self.inner.call(request),
            deadline: None,
            timeout: (!is_streaming).then_some(self.rules.timeout),
            span,
            exchange: Exchange { started, method, request_id, metrics },
        }
    }
}

impl Rules {
    fn is_streaming(&self, route: &str, method: &Method) -> bool {
        self.streaming.iter().any(|(path, verb)| verb == method && path == route)
    }
}

/// What an answer needs to know of its request.
struct Exchange {
    started: Instant,
    method: Method,
    request_id: HeaderValue,
    metrics: Arc<RouteMetrics>,
}

pin_project! {
    /// A request on its way through a route.
    pub struct Passage<F> {
        #[pin]
        inner: F,
        #[pin]
        deadline: Option<Sleep>,
        timeout: Option<Duration>,
        span: Span,
        exchange: Exchange,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for Passage<F> {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let _in_span = this.span.enter();
        let inner = this.inner.as_mut();
        let response = match catch_unwind(AssertUnwindSafe(|| inner.poll(context))) {
            Ok(Poll::Ready(Ok(response))) => response,
            Ok(Poll::Pending) => {
                let Some(timeout) = *this.timeout else { return Poll::Pending };
                if this.deadline.is_none() {
                    this.deadline.set(Some(sleep(timeout)));
                }
                match this.deadline.as_pin_mut().map(|sleep| sleep.poll(context)) {
                    Some(Poll::Ready(())) => Problem::timeout("the answer took longer than allowed").into_response(),
                    _ => return Poll::Pending,
                }
            }
            Err(panic) => Problem::internal(format!("a handler panicked: {}", panic_text(panic.as_ref()))).into_response(),
        };
        Poll::Ready(Ok(this.exchange.finish(response)))
    }
}

impl Exchange {
    fn finish(&self, mut response: Response) -> Response {
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            *response.body_mut() = problem.body(Some(&self.request_id));
        }
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, self.request_id.clone());
        secure(headers);
        let duration = self.started.elapsed();
        self.metrics.record(&self.method, response.status(), duration);
        tracing::debug!(
            status = response.status().as_u16(),
            duration_us = duration.as_micros(),
            "answered {} {}",
            self.method,
            self.metrics.route()
        );
        response
    }
}

fn secure(headers: &mut HeaderMap) {
    for (name, value) in SECURITY {
        headers.insert(name, value);
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(DATA_POLICY);
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
