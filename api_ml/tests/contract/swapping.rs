use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::Router;
use bytes::Bytes;
use lakehouse_models::{FORM_FILE, MANIFEST_FILE};
use lakehouse_registry::AliasName;
use serde_json::json;

use crate::{
    app::{App, post, send, transaction, transaction_with},
    shelf::{constant, constant_of, features},
};

/// Asks again and again, at least `least` times and until version 2 has answered; gives how often each version did.
async fn ask(router: Router, answered: Arc<AtomicUsize>, least: usize) -> BTreeMap<String, usize> {
    let body = transaction().to_string();
    let mut seen = BTreeMap::<String, usize>::new();
    while seen.values().sum::<usize>() < least || !seen.contains_key("2") {
        let answer = send(&router, post("/predict", body.clone())).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let version = answer.model().1.to_owned();
        let expected = if version == "1" { 0.25 } else { 0.75 };
        assert_eq!(answer.json()["fraud_probability"], expected, "head and body are of one version");
        *seen.entry(version).or_default() += 1;
        answered.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_drops_no_request() {
    let mut app = App::start();
    app.shelf.promote(&constant("fraud", 0.25)).await;
    app.look().await;
    let answered = Arc::new(AtomicUsize::new(0));
    let client = |_| tokio::spawn(ask(app.router.clone(), Arc::clone(&answered), 50));
    let clients: Vec<_> = (0..10).map(client).collect();
    while answered.load(Ordering::Relaxed) < 100 {
        tokio::task::yield_now().await;
    }
    app.shelf.promote(&constant("fraud", 0.75)).await;
    app.look().await;
    let mut seen = BTreeMap::<String, usize>::new();
    for client in clients {
        for (version, count) in client.await.expect("no request failed") {
            *seen.entry(version).or_default() += count;
        }
    }
    assert!(seen["1"] >= 90 && seen["2"] >= 10 && seen.values().sum::<usize>() >= 500, "{seen:?}");
}

#[tokio::test]
async fn a_version_that_is_no_model_is_refused_and_the_old_one_serves() {
    let mut app = App::start();
    app.shelf.promote(&constant("fraud", 0.25)).await;
    app.look().await;
    let good = constant("fraud", 0.75).to_files().expect("files");
    let file = |name: &str| good.iter().find(|(known, _)| *known == name).expect(name).1.clone();
    let (manifest, form) = (file(MANIFEST_FILE), file(FORM_FILE));
    let named = |name: &str, bytes: &[u8]| (name.to_owned(), Bytes::copy_from_slice(bytes));
    for files in [
        vec![named(MANIFEST_FILE, &manifest)],
        vec![named(MANIFEST_FILE, b"{}"), named(FORM_FILE, &form)],
        vec![named(MANIFEST_FILE, &manifest), named(FORM_FILE, &form[..form.len() / 2])],
        vec![named(MANIFEST_FILE, &manifest), named(FORM_FILE, &[form.as_slice(), b" "].concat())],
    ] {
        app.shelf.promote_files("fraud", files).await;
        app.look().await;
        app.look().await;
        assert_eq!(app.predict(&transaction()).await.model(), ("fraud", "1"));
    }
    let version = app.shelf.promote(&constant("fraud", 0.75)).await;
    app.look().await;
    assert_eq!((version, app.probability(&transaction()).await), (6, 0.75), "the next good one is taken");
}

#[tokio::test]
async fn a_version_that_was_damaged_in_the_store_is_refused() {
    let mut app = App::start();
    app.shelf.promote(&constant("fraud", 0.25)).await;
    app.look().await;
    let artifacts = app.shelf.folder.path().join("artifacts");
    let known: Vec<_> = std::fs::read_dir(&artifacts).expect("artifacts").map(|entry| entry.expect("entry").path()).collect();
    app.shelf.promote(&constant("fraud", 0.75)).await;
    for entry in std::fs::read_dir(&artifacts).expect("artifacts") {
        let path = entry.expect("entry").path();
        if !known.contains(&path) {
            let mut bytes = std::fs::read(&path).expect("read");
            bytes[10] ^= 1;
            std::fs::write(&path, bytes).expect("write");
        }
    }
    app.look().await;
    assert_eq!(app.predict(&transaction()).await.model(), ("fraud", "1"));
}

#[tokio::test]
async fn a_version_that_asks_for_what_requests_do_not_have_is_refused() {
    let mut app = App::start();
    app.shelf.promote(&constant("fraud", 0.25)).await;
    app.look().await;
    // Unknown, of another kind, and an identifier, which is only compared.
    for renamed in ["amount_cents", "card_brand", "tx_card_id"] {
        let mut features = features("fraud");
        features.retain(|feature| feature.column.as_str() != renamed);
        let feature = features.iter_mut().find(|feature| feature.column.as_str() == "amount").expect("amount");
        feature.column = renamed.parse().expect("name");
        app.shelf.promote(&constant_of("fraud", &features, 0.75)).await;
        app.look().await;
        assert_eq!(app.predict(&transaction()).await.model(), ("fraud", "1"), "{renamed}");
    }
}

#[tokio::test]
async fn a_state_that_cannot_be_read_is_refused_and_the_old_one_serves() {
    let mut app = App::start();
    app.shelf.promote(&constant("fraud_card", 0.25)).await;
    app.shelf.put_state(&[]).await;
    app.look().await;
    app.shelf.put_bytes(b"lkonline and then nothing".to_vec()).await;
    app.shelf.promote(&constant("fraud_card", 0.75)).await;
    app.look().await;
    assert_eq!(app.probability(&transaction_with(json!({"card_id": 42}))).await, 0.75, "the new version, the old state");
    assert_eq!(app.get("/model/info").await.json()["models"][0]["online_state"]["number"], 1);
}

#[tokio::test]
async fn a_rollback_is_followed() {
    let mut app = App::start();
    app.shelf.promote(&constant("fraud", 0.25)).await;
    app.shelf.promote(&constant("fraud", 0.75)).await;
    app.look().await;
    assert_eq!(app.probability(&transaction()).await, 0.75);
    let model = "fraud".parse().expect("name");
    app.shelf.registry().rollback(&model, &AliasName::champion()).await.expect("rollback");
    app.look().await;
    assert_eq!(app.probability(&transaction()).await, 0.25);
}
