//! `lakehouse care`: runs notice nothing of it, time travel keeps what it was promised, and a killed care is made good.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use serde_json::Value;

use crate::{
    components::Bucket,
    program::{Workspace, contents},
};

const NOW: [&str; 3] = ["--retention-hours", "0", "--allow-short-retention"];
const KILLS: u32 = 40;
const PARTS: usize = 5;

/// Cuts the transactions into parts that land one after the other, each in a run of its own.
fn run_in_parts(workspace: &Workspace) {
    let path = workspace.source("transactions_data.csv");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    fs::remove_file(&path).unwrap();
    for (number, part) in lines[1..].chunks(lines.len().div_ceil(PARTS)).enumerate() {
        let file = workspace.source(&format!("transactions_data_{number}.csv"));
        fs::write(file, format!("{}\n{}\n", lines[0], part.join("\n"))).unwrap();
        workspace.run().good();
    }
}

fn care(workspace: &Workspace, arguments: &[&str]) -> Vec<Value> {
    let ran = workspace.lakehouse(&[&["care", "fraud", "--json"], arguments].concat()).good().json();
    ran.as_array().unwrap().iter().map(|table| table["care"].clone()).collect()
}

fn of<'a>(cared: &'a [Value], table: &str) -> &'a Value {
    cared.iter().find(|care| care["table"] == table).unwrap()
}

/// Every file below a folder that is no part of a log.
fn data_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true if path.ends_with("_delta_log") => {}
            true => files.extend(data_files(&path)),
            false => files.push(path),
        }
    }
    files.sort();
    files
}

fn schemas(workspace: &Workspace) -> Vec<PathBuf> {
    ["bronze", "silver", "signals", "gold", "quarantine"].iter().flat_map(|s| data_files(&workspace.lake().join(s))).collect()
}

#[test]
fn a_run_after_care_does_nothing_and_new_rows_are_still_appended() {
    let whole = Workspace::with_sample(5_000);
    whole.run().good();
    let workspace = Workspace::with_sample(5_000);
    run_in_parts(&workspace);
    let before = contents(&workspace);
    assert_eq!(before, contents(&whole));

    let cared = care(&workspace, &[]);

    let (silver, bronze) = (of(&cared, "silver.transactions"), of(&cared, "bronze.transactions"));
    assert!(silver["compacted"].as_u64() >= Some(PARTS as u64) && silver["into"] == 1, "{silver:#}");
    assert_eq!((&bronze["compacted"], &bronze["alone"]), (&0.into(), &PARTS.into()), "a batch is a partition: {bronze:#}");
    assert_eq!(contents(&workspace), before);
    let report = workspace.run().good().json();
    assert!(report["sources"].as_array().unwrap().iter().all(|source| source["landed"].as_array().unwrap().is_empty()));
    assert!(report["tables"].as_array().unwrap().iter().all(|table| table["decision"] == "unchanged"), "{report:#}");

    let text = fs::read_to_string(workspace.source("transactions_data_0.csv")).unwrap();
    let mut lines = text.lines();
    let (head, first) = (lines.next().unwrap(), lines.next().unwrap().split_once(',').unwrap().1);
    fs::write(workspace.source("transactions_data_late.csv"), format!("{head}\n999999999,{first}\n")).unwrap();
    let report = workspace.run().good().json();
    let silver = &report["tables"][0];
    assert_eq!((&silver["table"], &silver["rows"]), (&"silver.transactions".into(), &1.into()), "{silver:#}");
    assert!(silver["decision"].as_str().unwrap().starts_with("append: new rows in bronze.transactions"), "{silver:#}");
}

#[test]
fn in_buckets_care_changes_no_row_and_leaves_no_file_that_nobody_needs() {
    for store in Bucket::all() {
        let workspace = Workspace::with_sample(1_000).in_bucket(&store);
        run_in_parts(&workspace);
        let before = contents(&workspace);
        assert!(of(&care(&workspace, &NOW), "silver.transactions")["removed"]["count"].as_u64() >= Some(PARTS as u64));
        assert_eq!(contents(&workspace), before, "{}", store.name);
        assert!(care(&workspace, &NOW).iter().all(|table| table["removed"]["count"] == 0), "{}", store.name);
        let report = workspace.run().good().json();
        assert!(report["tables"].as_array().unwrap().iter().all(|table| table["decision"] == "unchanged"), "{report:#}");
    }
}

/// Makes a version of a table, with its files, as old as it would be had it been committed `hours` ago.
fn age(table: &Path, version: u64, hours: u64) {
    let then = SystemTime::now() - Duration::from_secs(hours * 3600);
    let milliseconds = then.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let log = table.join(format!("_delta_log/{version:020}.json"));
    let mut actions: Vec<Value> =
        fs::read_to_string(&log).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for action in &mut actions {
        if let Some(info) = action.get_mut("commitInfo") {
            info["timestamp"] = Value::from(milliseconds as u64);
        }
        // A file that is gone cannot be too young to go.
        if let Some(path) = action.get("add").and_then(|add| add["path"].as_str())
            && let Ok(file) = File::options().write(true).open(table.join(path))
        {
            file.set_modified(then).unwrap();
        }
    }
    let lines: Vec<String> = actions.iter().map(Value::to_string).collect();
    fs::write(&log, lines.join("\n")).unwrap();
    File::options().write(true).open(&log).unwrap().set_modified(then).unwrap();
}

/// A gold table with one version per run, which the later ones replaced 30, 20, 8, 2 and 0 days ago.
fn with_history() -> (Workspace, PathBuf) {
    let workspace = Workspace::with_sample(1_000).with_environment("LAKEHOUSE_CARE__CHECKPOINT_COMMITS", "3");
    run_in_parts(&workspace);
    let table = workspace.lake().join("gold/fraud/dm_client_features");
    for (version, days) in [(0, 30), (1, 20), (2, 8), (3, 2), (4, 0)] {
        age(&table, version, days * 24);
    }
    (workspace, table)
}

fn readable(workspace: &Workspace, version: u64) -> bool {
    let sql = ["sql", "select count(avg_amount) from gold.dm_client_features", "--at", &version.to_string()];
    let ran = workspace.lakehouse(&sql);
    ran.output.status.success() || {
        assert!(!ran.stderr().contains("panicked"), "{}", ran.stderr());
        false
    }
}

#[test]
fn time_travel_within_the_retention_works_and_what_nobody_can_reach_is_removed() {
    let (workspace, table) = with_history();
    let old = SystemTime::now() - Duration::from_secs(8 * 24 * 3600);
    for (name, is_old) in [("part-killed.parquet", true), ("part-killed.parquet#1", true), ("part-under-way.parquet", false)] {
        fs::write(table.join(name), "rows").unwrap();
        if is_old {
            File::options().write(true).open(table.join(name)).unwrap().set_modified(old).unwrap();
        }
    }
    let dry = care(&workspace, &["--dry-run"]);
    let files = data_files(&table);

    let cared = care(&workspace, &[]);

    let marts = of(&cared, "gold.dm_client_features");
    assert_eq!(of(&dry, "gold.dm_client_features")["removed"], marts["removed"], "a dry run tells what will be done");
    let removed: Vec<&str> = marts["removed"]["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    assert!(removed.contains(&"part-killed.parquet") && removed.contains(&"part-killed.parquet#1"), "{removed:?}");
    let added = marts["into"].as_u64().unwrap() as usize;
    assert_eq!(data_files(&table).len(), files.len() + added - removed.len());
    assert!(table.join("part-under-way.parquet").exists(), "it may belong to a write that goes on");
    // Version 1 was current until eight days ago; version 2 still was seven days ago.
    assert_eq!([0, 1, 2, 3, 4].map(|version| readable(&workspace, version)), [false, false, true, true, true]);
    println!("5 versions: 3 within the retention are readable, the files of 2 and 2 orphans are gone");
}

#[test]
fn an_expired_log_is_removed_and_what_is_within_its_retention_stays() {
    let (workspace, table) = with_history();
    let before = contents(&workspace);
    let workspace = workspace.with_environment("LAKEHOUSE_CARE__LOG_RETENTION_HOURS", "360");
    let first = care(&workspace, &[]);
    let marts = of(&first, "gold.dm_client_features");
    assert_eq!((&marts["compacted"], &marts["checkpoint"]), (&2.into(), &5.into()), "the note is in a commit of its own");
    assert_eq!(marts["expired_log_files"], 0, "no checkpoint is old enough to start from: {marts:#}");
    for (version, days) in [(0, 30), (1, 20), (2, 18), (3, 17), (4, 16), (5, 16)] {
        age(&table, version, days * 24);
    }

    let second = care(&workspace, &[]);

    assert_eq!(of(&second, "gold.dm_client_features")["expired_log_files"], 5, "{second:#?}");
    assert_eq!([4, 5].map(|version| readable(&workspace, version)), [false, true]);
    assert_eq!(contents(&workspace), before);
    let report = workspace.run().good().json();
    assert!(report["tables"].as_array().unwrap().iter().all(|table| table["decision"] == "unchanged"), "{report:#}");
}

/// A workspace with the same sources and the same lake.
fn copy(workspace: &Workspace) -> Workspace {
    let copy = Workspace::new().with_environment("LAKEHOUSE_CARE__CHECKPOINT_COMMITS", "2");
    let mut command = Command::new("cp");
    command.arg("-r").args([workspace.sources(), workspace.lake(), copy.path().to_owned()]);
    assert!(command.status().unwrap().success());
    copy
}

#[test]
fn a_care_that_is_killed_at_any_instant_is_made_good() {
    let template = Workspace::with_sample(600);
    run_in_parts(&template);
    let expected = contents(&template);
    let (whole, started) = (copy(&template), Instant::now());
    care(&whole, &NOW);
    let whole_care = started.elapsed();
    let files = schemas(&whole).len();
    let mut killed = 0;
    for instant in 0..KILLS {
        let workspace = copy(&template);
        let mut command = workspace.command(&[&["care", "fraud"], &NOW[..]].concat());
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // The golden ratio spreads instants evenly, and the same ones each time.
        std::thread::sleep(whole_care.mul_f64((f64::from(instant) * 0.618_034).fract()));
        killed += u32::from(run.try_wait().unwrap().is_none());
        run.kill().unwrap();
        run.wait().unwrap();
        assert_eq!(contents(&workspace), expected, "after the kill at instant {instant}");
        care(&workspace, &NOW);
        assert_eq!(contents(&workspace), expected, "killed at instant {instant}");
        assert_eq!(schemas(&workspace).len(), files, "killed at instant {instant}: files are left");
        if instant % 8 == 0 {
            let report = workspace.run().good().json();
            assert!(report["tables"].as_array().unwrap().iter().all(|table| table["decision"] == "unchanged"), "{report:#}");
        }
    }
    println!("{killed} of {KILLS} cares were killed in the {whole_care:?} that one takes");
}

#[test]
fn two_cares_of_a_domain_do_not_go_on_at_once_and_a_run_may() {
    let workspace = Workspace::with_sample(3_000);
    run_in_parts(&workspace);
    let before = contents(&workspace);
    let started: Vec<_> = (0..6)
        .map(|_| workspace.command(&["care", "fraud"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    workspace.run().good();
    let outputs: Vec<_> = started.into_iter().map(|care| care.wait_with_output().unwrap()).collect();
    let refused: Vec<_> = outputs.iter().filter(|output| !output.status.success()).collect();
    for output in &refused {
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("a care of `fraud` is under way in"), "{stderr}");
    }
    assert!(refused.len() < outputs.len());
    assert_eq!(contents(&workspace), before);
    println!("6 cares started together: {} were refused", refused.len());
}

#[test]
fn the_scheduler_cares_between_runs() {
    let workspace = Workspace::with_sample(500).with_environment("LAKEHOUSE_SCHEDULER__PORT", "0");
    run_in_parts(&workspace);
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("domains/fraud");
    let copy = workspace.path().join("domains");
    fs::create_dir(&copy).unwrap();
    assert!(Command::new("cp").arg("-r").args([&built_in, &copy]).status().unwrap().success());
    let file = copy.join("fraud/domain.toml");
    let text = fs::read_to_string(&file).unwrap();
    let start = text.find("[care]").unwrap_or(text.len());
    fs::write(&file, format!("{}\n[care]\ncron = \"* * * * * *\"\n", &text[..start])).unwrap();
    let arguments = ["--domains", "domains", "schedule", "fraud", "--sources", "sources", "--skip-training", "--log", "info"];
    let mut command = workspace.command(&arguments);
    let mut keeper = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(8));
    assert!(Command::new("kill").args(["-TERM", &keeper.id().to_string()]).status().unwrap().success());
    assert_eq!(keeper.wait().unwrap().code(), Some(0));
    assert_eq!(of(&care(&workspace, &[]), "silver.transactions")["compacted"], 0, "the scheduler has done it");
    let runs = workspace.lakehouse(&["runs", "--json"]).good().json();
    assert_eq!(runs.as_array().unwrap().len(), PARTS, "a care is no run");
}

#[test]
fn arguments_that_would_do_harm_or_mean_nothing_are_refused() {
    let workspace = Workspace::with_sample(300);
    workspace.run().good();
    let files = schemas(&workspace);
    for (arguments, says) in [
        (&["care", "nothing"][..], "nothing"),
        (&["care", "fraud", "--table", "gold.nothing"], "`fraud` has no table `gold.nothing`"),
        (&["care", "fraud", "--table", "nothing"], "--table"),
        (&["care", "fraud", "--table", "gold.../../x"], "--table"),
        (&["care", "fraud", "--retention-hours", "1"], "add --allow-short-retention"),
        (&["care", "fraud", "--retention-hours", "-1"], "unexpected argument '-1'"),
        (&["care", "fraud", "--retention-hours", "a day"], "--retention-hours"),
        (&["care", "fraud", "--allow-short-retention"], "--retention-hours"),
    ] {
        let ran = workspace.lakehouse(arguments);
        assert!(!ran.output.status.success() && ran.stderr().contains(says), "{arguments:?}: {}", ran.stderr());
        assert!(!ran.stderr().contains("panicked"), "{}", ran.stderr());
    }
    care(&workspace, &["--retention-hours", &u64::MAX.to_string()]);
    for (key, value, says) in
        [("RETENTION_HOURS", "1", "care.min_retention_hours"), ("LOG_RETENTION_HOURS", "1", "care.log_retention_hours")]
    {
        let mut command = workspace.command(&["care", "fraud"]);
        let output = command.env(format!("LAKEHOUSE_CARE__{key}"), value).output().unwrap();
        assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains(says));
    }
    assert!(files.iter().all(|file| file.exists()), "nothing was removed");
}
