//! Lakes in buckets: the same program, the same results, on two stores.

use std::{fs, time::Instant};

use serde_json::json;

use crate::{
    components::Bucket,
    control::{scheduler, wait_for},
    database::Database,
    program::{Workspace, contents},
    services::Served,
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

/// A run that fails, is gone on with, published, taken back, run again and then run by the schedule: the same on disk.
#[test]
fn what_goes_wrong_in_a_bucket_is_made_good_as_on_disk() {
    const MART: &str = "datamarts/dm_client_velocity.sql";
    const MARTS: usize = 7;
    for store in Bucket::all() {
        let (database, whole) = (Database::new(), Workspace::with_sample(3_000));
        whole.run().good();
        let workspace = Workspace::with_sample(3_000).in_bucket(&store);
        let workspace = workspace.with_environment("LAKEHOUSE_PUBLISH_DATABASE_URL", &database.url());

        workspace.edit_domain(MART, "avg(", "no_such_function(");
        workspace.run_edited().bad();
        workspace.edit_domain(MART, "avg(", "avg(");
        let resume = ["resume", "fraud", "--domains", "domains", "--sources", "sources", "--skip-training", "--json"];
        let report = workspace.lakehouse(&resume).good().json();
        assert!(report["tables"].as_array().unwrap().iter().all(|table| table["table"] != "silver.transactions"), "{report:#}");
        assert_eq!(contents(&workspace), contents(&whole), "{}", store.name);

        let published = workspace.lakehouse(&["publish", "fraud"]).good().stdout();
        assert_eq!(published.matches("unchanged").count(), MARTS, "{published}");
        let clients = "select count(*) as n from fraud.dm_client_features";
        assert_eq!(database.lines(clients), [workspace.value(&clients.replace("fraud.", "gold."))]);

        let text = fs::read_to_string(workspace.source("transactions_data.csv")).unwrap();
        let head = text.lines().next().unwrap();
        let (_, first) = text.lines().nth(1).unwrap().split_once(',').unwrap();
        fs::write(workspace.source("transactions_data_2.csv"), format!("{head}\n999999999,{first}\n")).unwrap();
        workspace.run().good();
        let added = contents(&workspace);
        let count = ["sql", "select count(*) as n from bronze.transactions", "--format", "csv", "--at"];
        assert_eq!(workspace.lakehouse(&[&count[..], &["0"]].concat()).good().stdout(), "n\n3000\n");
        let told = workspace.lakehouse(&["restore", "fraud", "bronze.transactions", "--to", "0", "--yes"]).good().stdout();
        assert!(told.contains("which is version 0 again"), "{told}");
        assert_eq!(workspace.value(count[1]), "3000");

        let served = Served::start(&workspace);
        let (_, asked) = served.post(&format!("{}/runs", served.api), &json!({"domain": "fraud", "skip_training": true}));
        let _schedule = scheduler(&workspace);
        let request = format!("{}/runs/requests/{}", served.api, asked["request"].as_str().unwrap());
        let run = wait_for(|| served.get(&request).1["run"].as_str().map(str::to_owned));
        let run = format!("{}/runs/{run}", served.api);
        wait_for(|| Some(served.get(&run).1).filter(|run| run["status"] == "succeeded"));
        assert_eq!((workspace.value(count[1]), contents(&workspace)), ("3001".to_owned(), added), "{}", store.name);
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
