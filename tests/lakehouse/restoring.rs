//! `lakehouse restore`: a table as it was, and runs that go on from there.

use std::{fs, process::Stdio};

use crate::program::{Workspace, contents};

const PARTS: usize = 3;

/// A workspace whose transactions land in parts, in a run each; what it holds after each of them.
fn in_parts() -> (Workspace, Vec<Vec<Vec<String>>>) {
    let workspace = Workspace::with_sample(1_500);
    let path = workspace.source("transactions_data.csv");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    fs::remove_file(&path).unwrap();
    let mut states = Vec::new();
    for (number, part) in lines[1..].chunks(lines.len().div_ceil(PARTS)).enumerate() {
        // The later parts sort before the earlier ones, so that batches are numbered anew when they land again.
        let file = workspace.source(&format!("transactions_data_{}.csv", PARTS - number));
        let broken = if number > 0 { format!("{number},no date at all\n") } else { String::new() };
        fs::write(file, format!("{}\n{}\n{broken}", lines[0], part.join("\n"))).unwrap();
        workspace.run().good();
        states.push(contents(&workspace));
    }
    (workspace, states)
}

fn restore(workspace: &Workspace, table: &str, to: &str) -> String {
    workspace.lakehouse(&["restore", "fraud", table, "--to", to, "--yes"]).good().stdout()
}

#[test]
fn a_restored_bronze_table_gets_the_files_again_that_it_lacks() {
    let (workspace, states) = in_parts();
    let batches = "select count(*) as n from bronze.transactions";
    let before = workspace.value(batches);

    let told = restore(&workspace, "bronze.transactions", "0");

    assert!(told.contains("is at version 3, which is version 0 again") && told.contains("lands the files again"), "{told}");
    assert_eq!(workspace.value(batches), "501");
    let report = workspace.run().good().json();
    let source = report["sources"].as_array().unwrap().iter().find(|source| source["table"] == "bronze.transactions").unwrap();
    assert_eq!(source["landed"].as_array().unwrap().len(), PARTS - 1, "{source:#}");
    assert_eq!(source["unchanged_files"], 1, "{source:#}");
    assert_eq!(workspace.value(batches), before);
    assert_eq!(contents(&workspace), states[PARTS - 1]);

    restore(&workspace, "bronze.transactions", "1");
    restore(&workspace, "bronze.transactions", "2");
    let report = workspace.run().good().json();
    assert!(report["sources"].as_array().unwrap().iter().all(|source| source["landed"].as_array().unwrap().is_empty()));
    assert_eq!(workspace.value(batches), before, "back and forth and nothing is there twice");
    assert_eq!(contents(&workspace), states[PARTS - 1]);

    // Now the files land under the very names they had before, and no commit of theirs is taken for a repetition.
    restore(&workspace, "bronze.transactions", "0");
    workspace.run().good();
    assert_eq!(workspace.value(batches), before);
    assert_eq!(contents(&workspace), states[PARTS - 1]);
}

#[test]
fn a_restored_derived_table_is_brought_back_in_line_by_the_next_run() {
    let (workspace, states) = in_parts();
    for (table, appended) in [("silver.transactions", true), ("signals.transactions", false), ("gold.dm_client_features", false)]
    {
        let told = restore(&workspace, table, "0");
        assert!(told.contains("back in line with its inputs"), "{told}");
        assert_ne!(contents(&workspace), states[PARTS - 1], "{table}");

        let report = workspace.run().good().json();

        let step = report["tables"].as_array().unwrap().iter().find(|step| step["table"] == table).unwrap().clone();
        let how = if appended { "append: " } else { "rebuild: " };
        assert!(step["decision"].as_str().unwrap().starts_with(how), "{step:#}");
        assert_eq!(contents(&workspace), states[PARTS - 1], "{table}");
        let report = workspace.run().good().json();
        assert!(report["tables"].as_array().unwrap().iter().all(|table| table["decision"] == "unchanged"), "{report:#}");
    }
}

#[test]
fn an_instant_is_as_good_as_a_version_and_a_restore_can_be_undone() {
    let (workspace, _) = in_parts();
    let count = "select count(*) from silver.transactions";
    let between = jiff::Timestamp::now().to_string();
    restore(&workspace, "silver.transactions", "1");
    assert_eq!(workspace.value(count), "1002");
    let told = restore(&workspace, "silver.transactions", &between);
    assert!(told.contains("is at version 4, which is version 2 again"), "{told}");
    assert_eq!(workspace.value(count), "1500");
    assert!(restore(&workspace, "silver.transactions", "4").contains("is at version 4 already"));
}

#[test]
fn what_cannot_be_restored_is_refused_with_a_reason() {
    let (workspace, states) = in_parts();
    for (arguments, says) in [
        (&["nothing", "gold.dm_client_features", "--to", "0", "--yes"][..], "nothing"),
        (&["fraud", "gold.nothing", "--to", "0", "--yes"], "`fraud` has no table `gold.nothing`"),
        (&["fraud", "dm_client_features", "--to", "0", "--yes"], "<TABLE>"),
        (&["fraud", "gold.dm_client_features", "--to", "99", "--yes"], "cannot be read at version 99"),
        (&["fraud", "gold.dm_client_features", "--to", "1999-12-31", "--yes"], "cannot be read at"),
        (&["fraud", "gold.dm_client_features", "--to", "-1", "--yes"], "unexpected argument '-1'"),
        (&["fraud", "gold.dm_client_features", "--to", "yesterday", "--yes"], "--to"),
        (&["fraud", "gold.dm_client_features", "--to", "0"], "add --yes to do it"),
        (&["fraud", "gold.dm_client_features"], "--to"),
    ] {
        let ran = workspace.lakehouse(&[&["restore"], arguments].concat());
        assert!(!ran.output.status.success() && ran.stderr().contains(says), "{arguments:?}: {}", ran.stderr());
        assert!(!ran.stderr().contains("panicked"), "{}", ran.stderr());
    }
    workspace.lakehouse(&["care", "fraud", "--retention-hours", "0", "--allow-short-retention"]).good();
    let ran = workspace.lakehouse(&["restore", "fraud", "gold.dm_client_features", "--to", "0", "--yes"]).bad();
    assert!(ran.stderr().contains("its files have been removed"), "{}", ran.stderr());
    assert_eq!(contents(&workspace), states[PARTS - 1]);
}

#[test]
fn nothing_is_restored_while_a_run_goes_on() {
    let workspace = Workspace::with_sample(30_000);
    workspace.run().good();
    fs::rename(workspace.source("transactions_data.csv"), workspace.source("transactions_data_1.csv")).unwrap();
    fs::write(workspace.source("users_data.csv"), fs::read_to_string(workspace.source("users_data.csv")).unwrap() + "\n")
        .unwrap();
    let run = ["run", "fraud", "--sources", "sources", "--skip-training"];
    let mut run = workspace.command(&run).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(run.stderr.as_mut().unwrap()), &mut first).unwrap();
    let refused = workspace.lakehouse(&["restore", "fraud", "silver.transactions", "--to", "0", "--yes"]);
    let was_running = run.try_wait().unwrap().is_none();
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(was_running, "the run was over before the restore");
    assert!(refused.bad().stderr().contains("a run of `fraud` is under way in"), "{first}");
}
