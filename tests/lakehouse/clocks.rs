//! Clocks that are an hour wrong.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::{
    components::{Bucket, fake_clock},
    database::Database,
    program::Workspace,
};

const RUN: [&str; 5] = ["run", "fraud", "--sources", "sources", "--skip-training"];

/// With a clock that is wrong by `offset`, such as `+1h`.
fn with_clock(workspace: &Workspace, offset: &str, arguments: &[&str]) -> Command {
    let mut command = workspace.command(arguments);
    command.env("LD_PRELOAD", fake_clock()).env("FAKETIME", offset);
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn runs(workspace: &Workspace) -> Vec<Value> {
    workspace.lakehouse(&["runs", "--json"]).good().json().as_array().unwrap().clone()
}

/// By the order in which the database took what they told, whatever their clocks said. Tells how many there were.
fn assert_no_two_overlap(workspace: &Workspace) -> usize {
    let span = |run: &Value| {
        let shown = workspace.lakehouse(&["runs", run["run"].as_str().unwrap(), "--json"]).good().json();
        let ids: Vec<i64> = shown["events"].as_array().unwrap().iter().map(|event| event["id"].as_i64().unwrap()).collect();
        (ids[0], ids[ids.len() - 1])
    };
    let mut spans: Vec<(i64, i64)> = runs(workspace).iter().map(span).collect();
    spans.sort_unstable();
    assert!(spans.windows(2).all(|pair| pair[0].1 < pair[1].0), "{spans:?}");
    spans.len()
}

#[test]
fn a_clock_an_hour_ahead_or_behind_lets_no_two_runs_overlap() {
    let database = Database::new();
    let on_postgres = Workspace::with_sample(4_000).with_environment("LAKEHOUSE_DATABASE_URL", &database.url());
    for workspace in [Workspace::with_sample(4_000), on_postgres] {
        let clocks = ["+0", "+1h", "-1h"];
        let start = |number: usize| with_clock(&workspace, clocks[number % 3], &RUN).spawn().unwrap();
        let children: Vec<Child> = (0..9).map(start).collect();
        let mut refused = 0;
        for child in children {
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() || said.contains("a run of `fraud` is under way in"), "{said}");
            refused += usize::from(!output.status.success());
        }
        let ran = assert_no_two_overlap(&workspace);
        assert_eq!(ran + refused, 9);
        assert_eq!(workspace.value("select count(*) from silver.transactions"), "4000");
        println!("9 runs with three clocks: {ran} ran one after the other, {refused} were refused");
    }
}

#[test]
fn of_two_schedulers_with_different_clocks_one_runs_what_is_due() {
    let workspace = Workspace::with_sample(200).with_environment("LAKEHOUSE_SCHEDULER__PORT", "0");
    let domain = workspace.path().join("domains/fraud");
    fs::create_dir_all(domain.parent().unwrap()).unwrap();
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("domains/fraud");
    assert!(Command::new("cp").arg("-r").args([&built_in, &domain]).status().unwrap().success());
    let text = fs::read_to_string(domain.join("domain.toml")).unwrap().replace("0 3 * * *", "* * * * * *");
    fs::write(domain.join("domain.toml"), text).unwrap();
    let arguments = ["--domains", "domains", "schedule", "fraud", "--sources", "sources", "--skip-training"];
    let mut keepers = ["+0", "+1h"].map(|clock| with_clock(&workspace, clock, &arguments).stderr(Stdio::null()).spawn().unwrap());
    std::thread::sleep(Duration::from_secs(8));
    for keeper in &mut keepers {
        assert!(Command::new("kill").args(["-TERM", &keeper.id().to_string()]).status().unwrap().success());
        assert_eq!(keeper.wait().unwrap().code(), Some(0));
    }
    let mut dues: Vec<String> = runs(&workspace).iter().map(|run| run["parameters"]["due"].to_string()).collect();
    let all = dues.len();
    dues.sort_unstable();
    dues.dedup();
    assert_eq!(dues.len(), all, "an instant was run twice: {dues:?}");
    assert!(all >= 2 && assert_no_two_overlap(&workspace) == all, "{all} runs in eight seconds");
    println!("two schedulers an hour apart: {all} runs, each of another instant, one after the other");
}

#[test]
fn a_store_that_refuses_the_clock_is_told_with_what_to_do() {
    let workspace = Workspace::with_sample(100).in_bucket(&Bucket::minio());
    for clock in ["+1h", "-1h"] {
        let output = with_clock(&workspace, clock, &RUN).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{clock}: {said}");
        assert!(said.contains("what to do: set the clock of this machine"), "{clock}: {said}");
    }
}
