use serde_json::json;

use crate::{
    app::{Answer, App, transaction, transaction_with},
    shelf::{Purchase, constant, signals, split_on},
};

const AT: &str = "2019-10-31 12:00:00";

fn purchase(at: &'static str) -> Purchase {
    Purchase { at, card: 42, merchant: 7, category: 5411, state: "CA", is_fraud: false }
}

fn morning() -> Vec<Purchase> {
    ["2019-10-31T09:00:00Z", "2019-10-31T10:00:00Z", "2019-10-31T11:00:00Z"].map(purchase).to_vec()
}

#[tokio::test]
async fn a_card_brings_its_history_into_the_score() {
    let mut app = App::start();
    app.shelf.promote(&constant("fraud", 0.6)).await;
    app.shelf.promote(&split_on("fraud_card", "card_count_24h", 3.0)).await;
    app.shelf.put_state(&morning()).await;
    app.look().await;

    let card = |id| transaction_with(json!({"card_id": id, "merchant_id": 7, "mcc": "5411", "timestamp": AT}));
    let answer = app.predict(&card(json!(42))).await;
    assert_eq!(answer.text, r#"{"fraud_probability":0.9,"is_fraud":true,"confidence":"Haute"}"#);
    assert_eq!(answer.model(), ("fraud_card", "1"));
    assert_eq!(app.probability(&card(json!("42"))).await, 0.9, "an integer and its text are one card");
    assert_eq!(app.probability(&card(json!("043"))).await, 0.1, "a card without history");

    assert_eq!(app.predict(&transaction()).await.model(), ("fraud", "1"));
    assert_eq!(app.probability(&transaction()).await, 0.6);
}

#[tokio::test]
async fn the_instant_decides_what_a_card_has_done() {
    let mut app = App::start();
    app.shelf.promote(&split_on("fraud_card", "card_count_24h", 3.0)).await;
    app.shelf.put_state(&morning()).await;
    app.look().await;
    for (timestamp, probability) in [
        ("2019-10-31 12:00:00", 0.9),
        ("2019-10-31T12:00:00Z", 0.9),
        ("2019-10-31T14:00:00+02:00", 0.9),
        ("2019-11-01 09:00:00", 0.9),
        ("2019-11-01 09:00:01", 0.1),
    ] {
        let request = transaction_with(json!({"card_id": 42, "timestamp": timestamp}));
        assert_eq!(app.question(&request).await, probability, "{timestamp}");
    }
    let now = transaction_with(json!({"card_id": 42}));
    assert_eq!(app.probability(&now).await, 0.1, "that morning is long ago");
}

#[tokio::test]
async fn the_hour_the_weekday_and_the_share_of_the_limit_are_those_of_the_request() {
    for (number, threshold, usual, unusual) in [
        ("hour(timestamp_ts)", 22.0, json!({"timestamp": AT}), json!({"timestamp": "2019-10-31T23:30:00+01:00"})),
        ("weekday(timestamp_ts)", 6.0, json!({"timestamp": AT}), json!({"timestamp": "2019-11-02 00:00:00"})),
        ("amount/credit_limit", 0.5, json!({"credit_limit": 1e6}), json!({"credit_limit": 100})),
    ] {
        let mut app = App::start();
        app.shelf.promote(&split_on("fraud_card", number, threshold)).await;
        app.shelf.put_state(&morning()).await;
        app.look().await;
        let ask = |mut request: serde_json::Value| {
            request["card_id"] = json!(42);
            transaction_with(request)
        };
        assert_eq!(app.probability(&ask(usual)).await, 0.1, "{number}");
        assert_eq!(app.probability(&ask(unusual)).await, 0.9, "{number}");
    }
}

#[tokio::test]
async fn asking_leaves_no_trace() {
    let mut app = App::start();
    app.shelf.promote(&split_on("fraud_card", "card_count_24h", 4.0)).await;
    app.shelf.put_state(&morning()).await;
    app.look().await;
    for timestamp in [AT, "2026-01-01 00:00:00", AT, AT] {
        let request = transaction_with(json!({"card_id": 42, "timestamp": timestamp, "errors": "Bad PIN"}));
        assert_eq!(app.probability(&request).await, 0.1);
    }
}

#[tokio::test]
async fn merchants_categories_and_states_are_known_by_what_they_did() {
    let mut app = App::start();
    let online = vec![Purchase { state: "ONLINE", ..purchase("2019-10-31T11:30:00Z") }];
    let fraud = vec![Purchase { is_fraud: true, ..purchase("2019-10-01T00:00:00Z") }];
    for (signal, threshold, purchases, usual, unusual) in [
        ("is_new_merchant", 0.5, morning(), json!({"merchant_id": 7}), json!({"merchant_id": "8"})),
        ("is_state_change", 0.5, morning(), json!({"merchant_state": "CA"}), json!({"merchant_state": "NY"})),
        ("is_state_change", 0.5, online, json!({"merchant_state": ""}), json!({"merchant_state": "CA"})),
        ("merchant_fraud_rate", 0.005, fraud.clone(), json!({"merchant_id": 8}), json!({"merchant_id": "7"})),
        ("mcc_fraud_rate", 0.005, fraud, json!({"mcc": null}), json!({"mcc": 5411})),
    ] {
        app.shelf.promote(&split_on("fraud_card", signal, threshold)).await;
        app.shelf.put_state(&purchases).await;
        app.look().await;
        for (changes, probability) in [(usual, 0.1), (unusual, 0.9)] {
            let mut request = transaction_with(changes);
            request["card_id"] = 42.into();
            request["timestamp"] = AT.into();
            assert_eq!(app.probability(&request).await, probability, "{signal}: {request}");
        }
    }
}

#[tokio::test]
async fn a_new_state_changes_the_score() {
    let mut app = App::start();
    app.shelf.promote(&split_on("fraud_card", "card_count_24h", 3.0)).await;
    app.shelf.put_state(&morning()[..2]).await;
    app.look().await;
    let request = transaction_with(json!({"card_id": 42, "timestamp": AT}));
    assert_eq!(app.probability(&request).await, 0.1);
    app.shelf.put_state(&morning()).await;
    assert_eq!(app.probability(&request).await, 0.1, "nobody has looked yet");
    app.look().await;
    assert_eq!(app.probability(&request).await, 0.9);
    assert_eq!(app.get("/model/info").await.json()["models"][0]["online_state"]["number"], 2);
}

#[tokio::test]
async fn without_a_card_model_or_a_state_a_card_gets_no_score() {
    let mut app = App::start();
    app.shelf.promote(&constant("fraud", 0.6)).await;
    app.look().await;
    let request = transaction_with(json!({"card_id": 42}));
    let refused = |answer: Answer| {
        let (status, code, detail) = answer.problem();
        assert_eq!((status, code.as_str()), (503, "no_card_model"));
        assert!(detail.starts_with("a score for a card needs a promoted model `fraud_card`"), "{detail}");
    };
    refused(app.predict(&request).await);
    app.shelf.promote(&constant("fraud_card", 0.7)).await;
    app.look().await;
    refused(app.predict(&request).await);
    assert_eq!(app.probability(&transaction()).await, 0.6, "other requests go on");
    app.shelf.put_state(&[]).await;
    app.look().await;
    assert_eq!(app.probability(&request).await, 0.7);
}

#[tokio::test]
async fn a_version_and_the_signals_it_needs_are_swapped_together() {
    let mut app = App::start();
    app.shelf.promote(&constant("fraud_card", 0.7)).await;
    app.shelf.put_state(&[]).await;
    app.look().await;
    let request = transaction_with(json!({"card_id": 42, "timestamp": AT}));

    let mut fewer = signals();
    let gone = fewer.entities[0].signals.pop().expect("signal");
    app.shelf.put_state_of(&fewer, &[]).await;
    app.look().await;
    let info = app.get("/model/info").await.json();
    assert_eq!(info["models"][0]["online_state"]["number"], 1, "the model asks for `{}`", gone.name);
    assert_eq!(app.probability(&request).await, 0.7);

    app.shelf.put_state(&morning()).await;
    app.shelf.promote(&split_on("fraud_card", "card_count_24h", 3.0)).await;
    app.look().await;
    assert_eq!(app.predict(&request).await.model(), ("fraud_card", "2"));
    assert_eq!(app.probability(&request).await, 0.9);
}
