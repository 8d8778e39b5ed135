//! What does not fit is refused with a sentence that names the field.

use axum::{body::Body, http::Request};

use crate::app::{get, send, service};

#[tokio::test]
async fn a_body_that_fits_arrives() {
    let body = r#"{"amount": 12.5, "card": {"brand": "Visa"}}"#;
    for content_type in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.lakehouse+json"] {
        let request = Request::post("/orders").header("content-type", content_type).body(Body::from(body)).expect("request");
        let answer = send(&service("parameters").build(), request).await;
        assert_eq!((answer.status.as_u16(), answer.json()["amount"].as_f64()), (200, Some(12.5)), "{content_type}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_fit_is_refused_by_name() {
    let large = format!(r#"{{"amount": 1, "card": {{"brand": "{}"}}}}"#, "x".repeat(1_000));
    let long = format!(r#"{{"amount": "{}"}}"#, "x".repeat(900));
    let cases = [
        ("application/json", r#"{"card": {"brand": "Visa"}}"#, 422, "missing field `amount`"),
        (
            "application/json",
            r#"{"amount": "12", "card": {"brand": "Visa"}}"#,
            422,
            "`amount`: invalid type: string \"12\", expected f64",
        ),
        (
            "application/json",
            r#"{"amount": 1, "card": {"brand": 7}}"#,
            422,
            "`card.brand`: invalid type: integer `7`, expected a string",
        ),
        ("application/json", "[]", 422, "invalid length 0"),
        ("application/json", r#"{"amount": 1"#, 400, "the body is not JSON: EOF"),
        ("application/json", "", 400, "the body is not JSON"),
        ("application/json", r#"{"amount": 1, "card": {"brand": "Visa"}} x"#, 400, "trailing characters"),
        ("text/plain", "{}", 415, "send the body as"),
        ("", "{}", 415, "send the body as"),
        ("application/json", &large, 413, "the body is larger"),
        ("application/json", &long, 422, "…"),
    ];
    let router = service("parameters").build();
    for (content_type, body, status, detail) in cases {
        let request = Request::post("/orders").header("content-type", content_type).body(Body::from(body.to_owned()));
        let answer = send(&router, request.expect("request")).await;
        assert_eq!(answer.status, status, "{body}");
        assert!(answer.detail().contains(detail), "{}", answer.detail());
        assert!(answer.detail().len() < 500);
    }
}

#[tokio::test]
async fn a_query_that_does_not_fit_is_refused_by_name() {
    let router = service("parameters").build();
    assert_eq!(get(&router, "/page?limit=7").await.text, "7");
    for (query, detail) in [
        ("?limit=many", "`limit` in the query string: invalid digit found in string"),
        ("?limit=-1", "`limit` in the query string"),
        ("", "missing field `limit`"),
        ("?limit=1&limit=2", "duplicate field `limit`"),
    ] {
        let answer = get(&router, &format!("/page{query}")).await;
        assert_eq!(answer.status, 422, "{query}");
        assert!(answer.detail().contains(detail), "{}", answer.detail());
    }
}

#[tokio::test]
async fn a_path_that_does_not_fit_is_refused_and_a_name_that_cannot_exist_is_not_found() {
    let router = service("parameters").build();
    assert_eq!(get(&router, "/hours/23").await.text, "23");
    for (path, status, detail) in [
        ("/hours/noon", 422, "`hour` in the path is not of type u8"),
        ("/hours/256", 422, "`hour` in the path"),
        ("/names/UPPER", 404, "only lower-case letters"),
        ("/names/%ff", 400, "`name` in the path is not UTF-8"),
    ] {
        let answer = get(&router, path).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.detail().contains(detail), "{}", answer.detail());
    }
    assert_eq!(get(&router, "/names/lower").await.status, 200);
}
