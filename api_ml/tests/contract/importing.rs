//! Models that were fitted elsewhere: uploaded as ONNX, promoted, and asked like any other.

use std::{fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lakehouse_registry::AliasName;
use serde_json::{Value, json};

use crate::{app::App, app::transaction, shelf::constant};

fn golden(name: &str) -> Vec<u8> {
    fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crates/onnx/tests/golden").join(name)).expect(name)
}

/// A model as its exporter wrote it, with rows and what onnxruntime gave them (`make_onnx.py`).
fn upload(model: &str) -> Value {
    let rows: Value = serde_json::from_slice(&golden("rows.json")).expect("JSON");
    let columns: Vec<&str> = rows["columns"].as_array().expect("list").iter().filter_map(Value::as_str).collect();
    let inputs: Vec<Value> =
        columns.iter().map(|name| json!({"name": name, "kind": "number", "nullable": *name == "credit_score"})).collect();
    let features: Vec<Value> = columns.iter().map(|name| json!([name, {"transform": "number"}])).collect();
    let values = rows["rows"].as_array().expect("list").iter().enumerate();
    let known = values.filter(|(row, _)| rows["expected"][model][row].is_number());
    let sample = known
        .map(|(row, values)| json!({"values": values, "score": rows["expected"][model][row], "label": rows["labels"][row] == 1}))
        .take(300);
    json!({
        "onnx": STANDARD.encode(golden(&format!("{model}.onnx"))),
        "about": "a model of somebody else",
        "encoder": {"inputs": inputs, "features": features},
        "sample": sample.collect::<Vec<_>>(),
    })
}

/// A transaction with the values of a sample row.
fn asked(row: &Value) -> Value {
    let mut transaction = transaction();
    for (position, name) in ["amount", "credit_limit", "total_debt", "credit_score"].iter().enumerate() {
        transaction[*name] = row["values"][position].clone();
    }
    transaction
}

#[tokio::test]
async fn a_model_of_another_library_is_uploaded_promoted_and_asked() {
    let mut app = App::start();
    app.shelf.promote(&constant("fraud", 0.25)).await;
    app.look().await;
    for (position, model) in ["sklearn_forest", "sklearn_logistic", "lightgbm", "xgboost"].iter().enumerate() {
        let upload = upload(model);
        let version = 2 + position as u32;
        for _ in 0..2 {
            let answer = app.post("/models/fraud/versions", upload.to_string()).await;
            assert_eq!(answer.status, 201, "{model}: {}", answer.text);
            let imported = answer.json();
            assert_eq!(imported["version"]["version"], version, "the same file again is the same version");
            assert!(imported["max_difference"].as_f64().expect("number") < 1e-6);
        }
        assert_ne!(app.predict(&transaction()).await.model(), ("fraud", version.to_string().as_str()), "nothing points at it");
        app.shelf.point(&AliasName::champion(), "fraud", version).await;
        app.look().await;

        // Debts and incomes are whole cents in requests, amounts too: rows of the sample that services can be asked for.
        for row in upload["sample"].as_array().expect("list").iter().take(60) {
            let answer = app.post("/predict?record=false", asked(row).to_string()).await;
            assert_eq!((answer.status.as_u16(), answer.model().1), (200, version.to_string().as_str()), "{}", answer.text);
            let probability = answer.json()["fraud_probability"].as_f64().expect("probability");
            assert!((probability - row["score"].as_f64().expect("score")).abs() < 1e-5, "{model}: {row} {probability}");
        }
        let row = &upload["sample"][0];
        let batch = app.post("/predict/batch", json!({"transactions": [asked(row)]}).to_string()).await;
        assert_eq!(batch.status, 200, "{}", batch.text);
        let explained = app.post("/explain", asked(row).to_string()).await.json();
        let parts = explained["contributions"].as_array().expect("list").iter();
        let sum = explained["base"].as_f64().expect("base") + parts.filter_map(|part| part["contribution"].as_f64()).sum::<f64>();
        assert!((sum - explained["total"].as_f64().expect("total")).abs() < 1e-9, "{model}: {explained}");
    }
}

#[tokio::test]
async fn what_cannot_serve_is_refused_with_a_code_and_a_reason() {
    let app = App::start();
    let edited = |edit: &dyn Fn(&mut Value)| {
        let mut upload = upload("xgboost");
        edit(&mut upload);
        upload
    };
    let cases = [
        (upload("sklearn_network"), "unsupported_model", "the operator `"),
        (edited(&|upload| upload["onnx"] = "AAAA".into()), "corrupt_model", "this is no ONNX file"),
        (edited(&|upload| upload["onnx"] = "%".into()), "unprocessable", "`onnx` is not base64"),
        (edited(&|upload| upload["sample"][4]["score"] = 0.5.into()), "other_scores", "sample row 4 scores 0."),
        (edited(&|upload| upload["sample"] = json!([])), "unusable_sample", "both classes are needed"),
        (
            edited(&|upload| upload["encoder"]["features"] = json!([["amount", {"transform": "number"}]])),
            "other_inputs",
            "the file takes `rows` of 4 columns, and the declared inputs give 1 numbers: amount",
        ),
        (
            edited(&|upload| {
                upload["encoder"]["inputs"][0]["name"] = "shoe_size".into();
                upload["encoder"]["features"][0][0] = "shoe_size".into();
            }),
            "unknown_input",
            "the model cannot serve: its input `shoe_size` is neither a field of requests nor a live signal",
        ),
    ];
    for (upload, code, reason) in cases {
        let (status, found, detail) = app.post("/models/fraud/versions", upload.to_string()).await.problem();
        assert_eq!((status, found.as_str(), detail.contains(reason)), (422, code, true), "{detail}");
    }
    assert_eq!(app.get("/models/fraud/versions").await.status, 404, "none of them became a version");
}
