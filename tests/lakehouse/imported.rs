//! A model of another library, brought in by the command.

use std::fs;

use serde_json::{Value, json};

use crate::program::Workspace;

fn golden(name: &str) -> String {
    format!("{}/crates/onnx/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_model_of_another_library_becomes_a_version_if_its_sample_scores_as_it_should() {
    let rows: Value = serde_json::from_slice(&fs::read(golden("rows.json")).unwrap()).unwrap();
    let columns: Vec<&str> = rows["columns"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let values = rows["rows"].as_array().unwrap().iter().enumerate().take(200);
    let sample = values.map(
        |(row, values)| json!({"values": values, "score": rows["expected"]["lightgbm"][row], "label": rows["labels"][row] == 1}),
    );
    let with = json!({
        "about": "is a purchase fraud?",
        "threshold": 0.8,
        "encoder": {
            "inputs": columns.iter().map(|name| json!({"name": name, "kind": "number", "nullable": *name == "credit_score"})).collect::<Vec<_>>(),
            "features": columns.iter().map(|name| json!([name, {"transform": "number"}])).collect::<Vec<_>>(),
        },
        "sample": sample.collect::<Vec<_>>(),
    });
    let workspace = Workspace::new();
    fs::write(workspace.path().join("with.json"), with.to_string()).unwrap();
    let import = |file: &str| workspace.lakehouse(&["models", "import", "fraud", "--onnx", &golden(file), "--with", "with.json"]);

    let refused = import("xgboost.onnx").bad().stderr();
    assert!(refused.contains("xgboost.onnx was not imported") && refused.contains("is the most that is accepted"), "{refused}");
    let refused = import("sklearn_network.onnx").bad().stderr();
    assert!(refused.contains("is not supported: supported are trees and linear classifiers"), "{refused}");
    let said = import("lightgbm.onnx").good().stdout();
    assert!(said.starts_with("fraud version 1: 200 sample rows score as they should, at most "), "{said}");
    workspace.lakehouse(&["models", "promote", "fraud", "1"]).good();
    let shown = workspace.lakehouse(&["models", "show", "fraud"]).good().stdout();
    assert!(shown.starts_with("fraud version 1, the champion: is a purchase fraud?") && shown.contains("family onnx"), "{shown}");
    assert!(shown.contains("file model.onnx"), "{shown}");
}
