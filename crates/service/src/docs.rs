//! The service described: `/openapi.json` for programs and `/docs` for people, without a byte from elsewhere.

use axum::{
    Router,
    http::{HeaderValue, header},
    middleware::map_response,
    response::Response,
    routing::get,
};
use utoipa::openapi::{
    Components, InfoBuilder, OpenApi,
    security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{admission::BEARER, problem};

/// The page loads its own scripts and styles, draws inline pictures and calls this service: nothing more.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     frame-ancestors 'none'",
);

/// Every code that a problem can have.
const PROBLEMS: &str = include_str!("../../../docs/problems.md");
const PROBLEMS_PATH: &str = "/docs/problems.md";

pub fn routes(openapi: OpenApi) -> Router {
    let config = Config::new(["/openapi.json"]).validator_url("none");
    let problems = || async { ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], PROBLEMS) };
    Router::from(SwaggerUi::new("/docs").config(config).url("/openapi.json", openapi))
        .route(PROBLEMS_PATH, get(problems))
        .layer(map_response(allow_page))
}

async fn allow_page(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    response
}

/// Names the service and adds the shape of its problems.
pub fn complete(openapi: &mut OpenApi, name: &str, version: &str) {
    let about = format!("Whatever goes wrong is a problem with a code: [the list of them]({PROBLEMS_PATH}).");
    openapi.info = InfoBuilder::new().title(name).version(version).description(Some(about)).build();
    let components = openapi.components.get_or_insert_with(Components::default);
    components.schemas.extend([problem::schema()]);
    let bearer =
        HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API key, or an access token from `/auth/login`"));
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer.build()));
}
