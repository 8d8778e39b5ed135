//! A small service to tell stories with.

use std::time::Duration;

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use lakehouse_service::{ApiResult, JsonBody, PathParams, Permitted as _, Problem, Problems, QueryParams, Service};
use lakehouse_settings::Limits;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower::ServiceExt;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub const LIMITS: Limits = Limits {
    request_body_bytes: 1_000,
    request_timeout_seconds: 5,
    drain_timeout_seconds: 1,
    max_rows: 10,
    mart_mb: 1,
    sql_timeout_seconds: 1,
    upload_bytes: 10,
};

#[derive(Deserialize, Serialize, ToSchema)]
pub struct Order {
    amount: f64,
    card: Card,
}

#[derive(Deserialize, Serialize, ToSchema)]
struct Card {
    brand: String,
}

#[derive(Deserialize)]
struct Page {
    limit: u32,
}

#[derive(Deserialize)]
struct HourPath {
    hour: u8,
}

/// A type that refuses names, as the names of domains and tables do.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Lower(String);

impl TryFrom<String> for Lower {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if name.bytes().all(|byte| byte.is_ascii_lowercase()) { Ok(Self(name)) } else { Err("only lower-case letters".into()) }
    }
}

#[derive(Deserialize)]
struct NamePath {
    name: Lower,
}

#[utoipa::path(post, path = "/orders", request_body = Order, responses((status = 200, body = Order), Problems))]
async fn order(JsonBody(order): JsonBody<Order>) -> Json<Order> {
    Json(order)
}

#[utoipa::path(get, path = "/page", responses((status = 200), Problems))]
async fn page(QueryParams(page): QueryParams<Page>) -> String {
    page.limit.to_string()
}

#[utoipa::path(get, path = "/hours/{hour}", responses((status = 200), Problems))]
async fn hour(PathParams(path): PathParams<HourPath>) -> String {
    path.hour.to_string()
}

#[utoipa::path(get, path = "/names/{name}", responses((status = 200), Problems))]
async fn named(PathParams(path): PathParams<NamePath>) -> String {
    path.name.0
}

#[utoipa::path(get, path = "/panic", responses((status = 200), Problems))]
async fn panics() {
    panic!("the secret is 42");
}

#[utoipa::path(get, path = "/broken", responses((status = 200), Problems))]
async fn broken() -> ApiResult<()> {
    let cause = std::io::Error::other("table gold.secret is corrupt");
    Err(Problem::internal(cause))
}

#[utoipa::path(get, path = "/slow", responses((status = 200), Problems))]
async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_secs(30)).await;
    "late"
}

#[utoipa::path(get, path = "/transfer", responses((status = 200), Problems))]
async fn transfer() -> &'static str {
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    "all of it"
}

/// The parts of a service that stories add to.
pub fn service(name: &'static str) -> Service {
    service_with(name, &LIMITS)
}

/// The same under other limits.
pub fn service_with(name: &'static str, limits: &Limits) -> Service {
    let routes = OpenApiRouter::default()
        .routes(routes!(order))
        .routes(routes!(page))
        .routes(routes!(hour))
        .routes(routes!(named))
        .routes(routes!(panics))
        .routes(routes!(broken))
        .routes(routes!(slow))
        .needs_anybody();
    let transfers = OpenApiRouter::default().routes(routes!(transfer)).needs_anybody();
    Service::new(name, "1.2.3", limits).routes(routes).streaming_routes(transfers)
}

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("the answer is not JSON")
    }

    /// The `detail` of what has to be a whole problem.
    pub fn detail(&self) -> String {
        let problem = self.json();
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["type"], format!("urn:lakehouse:problem:{}", problem["code"].as_str().expect("code")));
        assert_eq!(problem["request_id"], self.headers["x-request-id"].to_str().expect("id"));
        problem["detail"].as_str().expect("detail").to_owned()
    }
}

pub async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.expect("a router always answers");
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.expect("body");
    Answer { status: head.status, headers: head.headers, text: String::from_utf8(bytes.to_vec()).expect("text") }
}

pub async fn get(router: &Router, path: &str) -> Answer {
    send(router, Request::get(path).body(Body::empty()).expect("request")).await
}
