//! Stores and databases that die during a run, are not there, or refuse: said clearly, and made good by the next run.

use std::{
    io::{BufRead as _, BufReader},
    process::{Output, Stdio},
    time::{Duration, Instant},
};

use crate::{
    components::{Bucket, OwnService, postgres},
    program::{Ran, Workspace, contents},
};

const RUN: [&str; 5] = ["run", "fraud", "--sources", "sources", "--skip-training"];

/// Runs, and does something as soon as ingestion is done.
fn run_and(workspace: &Workspace, meanwhile: impl FnOnce()) -> Ran {
    let mut run = workspace.command(&RUN).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(run.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut told: Vec<String> = Vec::new();
    for line in stderr.by_ref() {
        told.push(line);
        if told.last().unwrap().starts_with("ingestion done") {
            break;
        }
    }
    meanwhile();
    told.extend(stderr);
    let output = Output { status: run.wait().unwrap(), stdout: Vec::new(), stderr: told.join("\n").into_bytes() };
    Ran { output }
}

#[test]
fn a_store_that_dies_during_a_run_fails_it_and_the_next_run_completes() {
    let whole = Workspace::with_sample(500);
    whole.run().good();
    let mut service = OwnService::start("minio");
    let bucket = Bucket::own(&service);
    let workspace = Workspace::with_sample(500).in_bucket(&bucket);
    let started = Instant::now();
    let failed = run_and(&workspace, || service.kill()).bad();
    assert!(started.elapsed() < Duration::from_secs(120), "{:?}", started.elapsed());
    assert!(failed.stderr().contains(&bucket.endpoint), "{}", failed.stderr());
    assert!(failed.stderr().contains("what to do: see that what answers at this address runs"), "{}", failed.stderr());

    service.up();
    assert_eq!(Bucket::own(&service).endpoint, bucket.endpoint);
    assert_eq!(workspace.value("select count(*) from bronze.transactions"), "500");
    workspace.run().good();
    assert_eq!(contents(&workspace), contents(&whole));
    println!("killed after ingestion, failed after {:?}, made good", started.elapsed());
}

#[test]
fn a_metadata_database_that_restarts_during_a_run_changes_nothing_about_it() {
    let mut service = OwnService::start("postgresql");
    let url = service.value("SERVICE_POSTGRES").to_owned();
    let workspace = Workspace::with_sample(500).with_environment("LAKEHOUSE_DATABASE_URL", &url);
    let ran = run_and(&workspace, || {
        service.kill();
        service.up();
    });
    let ran = ran.good();
    assert_eq!(service.value("SERVICE_POSTGRES"), url, "the same address");
    assert!(!ran.stderr().contains("could not be recorded"), "{}", ran.stderr());
    let runs = workspace.lakehouse(&["runs", "--json"]).good().json();
    assert_eq!(runs[0]["status"], "succeeded", "{runs:#}");
    let shown = workspace.lakehouse(&["runs", runs[0]["run"].as_str().unwrap(), "--json"]).good().json();
    assert_eq!(shown["steps"].as_array().unwrap().len(), 7 + 9, "{shown:#}");
    workspace.run().good();
}

#[test]
fn what_is_not_there_or_refuses_is_named_with_what_to_do_and_without_secrets() {
    const SECRET: &str = "not-the-secret-of-anything";
    let store = Bucket::minio();
    let server = postgres();
    let password = server.split([':', '@']).nth(2).unwrap().to_owned();
    let absent = "see that what answers at this address runs";
    let cases = [
        ("LAKEHOUSE_S3__ENDPOINT", "http://127.0.0.1:9".to_owned(), "http://127.0.0.1:9", absent),
        ("LAKEHOUSE_S3__SECRET_ACCESS_KEY", SECRET.to_owned(), "the store failed", "check s3.access_key_id and"),
        ("LAKEHOUSE_S3__ACCESS_KEY_ID", SECRET.to_owned(), "the store failed", "check s3.access_key_id and"),
        (
            "LAKEHOUSE_DATABASE_URL",
            server.replace(&password, SECRET),
            "the metadata database `postgres://",
            "LAKEHOUSE_DATABASE_URL",
        ),
        ("LAKEHOUSE_DATABASE_URL", format!("postgres://any:{SECRET}@127.0.0.1:9/any"), "127.0.0.1:9/any", absent),
    ];
    let workspaces = cases.map(|(key, value, names, advice)| {
        let workspace = Workspace::with_sample(100).in_bucket(&store).with_environment(key, &value);
        (workspace.run().bad(), names, advice)
    });
    for (ran, names, advice) in &workspaces {
        let said = ran.stderr();
        assert!(said.contains(names), "{said}");
        assert!(said.lines().last().unwrap().contains(advice), "{said}");
        for secret in [SECRET, &password, &store.secret_key] {
            assert!(!said.contains(secret), "{said}");
        }
    }
    println!("{} ways to fail at the start", workspaces.len());
}
