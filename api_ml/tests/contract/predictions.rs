use serde_json::{Value, json};

use crate::{
    app::{App, transaction, transaction_with},
    shelf::{constant, split_on},
};

#[tokio::test]
async fn a_plain_request_gets_exactly_the_three_fields_of_the_old_service() {
    let mut app = App::start();
    for (probability, body) in [
        (0.15, r#"{"fraud_probability":0.15,"is_fraud":false,"confidence":"Haute"}"#),
        (0.2, r#"{"fraud_probability":0.2,"is_fraud":false,"confidence":"Moyenne"}"#),
        (0.5, r#"{"fraud_probability":0.5,"is_fraud":false,"confidence":"Moyenne"}"#),
        (0.6, r#"{"fraud_probability":0.6,"is_fraud":true,"confidence":"Moyenne"}"#),
        (0.8, r#"{"fraud_probability":0.8,"is_fraud":true,"confidence":"Haute"}"#),
        (1.0, r#"{"fraud_probability":1.0,"is_fraud":true,"confidence":"Haute"}"#),
    ] {
        let version = app.shelf.promote(&constant("fraud", probability)).await.to_string();
        app.look().await;
        let answer = app.predict(&transaction()).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, body));
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.model(), ("fraud", version.as_str()));
    }
}

#[tokio::test]
async fn every_field_reaches_the_model() {
    let mut app = App::start();
    for (number, threshold, low, high) in [
        ("log1p(amount)", 3.0, json!({"amount": 1}), json!({"amount": 1000})),
        ("card_brand=visa", 0.5, json!({"card_brand": "Amex"}), json!({"card_brand": "VISA"})),
        ("card_type=credit", 0.5, json!({"card_type": "Debit"}), json!({"card_type": "Credit"})),
        ("merchant_state=online", 0.5, json!({"merchant_state": "CA"}), json!({"merchant_state": ""})),
        ("merchant_state=ca", 0.5, json!({"merchant_state": "ONLINE"}), json!({"merchant_state": "CA"})),
        ("use_chip~true|1|yes|chip", 0.5, json!({"use_chip": "False"}), json!({"use_chip": "Chip Transaction"})),
        ("credit_limit", 50.0, json!({"credit_limit": 49}), json!({"credit_limit": 50.5})),
        ("per_capita_income", 50.0, json!({"per_capita_income": -1}), json!({"per_capita_income": 51})),
        ("yearly_income", 50.0, json!({"yearly_income": 49}), json!({"yearly_income": 51})),
        ("total_debt", 50.0, json!({"total_debt": 49}), json!({"total_debt": 51})),
        ("credit_score", 600.0, json!({"credit_score": null}), json!({"credit_score": 600.5})),
        ("num_credit_cards", 3.0, json!({"num_credit_cards": 2}), json!({"num_credit_cards": 3.0})),
    ] {
        app.shelf.promote(&split_on("fraud", number, threshold)).await;
        app.look().await;
        assert_eq!(app.probability(&transaction_with(low)).await, 0.1, "{number}");
        assert_eq!(app.probability(&transaction_with(high)).await, 0.9, "{number}");
    }
}

#[tokio::test]
async fn unknown_fields_are_ignored_and_what_may_be_null_may_be_left_out() {
    let mut app = App::start();
    app.shelf.promote(&constant("fraud", 0.6)).await;
    app.look().await;
    let mut request = transaction_with(json!({"cvv": 123, "nested": {"amount": "x"}, "card_id": null, "timestamp": null}));
    let Value::Object(fields) = &mut request else { panic!("object") };
    fields.remove("credit_score");
    fields.remove("num_credit_cards");
    assert_eq!(app.probability(&request).await, 0.6);
}

#[tokio::test]
async fn the_limits_themselves_are_allowed() {
    let mut app = App::start();
    app.shelf.promote(&constant("fraud", 0.6)).await;
    app.look().await;
    for changes in [
        json!({"amount": 0}),
        json!({"amount": 1e9, "credit_limit": -1e12, "yearly_income": 1e12}),
        json!({"credit_score": 0, "num_credit_cards": 0}),
        json!({"credit_score": 1000, "num_credit_cards": 1000}),
        json!({"card_brand": "x".repeat(64), "use_chip": ""}),
    ] {
        assert_eq!(app.probability(&transaction_with(changes)).await, 0.6);
    }
}
