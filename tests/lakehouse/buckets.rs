//! Lakes in buckets: the same program, the same results, on two stores.

use std::{fs, time::Instant};

use crate::{
    components::Bucket,
    program::{Workspace, contents},
};

#[test]
fn a_lake_in_a_bucket_is_the_lake_on_disk() {
    let disk = Workspace::with_sample(60_000);
    disk.run_with_training().good();
    let (expected, models) = (contents(&disk), disk.lakehouse(&["models", "list"]).good().stdout());
    for store in Bucket::all() {
        let bucket = Workspace::with_sample(60_000).in_bucket(&store);

        bucket.run_with_training().good();

        assert_eq!(contents(&bucket), expected, "{}", store.name);
        assert_eq!(families(&bucket.lakehouse(&["models", "list"]).good().stdout()), families(&models), "{}", store.name);
        let report = bucket.run_with_training().good().json();
        assert!(report["tables"].as_array().unwrap().iter().all(|table| table["decision"] == "unchanged"), "{report:#}");
        let plan = bucket.lakehouse(&["plan", "fraud", "--sources", "sources", "--json"]).good().json();
        assert!(plan.as_array().unwrap().iter().all(|line| line["runs"] == false), "{plan:#}");
    }
}

/// Names and families of models, without the instants.
fn families(list: &str) -> Vec<Vec<&str>> {
    list.lines().map(|line| line.split_whitespace().take(3).collect()).collect()
}

#[test]
fn the_doctor_races_writers_on_the_store() {
    for store in Bucket::all() {
        let workspace = Workspace::with_sample(100).in_bucket(&store);
        let findings = workspace.lakehouse(&["doctor", "--json"]).output.stdout;
        let findings: serde_json::Value = serde_json::from_slice(&findings).unwrap();
        let store = findings.as_array().unwrap().iter().find(|finding| finding["check"] == "store").unwrap();
        assert_eq!(store["detail"], "one winner in each of 20 races of 32 writers", "{findings:#}");
    }
}

#[test]
fn credentials_come_from_files_too() {
    let store = Bucket::minio();
    let workspace = Workspace::with_sample(100).with_lake(&store.fresh_uri());
    fs::write(workspace.path().join("id"), &store.access_key).unwrap();
    fs::write(workspace.path().join("secret"), format!("{}\n", store.secret_key)).unwrap();
    let file = format!(
        "[s3]\nendpoint = \"{}\"\nallow_http = true\naccess_key_id_file = \"id\"\nsecret_access_key_file = \"secret\"\n",
        store.endpoint
    );
    fs::write(workspace.path().join("lakehouse.toml"), file).unwrap();

    workspace.run().good();

    let shown = workspace.lakehouse(&["config"]).good().stdout();
    assert!(shown.contains("secret_access_key = \"***\"") && !shown.contains(&store.secret_key), "{shown}");
}

#[test]
fn wrong_credentials_are_refused_soon_and_never_shown() {
    let store = Bucket::minio();
    let secret = "not-the-secret-of-this-store";
    let workspace = Workspace::with_sample(100).in_bucket(&store).with_environment("LAKEHOUSE_S3__SECRET_ACCESS_KEY", secret);
    let started = Instant::now();

    let ran = workspace.run().bad();

    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    assert!(!ran.stderr().contains(secret) && !ran.stderr().contains(&store.access_key), "{}", ran.stderr());
}

#[test]
fn plain_http_is_refused_unless_it_is_allowed() {
    let store = Bucket::minio();
    let workspace = Workspace::with_sample(100).in_bucket(&store).with_environment("LAKEHOUSE_S3__ALLOW_HTTP", "false");
    let ran = workspace.run();
    assert!(!ran.output.status.success());
    assert!(ran.stderr().contains("set s3.allow_http to allow it"), "{}", ran.stderr());
}

#[test]
fn a_store_that_is_not_there_is_an_error_and_not_a_wait_for_ever() {
    let workspace =
        Workspace::with_sample(100).in_bucket(&Bucket::minio()).with_environment("LAKEHOUSE_S3__ENDPOINT", "http://127.0.0.1:9");
    let started = Instant::now();
    workspace.run().bad();
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
