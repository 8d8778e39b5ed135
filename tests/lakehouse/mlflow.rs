//! Models in a real MLflow server, looked at through its own client: what is trained is there, what is promoted and rolled back
//! is there too, and a server that is away holds nothing up.

use std::{fs, process::Command};

use serde_json::Value;

use crate::{components::OwnService, program::Workspace};

const EXPERIMENT: &str = "fraud models";

/// What MLflow's client sees.
fn seen(service: &OwnService) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lakehouse/mlflow.py");
    let mut command = Command::new(service.value("SERVICE_MLFLOW_PYTHON"));
    let output = command.args([script, service.value("SERVICE_MLFLOW"), EXPERIMENT]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The version as MLflow has it is the version as the registry has it.
fn agrees(workspace: &Workspace, theirs: &Value, model: &str, number: u32) {
    let ours = workspace.lakehouse(&["models", "show", model, &number.to_string(), "--json"]).good().json();
    let files = ours["files"].as_array().unwrap();
    assert_eq!(theirs["status"], "FINISHED");
    assert_eq!(theirs["files"].as_object().unwrap().len(), files.len() + 1, "and the record: {}", theirs["files"]);
    for file in files {
        assert_eq!(theirs["files"][file["name"].as_str().unwrap()], file["sha256"], "{file}");
    }
    let digest = files.iter().find(|file| file["name"] == "manifest.json").unwrap()["sha256"].as_str().unwrap();
    let manifest = fs::read(workspace.lake().join("registry/artifacts").join(digest)).unwrap();
    let description = &serde_json::from_slice::<Value>(&manifest).unwrap()["description"];
    let numbers = theirs["metrics"].as_object().unwrap();
    for (path, number) in numbers {
        let ours = &description["metrics"].pointer(&format!("/{}", path.replace('.', "/"))).unwrap();
        assert_eq!(number.as_f64(), ours.as_f64(), "{path}");
    }
    for name in ["average_precision.value", "roc_auc.interval.high", "alert_rates.0.recall", "calibration_error", "brier"] {
        assert!(numbers.contains_key(name), "{name}: {numbers:?}");
    }
    assert_eq!((&theirs["params"]["family"], &theirs["params"]["seed"]), (&description["family"], &"42".into()));
    for (table, version) in ours["manifest"]["made_from"]["tables"].as_object().unwrap() {
        assert_eq!(theirs["tags"][format!("lakehouse.table.{table}")], version.to_string());
    }
    assert_eq!(theirs["tags"]["lakehouse.code_version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(theirs["tags"]["lakehouse.run"], ours["manifest"]["run"]);
}

#[test]
fn versions_and_their_aliases_are_in_mlflow_even_if_it_was_away_for_a_while() {
    let mut service = OwnService::start("mlflow");
    let workspace = Workspace::with_sample(20_000)
        .with_environment("LAKEHOUSE_MLFLOW__TRACKING_URI", service.value("SERVICE_MLFLOW"))
        .with_environment("LAKEHOUSE_MLFLOW__EXPERIMENT", EXPERIMENT);
    let first = workspace.run_with_training().good();
    assert!(!first.stderr().contains("MLflow"), "{}", first.stderr());
    let told = seen(&service);
    for model in ["fraud", "fraud_card"] {
        agrees(&workspace, &told["models"][model]["versions"]["1"], model, 1);
        assert_eq!(told["models"][model]["aliases"]["champion"], "1");
    }

    service.down();
    workspace.generate(&["--transactions", "21000", "--seed", "7"]);
    let away = workspace.run_with_training().good();
    let advice = "`lakehouse models export fraud` sends it again";
    assert!(away.stderr().contains("MLflow has not been told") && away.stderr().contains(advice), "{}", away.stderr());
    let promoted = workspace.lakehouse(&["models", "promote", "fraud", "2"]).good();
    assert!(promoted.stderr().contains(advice), "{}", promoted.stderr());
    let refused = workspace.lakehouse(&["models", "export"]).bad().stderr();
    assert!(refused.contains("failed to export `fraud`") && refused.contains("MLflow did not answer"), "{refused}");

    service.up();
    let export = || workspace.lakehouse(&["models", "export", "fraud"]).good().stdout();
    assert_eq!(export(), "fraud: new to MLflow are 1 versions and 1 moves of aliases\n");
    assert_eq!(export(), "fraud: new to MLflow are 0 versions and 0 moves of aliases\n", "sent twice is sent once");
    let told = seen(&service);
    agrees(&workspace, &told["models"]["fraud"]["versions"]["2"], "fraud", 2);
    assert_eq!(told["models"]["fraud"]["aliases"]["champion"], "2");
    assert_eq!(told["runs"], 3, "{told:#}");

    for (arguments, champion) in [(&["promote", "fraud", "1"][..], "1"), (&["rollback", "fraud"], "2")] {
        workspace.lakehouse(&[&["models"], arguments].concat()).good();
        assert_eq!(seen(&service)["models"]["fraud"]["aliases"]["champion"], champion, "{arguments:?}");
    }
}
