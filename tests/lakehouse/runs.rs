//! Every run is on record, and a domain has one at a time.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::program::Workspace;

const RUN: [&str; 5] = ["run", "fraud", "--sources", "sources", "--skip-training"];

fn runs(workspace: &Workspace) -> Vec<Value> {
    workspace.lakehouse(&["runs", "--json"]).good().json().as_array().unwrap().clone()
}

fn statuses(workspace: &Workspace) -> Vec<String> {
    runs(workspace).iter().map(|run| run["status"].as_str().unwrap().to_owned()).collect()
}

/// Starts a run and waits for its first event.
fn start(workspace: &Workspace) -> Child {
    let mut run = workspace.command(&RUN).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let first = BufReader::new(run.stderr.as_mut().unwrap()).lines().next().unwrap().unwrap();
    assert_eq!(first, "run started");
    run
}

#[test]
fn a_run_is_recorded_with_its_steps_and_events() {
    let workspace = Workspace::with_sample(2_000);
    let report = workspace.run().good().json();
    workspace.run().good();

    let listed = runs(&workspace);
    assert_eq!(listed.len(), 2);
    let (second, first) = (&listed[0], &listed[1]);
    assert_eq!(first["run"], report["run"]);
    assert_eq!((&first["status"], &first["trigger"], &first["domain"]), (&"succeeded".into(), &"manual".into(), &"fraud".into()));
    assert_eq!(first["report"]["tables"], report["tables"]);

    let shown = workspace.lakehouse(&["runs", first["run"].as_str().unwrap(), "--json"]).good().json();
    let steps = shown["steps"].as_array().unwrap();
    let silver = steps.iter().find(|step| step["step"] == "silver.transactions").unwrap();
    assert_eq!((&silver["status"], &silver["rows"], &silver["version"]), (&"succeeded".into(), &2_000.into(), &0.into()));
    assert_eq!(steps.len(), 7 + 9, "seven sources, nine tables");
    let names: Vec<&str> = shown["events"].as_array().unwrap().iter().map(|event| event["name"].as_str().unwrap()).collect();
    assert_eq!((names[0], names[names.len() - 1]), ("run.started", "run.succeeded"));
    assert_eq!(names.iter().filter(|name| **name == "table.written").count(), 9, "{names:?}");

    let again = workspace.lakehouse(&["runs", second["run"].as_str().unwrap(), "--json"]).good().json();
    assert!(again["steps"].as_array().unwrap().iter().all(|step| step["status"] == "skipped"), "{again:#}");
}

#[test]
fn a_run_that_failed_says_why() {
    let workspace = Workspace::with_sample(500);
    fs::write(workspace.source("users_data.csv"), "").unwrap();
    workspace.run().bad();
    let failed = &runs(&workspace)[0];
    assert_eq!(failed["status"], "failed");
    assert!(failed["error"].as_str().unwrap().contains("users_data.csv"), "{failed:#}");
    let unknown = workspace.lakehouse(&["runs", "fraud-1"]).bad();
    assert!(unknown.stderr().contains("no run is called `fraud-1`"), "{}", unknown.stderr());
}

#[test]
fn of_runs_that_start_together_one_runs_and_the_others_are_told() {
    const TOGETHER: usize = 8;
    let workspace = Workspace::with_sample(20_000);
    let started: Vec<Child> =
        (0..TOGETHER).map(|_| workspace.command(&RUN).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()).collect();
    let outputs: Vec<_> = started.into_iter().map(|run| run.wait_with_output().unwrap()).collect();

    let refused: Vec<_> = outputs.iter().filter(|output| !output.status.success()).collect();
    for output in &refused {
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("a run of `fraud` is under way in"), "{stderr}");
    }
    let mut spans: Vec<(String, String)> = runs(&workspace)
        .iter()
        .map(|run| (run["started_at"].as_str().unwrap().to_owned(), run["finished_at"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(spans.len() + refused.len(), TOGETHER);
    spans.sort();
    assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{spans:?}");
    println!("{TOGETHER} runs started together: {} ran one after the other, {} were refused", spans.len(), refused.len());
}

#[test]
fn a_killed_run_is_given_up_by_the_next_one_without_a_wait() {
    let workspace = Workspace::with_sample(20_000);
    let mut run = start(&workspace);
    run.kill().unwrap();
    run.wait().unwrap();

    workspace.run().good();

    assert_eq!(statuses(&workspace), ["succeeded", "abandoned"]);
}

#[test]
fn ctrl_c_lets_the_step_finish_and_the_next_run_goes_on() {
    let workspace = Workspace::with_sample(60_000);
    let run = start(&workspace);
    assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap().success());
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(workspace.value("select count(*) from bronze.transactions"), "60000", "ingestion was finished");

    workspace.run().good();

    assert_eq!(statuses(&workspace), ["succeeded", "cancelled"]);
}

#[test]
fn a_second_ctrl_c_stops_at_once_and_the_next_run_makes_it_good() {
    let workspace = Workspace::with_sample(60_000);
    let mut run = start(&workspace);
    let interrupt = ["-INT", &run.id().to_string()];
    assert!(Command::new("kill").args(interrupt).status().unwrap().success());
    let mut lines = BufReader::new(run.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("Ctrl-C once more stops at once")));
    assert!(Command::new("kill").args(interrupt).status().unwrap().success());
    assert_eq!(run.wait().unwrap().code(), Some(130));

    workspace.run().good();

    assert_eq!(statuses(&workspace), ["succeeded", "abandoned"]);
}

/// A domain folder like that of the fraud domain, due every second.
fn due_every_second(workspace: &Workspace, domain: &str) {
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("domains/fraud");
    let copy = workspace.path().join("domains").join(domain);
    assert!(Command::new("cp").arg("-r").args([&built_in, &copy]).status().unwrap().success());
    let file = copy.join("domain.toml");
    let text = fs::read_to_string(&file).unwrap().replace("0 3 * * *", "* * * * * *");
    fs::write(file, text).unwrap();
}

#[test]
fn of_two_schedulers_one_runs_what_is_due() {
    let workspace = Workspace::with_sample(500).with_environment("LAKEHOUSE_SCHEDULER__PORT", "0");
    fs::create_dir(workspace.path().join("domains")).unwrap();
    due_every_second(&workspace, "fraud");
    let keep = || {
        let arguments = ["--domains", "domains", "schedule", "fraud", "--sources", "sources", "--skip-training"];
        workspace.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut keepers = [keep(), keep()];
    std::thread::sleep(Duration::from_secs(6));
    for keeper in &mut keepers {
        assert!(Command::new("kill").args(["-TERM", &keeper.id().to_string()]).status().unwrap().success());
        assert_eq!(keeper.wait().unwrap().code(), Some(0), "a scheduler that is told to stop has done well");
    }

    let runs = runs(&workspace);
    assert!(runs.len() >= 3, "{} runs in six seconds", runs.len());
    assert!(runs.iter().all(|run| run["trigger"] == "schedule"), "{runs:#?}");
    let mut dues: Vec<&str> = runs.iter().map(|run| run["parameters"]["due"].as_str().unwrap()).collect();
    let all = dues.len();
    dues.sort_unstable();
    dues.dedup();
    assert_eq!(dues.len(), all, "an instant was run twice: {dues:?}");
}

#[test]
fn a_domain_that_fails_disturbs_no_other_one() {
    let workspace = Workspace::with_sample(500).with_environment("LAKEHOUSE_SCHEDULER__PORT", "0");
    fs::create_dir(workspace.path().join("domains")).unwrap();
    due_every_second(&workspace, "fraud");
    due_every_second(&workspace, "broken");
    let users = workspace.path().join("domains/broken/ingestion/users.toml");
    let text = fs::read_to_string(&users).unwrap().replace("users_data", "nobody");
    fs::write(users, text).unwrap();
    let arguments =
        ["--domains", "domains", "schedule", "fraud", "broken", "--sources", "sources", "--skip-training", "--log", "info"];
    let mut keeper = workspace.command(&arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(6));
    assert!(Command::new("kill").args(["-TERM", &keeper.id().to_string()]).status().unwrap().success());
    assert_eq!(keeper.wait().unwrap().code(), Some(0));

    let ended = |domain: &str, status: &str| {
        let is_such = |run: &&Value| run["domain"] == domain && run["status"] == status;
        runs(&workspace).iter().filter(is_such).count()
    };
    let (done, failed) = (ended("fraud", "succeeded"), ended("broken", "failed"));
    println!("{done} runs of one domain beside {failed} failures of another");
    assert!(done >= 3 && failed >= 3 && ended("fraud", "failed") + ended("broken", "succeeded") == 0, "{done} and {failed}");
    let log = std::io::read_to_string(keeper.stderr.take().unwrap()).unwrap();
    assert!(log.contains("fraud: run.succeeded") && log.contains("broken: run.failed"), "{log}");
}
