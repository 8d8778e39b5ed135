use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::{
    app::{App, send, transaction, transaction_with},
    shelf::{constant, split_on},
};

fn batch(transactions: &[Value]) -> String {
    json!({"transactions": transactions}).to_string()
}

async fn app() -> App {
    let mut app = App::start();
    app.shelf.promote(&split_on("fraud", "credit_limit", 100.0)).await;
    app.look().await;
    app
}

#[tokio::test]
async fn predictions_come_in_the_order_of_the_transactions() {
    let app = app().await;
    let limits = [50, 150, 150, 50];
    let transactions: Vec<Value> = limits.iter().map(|limit| transaction_with(json!({"credit_limit": limit}))).collect();
    let answer = app.post("/predict/batch", batch(&transactions)).await;
    let low = r#"{"fraud_probability":0.1,"is_fraud":false,"confidence":"Haute"}"#;
    let high = r#"{"fraud_probability":0.9,"is_fraud":true,"confidence":"Haute"}"#;
    assert_eq!(answer.text, format!(r#"{{"predictions":[{low},{high},{high},{low}]}}"#));
    assert_eq!(answer.model(), ("fraud", "1"));
    for (transaction, prediction) in transactions.iter().zip(answer.json()["predictions"].as_array().expect("list")) {
        assert_eq!(&app.predict(transaction).await.json(), prediction);
    }
}

#[tokio::test]
async fn ten_thousand_transactions_are_a_batch_and_one_more_is_not() {
    let app = app().await;
    let long = transaction_with(json!({"card_brand": "x".repeat(64), "note": "x".repeat(600)}));
    let mut transactions = vec![long; 10_000];
    let body = batch(&transactions);
    assert!(body.len() > 8 << 20, "more than any other request may have");
    let answer = app.post("/predict/batch", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["predictions"].as_array().expect("list").len(), 10_000);

    transactions.push(transaction());
    let (status, _, detail) = app.post("/predict/batch", batch(&transactions)).await.problem();
    assert_eq!(status, 422);
    assert_eq!(detail, "`transactions`: more than 10000 transactions: send several batches");
}

#[tokio::test]
async fn an_empty_batch_and_a_body_that_is_none_are_refused() {
    let app = app().await;
    for (body, status, detail) in [
        (batch(&[]), 422, "`transactions`: invalid length 0, expected 1 to 10000 transactions"),
        ("{}".to_owned(), 422, "missing field `transactions`"),
        ("[]".to_owned(), 422, "invalid length 0, expected struct Batch with 1 element"),
        ("{\"transactions\": [".to_owned(), 400, "the body is not JSON: EOF while parsing a list at line 1 column 18"),
    ] {
        let answer = app.post("/predict/batch", body.clone()).await;
        assert_eq!((answer.problem().0, answer.problem().2.as_str()), (status, detail), "{body}");
    }
    let huge = batch(&[transaction_with(json!({"note": "x".repeat(17 << 20)}))]);
    assert_eq!(app.post("/predict/batch", huge).await.problem().0, 413);
    let no_type = Request::post("/predict/batch").body(Body::from(batch(&[transaction()]))).expect("request");
    assert_eq!(send(&app.router, no_type).await.problem().0, 415);
}

#[tokio::test]
async fn one_bad_transaction_fails_the_batch_and_is_named() {
    let app = app().await;
    let mut transactions = vec![transaction(); 5];
    transactions[3] = transaction_with(json!({"amount": -1}));
    let (status, _, detail) = app.post("/predict/batch", batch(&transactions)).await.problem();
    assert_eq!(status, 422);
    assert!(detail.starts_with("`transactions[3].amount`: invalid value: "), "{detail}");

    transactions[3] = transaction();
    transactions[4].as_object_mut().expect("object").remove("card_type");
    let (_, _, detail) = app.post("/predict/batch", batch(&transactions)).await.problem();
    assert_eq!(detail, "`transactions[4]`: missing field `card_type`");
}

#[tokio::test]
async fn transactions_with_and_without_a_card_may_be_mixed() {
    let mut app = app().await;
    let mixed = [transaction(), transaction_with(json!({"card_id": 42}))];
    assert_eq!(app.post("/predict/batch", batch(&mixed)).await.problem().1, "no_card_model");
    app.shelf.promote(&constant("fraud_card", 0.25)).await;
    app.shelf.put_state(&[]).await;
    app.look().await;
    let answer = app.post("/predict/batch", batch(&mixed)).await;
    let probabilities: Vec<f64> = answer.json()["predictions"]
        .as_array()
        .expect("list")
        .iter()
        .map(|prediction| prediction["fraud_probability"].as_f64().expect("number"))
        .collect();
    assert_eq!(probabilities, [0.9, 0.25]);
    let models: Vec<&str> = answer.headers.get_all("x-model").iter().map(|value| value.to_str().expect("text")).collect();
    assert_eq!(models, ["fraud", "fraud_card"]);
}
