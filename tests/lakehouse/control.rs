//! Runs that are tried again, given up, gone on with, and asked for over HTTP.

use std::{
    fs,
    net::TcpListener,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    program::{Workspace, contents},
    services::Served,
};

const MART: &str = "datamarts/dm_client_velocity.sql";
const RESUME: [&str; 7] = ["resume", "fraud", "--domains", "domains", "--sources", "sources", "--json"];

/// A workspace whose run fails in its datamarts.
fn with_a_broken_mart() -> Workspace {
    let workspace = Workspace::with_sample(2_000);
    workspace.edit_domain(MART, "avg(", "no_such_function(");
    workspace.run_edited().bad();
    workspace
}

fn steps(workspace: &Workspace) -> Vec<Value> {
    let last = workspace.lakehouse(&["runs", "--json"]).good().json()[0]["run"].as_str().unwrap().to_owned();
    workspace.lakehouse(&["runs", &last, "--json"]).good().json()["steps"].as_array().unwrap().clone()
}

#[test]
fn a_run_that_failed_is_gone_on_with_where_it_failed() {
    let whole = Workspace::with_sample(2_000);
    whole.run().good();
    let workspace = with_a_broken_mart();
    let failed = steps(&workspace);
    let failed = failed.iter().find(|step| step["status"] == "failed").unwrap();
    assert_eq!(failed["step"], "gold.dm_client_velocity");
    assert!(failed["error"].as_str().unwrap().contains("no_such_function"), "{failed:#}");

    // What was ingested is not looked at again: there is nothing left to look at.
    fs::remove_dir_all(workspace.sources()).unwrap();
    workspace.edit_domain(MART, "avg(", "avg(");
    let report = workspace.lakehouse(&[&RESUME[..], &["--skip-training"]].concat()).good().json();

    let made: Vec<&str> = report["tables"].as_array().unwrap().iter().map(|table| table["table"].as_str().unwrap()).collect();
    assert!(made.contains(&"gold.dm_client_velocity") && !made.contains(&"silver.transactions"), "{made:?}");
    assert_eq!(contents(&workspace), contents(&whole));
    let decisions: Vec<String> = steps(&workspace).iter().map(|step| step["decision"].as_str().unwrap().to_owned()).collect();
    assert!(decisions.iter().filter(|decision| decision.starts_with("done by fraud-")).count() >= 7, "{decisions:?}");
}

#[test]
fn there_is_nothing_to_go_on_with_after_a_success_or_for_another_job() {
    let workspace = Workspace::with_sample(500);
    let resume =
        |arguments: &[&str]| workspace.lakehouse(&[&["resume", "fraud", "--sources", "sources"], arguments].concat()).bad();
    assert!(resume(&[]).stderr().contains("`fraud` has not run yet"));
    workspace.run().good();
    assert!(resume(&["--skip-training"]).stderr().contains("succeeded: there is nothing to go on with"));
    let broken = with_a_broken_mart();
    let other = broken.lakehouse(&["resume", "fraud", "--sources", "elsewhere", "--skip-training"]).bad();
    assert!(other.stderr().contains("read its sources from sources"), "{}", other.stderr());
}

#[test]
fn a_step_that_takes_too_long_is_given_up_and_its_table_is_as_it_was() {
    let workspace = Workspace::with_sample(2_000);
    workspace.run().good();
    let before = contents(&workspace);
    workspace.edit_domain(
        MART,
        "from purchases",
        "from purchases, (select 1 from purchases) as a, (select 1 from purchases) as b",
    );
    let run = ["run", "fraud", "--domains", "domains", "--sources", "sources", "--skip-training"];
    let patient = workspace.command(&run).env("LAKEHOUSE_RUNS__STEP_TIMEOUT_SECONDS", "3").output().unwrap();
    let stderr = String::from_utf8(patient.stderr).unwrap();
    assert!(stderr.contains("given up after 3 seconds, the setting `runs.step_timeout_seconds`"), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert_eq!((patient.status.code(), contents(&workspace)), (Some(1), before));
    assert!(steps(&workspace).iter().any(|step| step["step"] == "gold.dm_client_velocity" && step["status"] == "failed"));
}

/// A sources API that is not there yet.
#[test]
fn what_passes_is_tried_again() {
    let workspace = Workspace::with_sample(500);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let sources = format!("http://127.0.0.1:{port}");
    let run = workspace
        .command(&["run", "fraud", "--sources", &sources, "--skip-training"])
        .env("LAKEHOUSE_RUNS__STEP_PAUSE_SECONDS", "1")
        .env("LAKEHOUSE_RUNS__STEP_TRIES", "20")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let serve = workspace
        .command(&["serve", "sources", "--sources", "sources"])
        .env("LAKEHOUSE_SOURCES_API__PORT", port.to_string())
        .spawn();
    let _served = Stopped(serve.unwrap());
    let output = run.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && stderr.contains("sources: try 1 failed, the next one in"), "{stderr}");
}

/// A process that does not outlive its test.
pub struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn scheduler(workspace: &Workspace) -> Stopped {
    let mut command = workspace.command(&["schedule", "fraud", "--sources", "sources", "--skip-training"]);
    Stopped(command.env("LAKEHOUSE_SCHEDULER__PORT", "0").stderr(Stdio::null()).spawn().unwrap())
}

#[test]
fn a_run_that_is_asked_for_over_http_is_started_once() {
    let workspace = Workspace::with_sample(2_000);
    let served = Served::start(&workspace);
    let runs = format!("{}/runs", served.api);
    assert_eq!(served.get(&runs), (StatusCode::OK, json!([])));
    let ask = |body: Value| served.send(served.client.post(&runs).header("idempotency-key", "monday").json(&body));
    let (status, asked) = ask(json!({"domain": "fraud"}));
    assert_eq!((status, &asked["status"]), (StatusCode::ACCEPTED, &json!("waiting")));
    assert_eq!(ask(json!({"domain": "fraud"})).1["requested_at"], asked["requested_at"], "asking twice is asking once");
    assert_eq!(ask(json!({"domain": "fraud", "skip_training": true})).0, StatusCode::UNPROCESSABLE_ENTITY);

    let _both = [scheduler(&workspace), scheduler(&workspace)];
    let request = format!("{runs}/requests/{}", asked["request"].as_str().unwrap());
    let run = wait_for(|| served.get(&request).1["run"].as_str().map(str::to_owned));
    let run = format!("{runs}/{run}");
    let done = wait_for(|| Some(served.get(&run).1).filter(|run| run["status"] == "succeeded"));
    assert_eq!((&done["trigger"], done["steps"].as_array().unwrap().len()), (&json!("api"), 7 + 9));
    assert_eq!(served.get(&runs).1.as_array().unwrap().len(), 1, "two schedulers, one run");
    let (_, events) = served.get(&format!("{run}/events"));
    assert_eq!(events[0]["name"], "run.started");
    let last = events.as_array().unwrap().last().unwrap()["id"].to_string();
    assert_eq!(served.get(&format!("{run}/events?after={last}")).1, json!([]));

    assert_eq!(served.post(&runs, &json!({"domain": "fraud", "resume": true})).0, StatusCode::ACCEPTED);
    let refused = wait_for(|| {
        let asked = served
            .send(served.client.post(&runs).header("idempotency-key", "again").json(&json!({"domain": "fraud", "resume": true})));
        asked.1["refusal"].as_str().map(str::to_owned)
    });
    assert!(refused.contains("there is nothing to go on with"), "{refused}");
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let workspace = Workspace::new();
    let served = Served::start(&workspace);
    let runs = format!("{}/runs", served.api);
    let code = |answer: (StatusCode, Value)| (answer.0.as_u16(), answer.1["code"].as_str().unwrap_or_default().to_owned());
    let cases = [
        (served.post(&runs, &json!({"domain": "nowhere"})), 404, "not_found"),
        (served.post(&runs, &json!({"domain": "fraud", "tables": []})), 422, "unprocessable"),
        (served.get(&format!("{runs}?status=asleep")), 422, "unprocessable"),
        (served.get(&format!("{runs}?limit=0")), 422, "unprocessable"),
        (served.get(&format!("{runs}?before=fraud-1")), 404, "unknown_run"),
        (served.get(&format!("{runs}/fraud-1")), 404, "unknown_run"),
        (served.get(&format!("{runs}/fraud-1/events")), 404, "unknown_run"),
        (served.get(&format!("{runs}/requests/monday")), 404, "unknown_request"),
    ];
    for (answer, status, expected) in cases {
        assert_eq!(code(answer), (status, expected.to_owned()));
    }
}

pub fn wait_for<T>(look: impl Fn() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "it never came true");
        std::thread::sleep(Duration::from_millis(100));
    }
}
