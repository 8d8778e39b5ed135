//! A version in MLflow's words: parameters, metrics and tags.

use std::collections::BTreeMap;

use lakehouse_models::{Manifest, Metrics};
use lakehouse_registry::ModelVersion;
use serde_json::{Value, json};

/// The tags a version's run is known by.
pub const MODEL: &str = "lakehouse.model";
pub const VERSION: &str = "lakehouse.version";
pub const REGISTERED_AT: &str = "lakehouse.registered_at";

/// Characters of a parameter that MLflow takes.
const MAX_PARAMETER: usize = 6_000;
/// Characters of a tag that it takes.
const MAX_TAG: usize = 5_000;
/// Members of the metrics that are tables of their own: the whole manifest is among the run's files.
const TABLES: [&str; 2] = ["curve", "reliability"];

/// What identifies a version, in any registry.
pub fn identity(version: &ModelVersion) -> BTreeMap<String, String> {
    BTreeMap::from([
        (MODEL.to_owned(), version.model.to_string()),
        (VERSION.to_owned(), version.version.to_string()),
        (REGISTERED_AT.to_owned(), version.created_at.to_string()),
    ])
}

/// Identity and lineage: the run, the code, and the version of every table that was read.
pub fn tags(version: &ModelVersion, manifest: &Manifest) -> BTreeMap<String, String> {
    let description = &manifest.description;
    let mut tags = identity(version);
    let mut add = |key: String, value: &str| tags.insert(key, value.chars().take(MAX_TAG).collect());
    add("mlflow.source.type".to_owned(), "JOB");
    add("mlflow.source.name".to_owned(), "lakehouse");
    add("mlflow.note.content".to_owned(), &description.about);
    add("lakehouse.code_version".to_owned(), &description.source.code_version);
    add("lakehouse.schema_hash".to_owned(), &manifest.schema_hash);
    add("lakehouse.form_sha256".to_owned(), &manifest.form_sha256);
    if let Some(run) = version.manifest["run"].as_str() {
        add("lakehouse.run".to_owned(), run);
    }
    if let Some(sentence) = version.manifest["verdict"]["sentence"].as_str() {
        add("lakehouse.verdict".to_owned(), sentence);
    }
    for (table, at) in &description.source.tables {
        add(format!("lakehouse.table.{table}"), &at.to_string());
    }
    tags
}

/// The family, what it was fitted with, and on which rows.
pub fn parameters(manifest: &Manifest) -> BTreeMap<String, String> {
    let description = &manifest.description;
    let text = |value: &Value| match value {
        Value::String(text) => text.chars().take(MAX_PARAMETER).collect(),
        other => other.to_string().chars().take(MAX_PARAMETER).collect::<String>(),
    };
    let mut parameters: BTreeMap<String, String> =
        description.parameters.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    let split = &description.split;
    for (name, value) in [
        ("family", json!(description.family)),
        ("seed", json!(description.seed)),
        ("threshold", json!(manifest.serving.threshold.unwrap_or(lakehouse_models::DEFAULT_THRESHOLD))),
        ("inputs", json!(manifest.encoder.inputs().len())),
        ("train_rows", json!(split.train.rows)),
        ("train_positives", json!(split.train.positives)),
        ("test_rows", json!(split.test.rows)),
        ("test_positives", json!(split.test.positives)),
    ] {
        // A family's own parameter of that name says more.
        parameters.entry(name.to_owned()).or_insert_with(|| text(&value));
    }
    parameters
}

/// Every number of the metrics by its path, as in `average_precision.interval.low` or `alert_rates.0.recall`.
pub fn metrics(metrics: &Metrics) -> BTreeMap<String, f64> {
    let mut numbers = BTreeMap::new();
    flatten(String::new(), &json!(metrics), &mut numbers);
    numbers
}

fn flatten(path: String, value: &Value, numbers: &mut BTreeMap<String, f64>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(name, _)| !TABLES.contains(&name.as_str())) {
                flatten(below(name), member, numbers);
            }
        }
        Value::Array(elements) => {
            for (position, element) in elements.iter().enumerate() {
                flatten(below(&position.to_string()), element, numbers);
            }
        }
        Value::Number(number) => {
            numbers.extend(number.as_f64().map(|number| (path, number)));
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}
