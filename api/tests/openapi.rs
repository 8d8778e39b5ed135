//! The API's description, which clients are generated from: a change here is a change for them.

use axum::{body::Body, http::Request};
use lakehouse_lake::{Lake, LakeOptions};
use lakehouse_settings::{Overrides, Settings};
use lakehouse_spec::find_domain;
use serde_json::Value;
use tower::ServiceExt as _;

#[tokio::test]
async fn the_description_is_the_one_that_was_reviewed() {
    let folder = tempfile::tempdir().expect("a folder");
    let overrides = Overrides { lake: Some(folder.path().display().to_string()), ..Overrides::default() };
    let settings = Settings::load(None, overrides).expect("the defaults");
    let options = LakeOptions::new(settings.lake.as_str(), 64).expect("a location");
    let lake = Lake::open(options, settings.open_store(&settings.lake).expect("a store")).expect("a lake");
    let router = lakehouse_api::router(lake, vec![find_domain("fraud", None).expect("the domain")], &settings).expect("a router");

    let request = Request::get("/openapi.json").body(Body::empty()).expect("a request");
    let answer = router.oneshot(request).await.expect("an answer");

    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    let openapi: Value = serde_json::from_slice(&bytes).expect("JSON");
    insta::assert_json_snapshot!(openapi);
}
