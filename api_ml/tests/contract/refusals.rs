use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::{
    app::{App, post, send, transaction, transaction_with},
    shelf::{constant, constant_of, features},
};

async fn app() -> App {
    let mut app = App::start();
    app.shelf.promote(&constant("fraud", 0.6)).await;
    app.look().await;
    app
}

#[tokio::test]
async fn a_value_that_cannot_be_is_refused_with_its_field_and_its_rule() {
    let app = app().await;
    let money = "a number from -1000000000000 to 1000000000000";
    for (field, value, rule) in [
        ("amount", json!(-0.01), "a number from 0 to 1000000000"),
        ("amount", json!(1_000_000_000.5), "a number from 0 to 1000000000"),
        ("amount", json!("812.5"), "a number from 0 to 1000000000"),
        ("amount", json!(null), "a number from 0 to 1000000000"),
        ("amount", json!(true), "a number from 0 to 1000000000"),
        ("amount", json!([812.5]), "a number from 0 to 1000000000"),
        ("credit_limit", json!(1.1e12), money),
        ("per_capita_income", json!("21000"), money),
        ("yearly_income", json!(-1.1e12), money),
        ("total_debt", json!(null), money),
        ("credit_score", json!(-1), "a number from 0 to 1000"),
        ("credit_score", json!(1000.5), "a number from 0 to 1000"),
        ("credit_score", json!("702"), "a number from 0 to 1000"),
        ("num_credit_cards", json!(1001), "a whole number from 0 to 1000"),
        ("num_credit_cards", json!(2.5), "a whole number from 0 to 1000"),
        ("card_brand", json!("x".repeat(65)), "a text of at most 64 bytes"),
        ("card_brand", json!(null), "a text of at most 64 bytes"),
        ("use_chip", json!(true), "a text of at most 64 bytes"),
        ("merchant_state", json!("é".repeat(33)), "a text of at most 64 bytes"),
        ("card_id", json!(1.5), "an integer of 64 bits, or a text of 1 to 64 bytes"),
        ("card_id", json!(""), "an integer of 64 bits, or a text of 1 to 64 bytes"),
        ("card_id", json!(u64::MAX), "an integer of 64 bits, or a text of 1 to 64 bytes"),
        ("merchant_id", json!("x".repeat(65)), "an integer of 64 bits, or a text of 1 to 64 bytes"),
        ("mcc", json!({}), "an integer of 64 bits, or a text of 1 to 64 bytes"),
        ("timestamp", json!("yesterday"), "an instant such as 2019-10-31T23:59:00Z"),
        ("timestamp", json!("2019-02-30 00:00:00"), "an instant such as"),
        ("timestamp", json!(0), "an instant such as"),
        ("errors", json!("x".repeat(257)), "a text of at most 256 bytes"),
    ] {
        let answer = app.predict(&transaction_with(json!({field: value}))).await;
        let (status, code, detail) = answer.problem();
        assert_eq!((status, code.as_str()), (422, "unprocessable"), "{field}: {value}");
        assert!(detail.starts_with(&format!("`{field}`: ")) && detail.contains(rule), "{detail}");
        assert!(!answer.headers.contains_key("x-model"));
    }
}

#[tokio::test]
async fn a_field_that_is_missing_is_named() {
    let app = app().await;
    let fields = [
        "amount",
        "card_brand",
        "card_type",
        "merchant_state",
        "use_chip",
        "credit_limit",
        "per_capita_income",
        "yearly_income",
        "total_debt",
    ];
    for field in fields {
        let mut request = transaction();
        request.as_object_mut().expect("object").remove(field);
        let (status, _, detail) = app.predict(&request).await.problem();
        assert_eq!((status, detail), (422, format!("missing field `{field}`")));
    }
}

#[tokio::test]
async fn a_body_that_is_no_transaction_is_refused() {
    let app = app().await;
    let infinite = transaction().to_string().replace("812.5", "1e999");
    let not_a_number = transaction().to_string().replace("812.5", "NaN");
    let twice = transaction().to_string().replacen('{', r#"{"amount": 1, "#, 1);
    for (body, status) in [
        ("", 400),
        ("{", 400),
        (infinite.as_str(), 400),
        (not_a_number.as_str(), 400),
        (twice.as_str(), 422),
        ("null", 422),
        ("[]", 422),
        ("{}", 422),
        ("\"amount\"", 422),
    ] {
        let answer = app.post("/predict", body.to_owned()).await;
        assert_eq!(answer.problem().0, status, "{body}");
    }
    let no_type = Request::post("/predict").body(Body::from(transaction().to_string())).expect("request");
    assert_eq!(send(&app.router, no_type).await.problem().0, 415);
    assert_eq!(app.get("/predict").await.problem().0, 405);
}

#[tokio::test]
async fn ten_megabytes_are_too_many_for_one_transaction() {
    let app = app().await;
    let padded = transaction_with(json!({"note": "x".repeat(10 << 20)})).to_string();
    let answer = send(&app.router, post("/predict", padded)).await;
    assert_eq!(answer.problem().0, 413);
}

#[tokio::test]
async fn a_null_that_the_model_cannot_take_is_refused_by_name() {
    let mut app = App::start();
    let mut features = features("fraud");
    features.iter_mut().for_each(|feature| feature.required = true);
    app.shelf.promote(&constant_of("fraud", &features, 0.5)).await;
    app.look().await;
    let (status, _, detail) = app.predict(&transaction_with(json!({"credit_score": null}))).await.problem();
    assert_eq!((status, detail.as_str()), (422, "input `credit_score` is required"));
    let batch = json!({"transactions": [transaction(), transaction_with(json!({"credit_score": null}))]});
    let (status, _, detail) = app.post("/predict/batch", batch.to_string()).await.problem();
    assert_eq!((status, detail.as_str()), (422, "`transactions[1]`: input `credit_score` is required"));
}

#[tokio::test]
async fn without_a_champion_everything_but_scores_is_there() {
    let app = App::start();
    assert_eq!(app.get("/").await.json()["status"], "waiting for a champion");
    assert_eq!(app.get("/health/live").await.status, 200);
    let (status, code, detail) = app.get("/health/ready").await.problem();
    assert_eq!((status, code.as_str(), detail.as_str()), (503, "not_ready", "not ready: the champion of `fraud`"));
    for answer in [app.predict(&transaction()).await, app.get("/model/info").await] {
        let (status, code, detail) = answer.problem();
        assert_eq!((status, code.as_str()), (503, "no_champion"));
        assert_eq!(detail, "no model `fraud` has been promoted yet");
    }
    let batch: Value = json!({"transactions": [transaction()]});
    assert_eq!(app.post("/predict/batch", batch.to_string()).await.problem().1, "no_champion");
}
