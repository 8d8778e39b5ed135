//! Bodies and artifacts that nobody meant: every one is answered or refused, none breaks anything.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Float64Array, RecordBatch, StringArray},
    ipc::writer::StreamWriter,
};
use axum::http::Request;
use lakehouse_models::{FORM_FILE, MANIFEST_FILE, Model};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::{
    app::{App, send, transaction, transaction_with},
    shelf::{Shelf, constant, split_on},
};

const CASES: u32 = 1_500;
/// Damaged artifacts.
const ARTIFACTS: u32 = 10_000;

/// Bytes of a right body with some of them changed, cut or doubled; or any bytes at all.
fn mutated(right: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = right.len();
    let changes = prop::collection::vec((0..length, any::<u8>(), 0..4_u8), 1..6);
    let damaged = changes.prop_map(move |changes| {
        let mut bytes = right.clone();
        for (at, byte, how) in changes {
            let at = at.min(bytes.len().saturating_sub(1));
            match how {
                0 if !bytes.is_empty() => bytes[at] = byte,
                1 => bytes.truncate(at),
                2 => bytes.insert(at, byte),
                _ => bytes.extend_from_within(at..),
            }
        }
        bytes
    });
    prop_oneof![9 => damaged, 1 => prop::collection::vec(any::<u8>(), 0..300)]
}

fn stream() -> Vec<u8> {
    let numbers = |value: f64| Arc::new(Float64Array::from(vec![value; 3])) as ArrayRef;
    let texts = |value: &str| Arc::new(StringArray::from(vec![value; 3])) as ArrayRef;
    let columns = [
        ("amount", numbers(1.0)),
        ("card_brand", texts("Visa")),
        ("card_type", texts("Credit")),
        ("merchant_state", texts("CA")),
        ("use_chip", texts("no")),
        ("credit_limit", numbers(5.0)),
        ("per_capita_income", numbers(5.0)),
        ("yearly_income", numbers(5.0)),
        ("total_debt", numbers(5.0)),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("batch");
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).expect("writer");
    writer.write(&batch).expect("write");
    writer.into_inner().expect("stream")
}

#[test]
fn no_body_breaks_a_parser() {
    let runtime = Runtime::new().expect("runtime");
    let app = runtime.block_on(async {
        // Not on disk for every case: what is asked here is how bodies are read.
        let mut app = App::over(Shelf::new(), |settings| settings.predictions = lakehouse_settings::PredictionLog::Off);
        app.shelf.promote(&constant("fraud", 0.25)).await;
        app.shelf.promote(&constant("fraud_card", 0.5)).await;
        app.shelf.put_state(&[]).await;
        app.look().await;
        app
    });
    let card = transaction_with(
        json!({"card_id": "x", "merchant_id": 7, "mcc": null, "timestamp": "2019-10-31 12:00:00", "errors": "Bad PIN"}),
    );
    let tensors = json!({"inputs": [{"name": "amount", "shape": [1], "datatype": "FP64", "data": [1.0]}, {"name": "card_brand", "shape": [1, 1], "datatype": "BYTES", "data": [["Visa"]]}]});
    let targets = [
        ("/predict?record=false", "application/json", transaction().to_string().into_bytes()),
        ("/explain", "application/json", card.to_string().into_bytes()),
        (
            "/predict/batch?record=false",
            "application/json",
            json!({"transactions": [transaction(), card]}).to_string().into_bytes(),
        ),
        ("/predict/batch?record=false", "application/x-ndjson", format!("{}\n{card}\n", transaction()).into_bytes()),
        ("/predict/batch?record=false", "application/vnd.apache.arrow.stream", stream()),
        ("/v2/models/fraud/infer", "application/json", tensors.to_string().into_bytes()),
        ("/transactions", "application/json", b"{\"transaction_id\": 1}".to_vec()),
    ];
    for (path, kind, right) in targets {
        let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
        let outcome = runner.run(&mutated(right), |body| {
            let request = Request::post(path).header("content-type", kind).body(body.into()).expect("request");
            let status = runtime.block_on(app.status(request));
            prop_assert!(status < 500, "{path} {kind}: {status}");
            Ok(())
        });
        outcome.expect("no body breaks it");
        println!("{CASES} bodies for {path} as {kind}: none gave a 5xx");
    }
    let answer = runtime.block_on(send(&app.router, crate::app::post("/predict", transaction().to_string())));
    assert_eq!(answer.status, 200, "and the service goes on");
}

#[test]
fn no_damage_to_an_artifact_is_taken_for_a_model() {
    let model = split_on("fraud", "credit_limit", 100.0);
    let files = model.to_files().expect("files");
    let bytes = |name: &str| files.iter().find(|(file, _)| *file == name).expect(name).1.clone();
    let (manifest, form) = (bytes(MANIFEST_FILE), bytes(FORM_FILE));
    let mut runner = TestRunner::new(Config { cases: ARTIFACTS, failure_persistence: None, ..Config::default() });
    let strategy = (any::<bool>(), mutated(manifest.clone()), mutated(form.clone()));
    let outcome = runner.run(&strategy, |(is_form, bad_manifest, bad_form)| {
        if is_form {
            // Its digest stands in the manifest.
            prop_assert!(bad_form == form || Model::load(&manifest, &bad_form).is_err());
        } else if let Ok(loaded) = Model::load(&bad_manifest, &form) {
            // Damage that only changes words or spaces leaves a model, and it scores as it says it must.
            prop_assert_eq!(loaded.manifest().form_sha256.as_str(), model.manifest().form_sha256.as_str());
        }
        Ok(())
    });
    outcome.expect("no damage is taken for a model");
    println!("{ARTIFACTS} damaged artifacts");
}
