//! What every service has besides its own routes.

use axum::{body::Body, http::Request};

use lakehouse_settings::Limits;

use crate::app::{LIMITS, get, send, service, service_with};

#[tokio::test]
async fn a_clients_request_id_comes_back_and_every_answer_has_one() {
    let router = service("plumbing").build();
    let request = Request::get("/page?limit=1").header("x-request-id", "run-7").body(Body::empty()).expect("request");
    assert_eq!(send(&router, request).await.headers["x-request-id"], "run-7");
    for path in ["/page?limit=1", "/nowhere", "/panic", "/metrics", "/docs/"] {
        assert_eq!(get(&router, path).await.headers["x-request-id"].len(), 32, "{path}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers_and_none_allows_another_origin() {
    let router = service("plumbing").build();
    for path in ["/page?limit=1", "/nowhere", "/openapi.json", "/docs/"] {
        let headers = get(&router, path).await.headers;
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        let policy = headers["content-security-policy"].to_str().expect("policy");
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!headers.contains_key("access-control-allow-origin"), "{path}");
    }
}

#[tokio::test]
async fn a_service_is_live_even_when_it_is_not_ready() {
    let router = service("plumbing")
        .ready_when("the lake", || async { Ok(()) })
        .ready_when("the registry", || async { Err("no such bucket: secret".into()) })
        .build();
    assert_eq!(get(&router, "/health/live").await.json()["status"], "live");
    let answer = get(&router, "/health/ready").await;
    assert_eq!((answer.status.as_u16(), answer.detail().as_str()), (503, "not ready: the registry"));
    assert_eq!(answer.json()["code"], "not_ready");
}

#[tokio::test]
async fn a_dependency_that_does_not_answer_is_not_ready() {
    let ready = service("plumbing").ready_when("the lake", || async { Ok(()) });
    assert_eq!(get(&ready.build(), "/health/ready").await.json()["dependencies"][0], "the lake");
    let stuck = service("plumbing").ready_when("the lake", std::future::pending);
    assert_eq!(get(&stuck.build(), "/health/ready").await.status, 503);
}

#[tokio::test]
async fn requests_are_counted_by_service_route_method_and_status() {
    let (here, there) = (service("counted").build(), service("elsewhere").build());
    for path in ["/hours/1", "/hours/2", "/hours/noon", "/nowhere/1", "/nowhere/2"] {
        get(&here, path).await;
    }
    get(&there, "/hours/3").await;
    let brewing = Request::builder().method("BREW").uri("/page").body(Body::empty()).expect("request");
    send(&here, brewing).await;

    let text = get(&here, "/metrics").await.text;
    for line in [
        r#"http_requests_total{service="counted",route="/hours/{hour}",method="GET",status="200"} 2"#,
        r#"http_requests_total{service="counted",route="/hours/{hour}",method="GET",status="422"} 1"#,
        r#"http_requests_total{service="counted",route="unmatched",method="GET",status="404"} 2"#,
        r#"http_requests_total{service="counted",route="/page",method="other",status="405"} 1"#,
        r#"http_requests_total{service="elsewhere",route="/hours/{hour}",method="GET",status="200"} 1"#,
        r#"http_request_duration_seconds_bucket{service="counted",route="/hours/{hour}",method="GET",status="200",le="30"} 2"#,
    ] {
        assert!(text.contains(line), "no line {line} in\n{text}");
    }
}

#[tokio::test]
async fn the_service_describes_itself_without_a_byte_from_elsewhere() {
    let router = service("plumbing").build();
    let openapi = get(&router, "/openapi.json").await.json();
    assert_eq!((&openapi["info"]["title"], &openapi["info"]["version"]), (&"plumbing".into(), &"1.2.3".into()));
    assert!(openapi["paths"]["/orders"]["post"].is_object() && openapi["paths"]["/health/ready"]["get"].is_object());
    let problem = &openapi["paths"]["/orders"]["post"]["responses"]["default"]["content"]["application/problem+json"];
    let name = problem["schema"]["$ref"].as_str().expect("reference").rsplit('/').next().expect("name");
    assert!(openapi["components"]["schemas"][name]["properties"]["code"].is_object(), "{openapi}");

    let page = get(&router, "/docs/").await.text;
    assert!(page.contains("swagger-ui-bundle.js") && !page.contains("http://") && !page.contains("https://"), "{page}");
    assert_eq!(get(&router, "/docs/swagger-ui-bundle.js").await.status, 200);
}

#[tokio::test]
async fn a_slow_answer_times_out_unless_its_route_transfers_files() {
    let router = service_with("plumbing", &Limits { request_timeout_seconds: 1, ..LIMITS }).build();
    let answer = get(&router, "/slow").await;
    assert_eq!((answer.status.as_u16(), answer.json()["code"].as_str()), (504, Some("timeout")));
    assert_eq!(get(&router, "/transfer").await.text, "all of it");
}
