//! Models of scikit-learn, LightGBM and XGBoost as their exporters write them, against onnxruntime's own answers
//! (`tests/golden/make_onnx.py`). A quarter of the rows lies on thresholds of the trees, or just beside them.

use std::{fs, path::PathBuf};

use lakehouse_models::{Field, Model, ScoringForm};
use lakehouse_onnx::{Import, SampleRow};
use serde_json::{Value, json};

pub fn golden(name: &str) -> Vec<u8> {
    fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

/// The rows, with what onnxruntime gives them for a model.
pub fn import(model: &str) -> Import {
    let golden: Value = serde_json::from_slice(&golden("rows.json")).unwrap();
    let columns: Vec<&str> = golden["columns"].as_array().unwrap().iter().map(|column| column.as_str().unwrap()).collect();
    let inputs: Vec<Value> =
        columns.iter().map(|name| json!({"name": name, "kind": "number", "nullable": *name == "credit_score"})).collect();
    let features: Vec<Value> = columns.iter().map(|name| json!([name, {"transform": "number"}])).collect();
    let rows = golden["rows"].as_array().unwrap();
    let row = |(position, row): (usize, &Value)| {
        let score = golden["expected"][model][position].as_f64()?;
        let values: Vec<Field> = serde_json::from_value(row.clone()).unwrap();
        Some(SampleRow { values, score, label: golden["labels"][position] == 1 })
    };
    Import {
        about: "a test".to_owned(),
        threshold: None,
        encoder: serde_json::from_value(json!({"inputs": inputs, "features": features})).unwrap(),
        sample: rows.iter().enumerate().filter_map(row).collect(),
    }
}

#[test]
fn models_of_three_libraries_score_as_the_reference_runtime_says() {
    for name in ["sklearn_forest", "sklearn_boosting", "sklearn_logistic", "lightgbm", "xgboost"] {
        let file = golden(&format!("{name}.onnx"));
        let import = import(name);
        // A weighted sum has no answer where a number is absent; trees have.
        let rows = import.sample.len();
        assert!(rows > 1_000, "{name}: {rows}");
        let imported = import.read("fraud", &file).unwrap_or_else(|error| panic!("{name}: {error}"));
        // A single wrong turn in a tree would be a hundred times as much.
        assert!(imported.max_difference < 1e-6, "{name}: {}", imported.max_difference);
        println!("{name}: {rows} rows, at most {:e} apart", imported.max_difference);
    }
}

#[test]
fn an_imported_model_is_a_model_like_any_other() {
    for name in ["sklearn_forest", "sklearn_logistic", "lightgbm", "xgboost"] {
        let sample = import(name).sample;
        let model = import(name).read("fraud", &golden(&format!("{name}.onnx"))).unwrap().model;
        let files = model.to_files().unwrap();
        let loaded = Model::load(&files[0].1, &files[1].1).unwrap();
        assert_eq!(loaded, model);
        let description = &model.manifest().description;
        assert_eq!(description.family, "onnx");
        assert_eq!(description.metrics.rows, sample.len());
        assert_eq!(description.inputs.len(), 4);
        for row in sample.iter().step_by(97) {
            let record: std::collections::BTreeMap<String, Field> =
                model.inputs().iter().map(|input| input.name.clone()).zip(row.values.iter().cloned()).collect();
            let explained = model.explain(&record).unwrap();
            let sum: f64 = explained.base + explained.inputs.iter().map(|input| input.contribution).sum::<f64>();
            assert!((sum - explained.total).abs() < 1e-9, "{name}");
            assert!((model.form().probability(explained.total) - row.score).abs() < 1e-5, "{name}");
        }
    }
}

#[test]
fn what_explanations_are_measured_against_is_the_sample() {
    let import = import("xgboost");
    let rows = import.sample.len() as f64;
    let mean_log_odds = import.sample.iter().map(|row| (row.score / (1.0 - row.score)).ln()).sum::<f64>() / rows;
    let sample = import.sample.clone();
    let model = import.read("fraud", &golden("xgboost.onnx")).unwrap().model;
    assert!(matches!(model.form(), ScoringForm::Forest(_)));
    let record: std::collections::BTreeMap<String, Field> =
        model.inputs().iter().map(|input| input.name.clone()).zip(sample[0].values.iter().cloned()).collect();
    let base = model.explain(&record).unwrap().base;
    // But for the half row that every leaf gets.
    assert!((base - mean_log_odds).abs() < 0.05, "{base}, {mean_log_odds}");
}
