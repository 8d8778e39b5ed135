//! What every request passes, in one layer.
//!
//! Each layer around an axum route costs a boxed service and a boxed future per request, which is more than a small handler
//! does. So id, span, admission, deadline, body limit, panic guard, security headers and metrics are one layer, and what only some
//! requests need (the timer, a question to the database who they are from) is made when it turns out that they do.

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
use futures::{FutureExt as _, future::BoxFuture};
use lakehouse_accounts::{Deed, Principal};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower::{Layer, Service};
use tracing::Span;

use crate::{
    Problem,
    admission::{Admission, Admitted, AuditObject, Held, Need, Needs, Outcome, Verdict},
    metrics::{HttpMetrics, RouteMetrics},
    request_id::{self, REQUEST_ID},
    serve::Peer,
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
    pub needs: Needs,
    pub admission: Arc<Admission>,
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
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static,
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
        let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let route = matched.unwrap_or("unmatched");
        let is_streaming = self.rules.is_streaming(route, &method);
        let metrics = self.rules.metrics.route(route);
        let need = self.rules.needs.at(matched, &method);
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
        let mut exchange = Exchange {
            started,
            method,
            request_id,
            metrics,
            rules: self.rules.clone(),
            admitted: None,
            refused: None,
            path: None,
        };
        Passage {
            inner: self.way(need, request, &mut exchange),
            deadline: None,
            timeout: (!is_streaming).then_some(self.rules.timeout),
            span,
            exchange,
        }
    }
}

impl<S> Gate<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + 'static,
{
    fn way(&mut self, need: Need, mut request: Request, exchange: &mut Exchange) -> Way<S::Future> {
        let verdict = self.rules.admission.verdict(need, &request);
        match verdict {
            Verdict::Free => Way::Direct { inner: self.inner.call(request) },
            Verdict::Admitted(admitted) => {
                exchange.path = admitted.is_noted().then(|| request.uri().path().to_owned());
                request.extensions_mut().insert(admitted.principal.clone());
                exchange.admitted = Some(admitted);
                Way::Direct { inner: self.inner.call(request) }
            }
            Verdict::Refused(refused) => {
                exchange.path = Some(request.uri().path().to_owned());
                exchange.refused = refused.principal;
                Way::Refused { problem: Some(refused.problem) }
            }
            Verdict::Ask(credential) => {
                exchange.path = Some(request.uri().path().to_owned());
                let (admission, mut inner) = (self.rules.admission.clone(), self.inner.clone());
                let client = admission.client(request.extensions().get::<Peer>().copied(), request.headers());
                let asked = async move {
                    let admitted = match admission.ask(need, &credential, &client).await {
                        Ok(admitted) => admitted,
                        Err(refused) => {
                            let mut response = refused.problem.into_response();
                            if let Some(principal) = refused.principal {
                                response.extensions_mut().insert(principal);
                            }
                            return response;
                        }
                    };
                    request.extensions_mut().insert(admitted.principal.clone());
                    let Ok(mut response) = inner.call(request).await;
                    response.extensions_mut().insert(admitted);
                    response
                };
                Way::Asked { asked: asked.boxed() }
            }
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
    rules: Arc<Rules>,
    admitted: Option<Admitted>,
    refused: Option<Arc<Principal>>,
    /// What the audit trail is told, if it is told of this.
    path: Option<String>,
}

pin_project! {
    /// How a request comes to its answer.
    #[project = WayProjection]
    pub enum Way<F> {
        /// Through the route.
        Direct { #[pin] inner: F },
        /// Through the database, and then the route.
        Asked { asked: BoxFuture<'static, Response> },
        /// Not at all.
        Refused { problem: Option<Problem> },
    }
}

impl<F: Future<Output = Outcome>> Future for Way<F> {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        match self.project() {
            WayProjection::Direct { inner } => inner.poll(context),
            WayProjection::Asked { asked } => asked.poll_unpin(context).map(Ok),
            WayProjection::Refused { problem } => {
                Poll::Ready(Ok(problem.take().unwrap_or_else(|| Problem::forbidden("refused")).into_response()))
            }
        }
    }
}

pin_project! {
    /// A request on its way through a route.
    pub struct Passage<F> {
        #[pin]
        inner: Way<F>,
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
    fn finish(&mut self, mut response: Response) -> Response {
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            *response.body_mut() = problem.body(Some(&self.request_id));
        }
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, self.request_id.clone());
        secure(headers);
        self.tell(&mut response);
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

impl Exchange {
    /// Tells the audit trail, and keeps the principal's place until the answer is sent.
    fn tell(&mut self, response: &mut Response) {
        let object = response.extensions_mut().remove::<AuditObject>();
        let admitted = self.admitted.take().or_else(|| response.extensions_mut().remove::<Admitted>());
        let refused = self.refused.take().or_else(|| response.extensions_mut().remove::<Arc<Principal>>());
        if let Some(path) = self.path.take() {
            let route = self.metrics.route();
            // Whoever is nobody may ask for any number of paths.
            let known = admitted.as_ref().map(|admitted| admitted.principal.clone()).or(refused);
            let (principal, object) = match &known {
                Some(principal) => (principal.name(), object.map_or(path, |AuditObject(object)| object)),
                None => ("nobody", route.to_owned()),
            };
            let (principal, action, outcome) = (principal.to_owned(), self.method.to_string(), response.status().as_u16());
            let deed = Deed { principal, action, object, outcome };
            self.rules.admission.note(deed, route, self.request_id.to_str().ok());
        }
        if let Some(admitted) = admitted.filter(Admitted::is_noted) {
            let body = std::mem::take(response.body_mut());
            *response.body_mut() = Held::wrap(body, admitted);
        }
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
