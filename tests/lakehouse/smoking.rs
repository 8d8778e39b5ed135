//! What a deployment asks of the programs: are they well, does the stack do what it is for, when did a run succeed last?

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    program::{PROGRAM, Workspace},
    services::Served,
};

/// The four programs; those beside ours are built with the workspace.
fn programs() -> [Command; 4] {
    ["lakehouse", "lakehouse-api", "lakehouse-sources-api", "lakehouse-api-ml"].map(|name| {
        let program = Path::new(PROGRAM).with_file_name(name);
        assert!(program.exists(), "{} is not there: test with --workspace", program.display());
        Command::new(program)
    })
}

fn said(output: &Output) -> (Option<i32>, String) {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn every_program_asks_a_service_how_it_is() {
    let workspace = Workspace::new();
    let served = Served::start(&workspace);
    let absent = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cases = [
        (format!("{}/health/live", served.api), 0, "is well: live"),
        (format!("{}/health/ready", served.sources), 0, "is well: ready"),
        (format!("{}/health/ready", served.ml), 1, "503 Service Unavailable: not ready: the champion of `fraud`"),
        (format!("http://{absent}/health/live"), 1, "does not answer"),
        ("nonsense".to_owned(), 2, "`nonsense` is no http:// address"),
    ];
    for (address, code, sentence) in &cases {
        for mut program in programs() {
            let (was, text) = said(&program.args(["health", address, "--timeout", "5"]).output().unwrap());
            assert_eq!(was, Some(*code), "{program:?}: {text}");
            assert!(text.contains(sentence), "{program:?}: {text}");
        }
    }
    for mut program in programs() {
        let (was, _) = said(&program.args(["health"]).output().unwrap());
        assert_eq!(was, Some(2), "{program:?} without an address");
    }
    println!("{} addresses asked by each of 4 programs", cases.len());
}

fn smoke(workspace: &Workspace, served: &Served, arguments: &[&str]) -> (Option<i32>, Value) {
    let addresses = ["smoke", "--json", "--api", &served.api, "--sources", &served.sources, "--ml", &served.ml];
    let output = workspace.command(&[&addresses[..], arguments].concat()).output().unwrap();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

fn bad(findings: &Value) -> Vec<String> {
    let bad = findings.as_array().unwrap().iter().filter(|finding| finding["is_good"] == false);
    bad.map(|finding| format!("{} {}", finding["service"], finding["check"]).replace('"', "")).collect()
}

#[test]
fn a_stack_is_used_as_its_users_do_before_and_after_its_first_run() {
    let workspace = Workspace::with_sample(20_000);
    let served = Served::start(&workspace);
    let (code, findings) = smoke(&workspace, &served, &["--new"]);
    assert_eq!((code, bad(&findings)), (Some(0), vec![]), "{findings:#}");
    let (code, findings) = smoke(&workspace, &served, &[]);
    assert_eq!((code, bad(&findings)), (Some(1), ["ml ready", "api datamarts", "ml prediction"].map(str::to_owned).to_vec()));

    workspace.run_with_training().good();
    let (code, findings) = smoke(&workspace, &served, &["--wait", "60"]);
    assert_eq!((code, bad(&findings)), (Some(0), vec![]), "{findings:#}");
    assert_eq!(findings.as_array().unwrap().len(), 11);

    // Nothing of it has become data.
    let before = workspace.value("select count(*) from bronze.transactions");
    workspace.run().good();
    assert_eq!(workspace.value("select count(*) from bronze.transactions"), before);
}

/// `scripts/accounts`, with the workspace's command.
fn first_accounts(workspace: &Workspace, secrets: &Path) -> String {
    let command = workspace.command(&[]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/accounts");
    let mut ran = Command::new(script);
    ran.arg(secrets).arg("--").arg(command.get_program()).args(command.get_args()).current_dir(workspace.path());
    let (code, text) = said(&ran.envs(command.get_envs().filter_map(|(key, value)| Some((key, value?)))).output().unwrap());
    assert_eq!(code, Some(0), "{text}");
    text
}

#[test]
fn a_stack_that_asks_everybody_is_used_with_the_key_that_its_deployment_makes_once() {
    let workspace = Workspace::new().with_environment("LAKEHOUSE_ACCOUNTS__REQUIRED", "true");
    let served = Served::start(&workspace);
    let (code, findings) = smoke(&workspace, &served, &["--new"]);
    let refused = ["api sql", "api datamarts", "sources file", "sources contract"].map(str::to_owned);
    assert_eq!((code, bad(&findings)), (Some(1), refused.to_vec()));

    let secrets = workspace.path().join("secrets");
    fs::create_dir(&secrets).unwrap();
    fs::write(secrets.join("operator_password"), "correct horse battery").unwrap();
    assert_eq!(first_accounts(&workspace, &secrets).lines().count(), 3, "an administrator, a service, a key");
    assert_eq!(first_accounts(&workspace, &secrets), "");
    let key = secrets.join("smoke_key");
    let with_key = ["--new", "--key-file", key.to_str().unwrap()];
    let (code, findings) = smoke(&workspace, &served, &with_key);
    assert_eq!((code, bad(&findings)), (Some(0), vec![]), "{findings:#}");
    let login =
        served.post(&format!("{}/auth/login", served.api), &json!({ "name": "operator", "password": "correct horse battery" }));
    assert_eq!(login.0, StatusCode::OK);

    // A key that is gone is made anew.
    fs::remove_file(&key).unwrap();
    assert!(first_accounts(&workspace, &secrets).starts_with("made a key"));
    assert_eq!(smoke(&workspace, &served, &with_key).0, Some(0));
}

#[test]
fn a_stack_that_is_not_there_fails_every_check() {
    let absent = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = format!("http://{absent}");
    let ran = Workspace::new().lakehouse(&["smoke", "--api", &address, "--sources", &address, "--ml", &address]).bad();
    let lines: Vec<String> = ran.stdout().lines().map(str::to_owned).collect();
    assert_eq!(lines.iter().filter(|line| line.contains(" BAD ")).count(), 11, "{lines:#?}");
}

#[test]
fn the_scheduler_shows_when_a_run_succeeded_last_wherever_it_ran() {
    let workspace = Workspace::with_sample(500);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("http://127.0.0.1:{port}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let start = || {
        let mut command = workspace.command(&["schedule", "fraud", "--sources", "sources", "--skip-training"]);
        let started = command.env("LAKEHOUSE_SCHEDULER__PORT", port.to_string()).stderr(Stdio::null()).spawn().unwrap();
        workspace.lakehouse(&["health", &format!("{address}/health/ready"), "--wait", "60"]).good();
        started
    };
    let shown = || {
        let url = format!("{address}/metrics");
        let metrics = runtime.block_on(async { reqwest::get(url).await.unwrap().text().await.unwrap() });
        let line = metrics.lines().find(|line| line.starts_with("pipeline_last_success_timestamp_seconds{"))?.to_owned();
        Some(line.split_whitespace().last().unwrap().parse::<f64>().unwrap())
    };
    let mut scheduler = start();
    assert_eq!(shown(), None, "no run has succeeded yet");
    scheduler.kill().unwrap();
    scheduler.wait().unwrap();

    workspace.run().good();
    let finished = workspace.lakehouse(&["runs", "--json"]).good().json()[0]["finished_at"].as_str().unwrap().to_owned();
    let finished = finished.parse::<jiff::Timestamp>().unwrap().as_millisecond() as f64 / 1_000.0;
    let mut scheduler = start();
    let at = (0..100).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        shown()
    });
    scheduler.kill().unwrap();
    scheduler.wait().unwrap();
    assert!(at.is_some_and(|at| (at - finished).abs() < 1.0), "{at:?}, finished at {finished}");
}
