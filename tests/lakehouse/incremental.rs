//! Running again: nothing new means no commit, new rows mean an append, and the result is that of one run over everything.

use std::fs;

use crate::program::{Workspace, contents};

/// Moves the transactions of the last `rows` rows to a file of their own outside the sources; gives its text.
fn cut_last(workspace: &Workspace, rows: usize) -> String {
    let path = workspace.source("transactions_data.csv");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let (early, late) = lines.split_at(lines.len() - rows);
    fs::write(&path, early.join("\n") + "\n").unwrap();
    format!("{}\n{}\n", lines[0], late.join("\n"))
}

#[test]
fn a_second_run_with_nothing_new_commits_nothing() {
    let workspace = Workspace::with_sample(5_000);
    workspace.run().good();
    let before = contents(&workspace);

    let report = workspace.run().good().json();

    assert!(report["sources"].as_array().unwrap().iter().all(|source| source["landed"].as_array().unwrap().is_empty()));
    assert!(report["tables"].as_array().unwrap().iter().all(|table| table["decision"] == "unchanged"), "{report:#}");
    assert_eq!(contents(&workspace), before);
    let plan = workspace.lakehouse(&["plan", "fraud", "--sources", "sources", "--skip-training", "--json"]).good().json();
    assert!(plan.as_array().unwrap().iter().all(|line| line["runs"] == false), "{plan:#}");
}

#[test]
fn a_new_file_is_appended_and_equals_one_run_over_both() {
    let whole = Workspace::with_sample(5_000);
    let parts = Workspace::with_sample(5_000);
    let late = cut_last(&parts, 700);
    parts.run().good();
    fs::write(parts.source("transactions_data_late.csv"), late).unwrap();

    let report = parts.run().good().json();
    whole.run().good();

    let silver = &report["tables"][0];
    assert_eq!(silver["table"], "silver.transactions");
    assert_eq!(silver["rows"], 700, "{silver:#}");
    assert!(silver["decision"].as_str().unwrap().starts_with("append: new rows in bronze.transactions"), "{silver:#}");
    assert_eq!(contents(&parts), contents(&whole));
    let dates = parts.rows("select situation_date, count(*) as n from silver.transactions group by situation_date order by 1");
    let dates: Vec<_> = dates.iter().map(|row| (row["situation_date"].as_str(), row["n"].as_str())).collect();
    assert_eq!(dates, [("2025-01-01", "4300"), ("2025-01-02", "700")]);
}

#[test]
fn tables_are_read_as_they_were() {
    let workspace = Workspace::with_sample(2_000);
    let late = cut_last(&workspace, 500);
    workspace.run().good();
    let between = jiff::Timestamp::now().to_string();
    fs::write(workspace.source("transactions_data_late.csv"), late).unwrap();
    workspace.run().good();

    let count = |at: &[&str]| {
        let sql = ["sql", "select count(*) as n from silver.transactions", "--format", "csv"];
        workspace.lakehouse(&[&sql[..], at].concat())
    };
    let rows = |at: &[&str]| count(at).good().stdout().lines().nth(1).unwrap().to_owned();
    assert_eq!(
        [rows(&[]), rows(&["--at", "1"]), rows(&["--at", "0"]), rows(&["--at", &between])],
        ["2000", "2000", "1500", "1500"]
    );
    for never in ["7", "1999-01-01 00:00:00"] {
        let refused = count(&["--at", never]).bad();
        assert!(refused.stderr().contains("`fraud.silver.transactions` cannot be read at"), "{}", refused.stderr());
    }
}

#[test]
fn new_content_under_an_old_name_replaces_that_files_rows() {
    let whole = Workspace::with_sample(5_000);
    let grown = Workspace::with_sample(5_000);
    let path = grown.source("transactions_data.csv");
    let full = fs::read(&path).unwrap();
    cut_last(&grown, 700);
    grown.run().good();
    fs::write(&path, full).unwrap();

    let report = grown.run().good().json();
    whole.run().good();

    assert_eq!(report["sources"][5]["rows"], 5_000, "{report:#}");
    assert!(report["tables"][0]["decision"].as_str().unwrap().starts_with("rebuild: rows of bronze.transactions were replaced"));
    assert_eq!(contents(&grown), contents(&whole));
}

#[test]
fn the_same_content_under_another_name_does_not_land_twice() {
    let workspace = Workspace::with_sample(2_000);
    workspace.run().good();
    fs::copy(workspace.source("transactions_data.csv"), workspace.source("transactions_data_copy.csv")).unwrap();

    workspace.run().good();

    assert_eq!(workspace.value("select count(*) from bronze.transactions"), "2000");
}

#[test]
fn rows_that_another_file_has_brought_are_duplicates() {
    let workspace = Workspace::with_sample(2_000);
    workspace.run().good();
    let text = fs::read_to_string(workspace.source("transactions_data.csv")).unwrap();
    let again: Vec<&str> = text.lines().take(11).collect();
    let fresh = "99999999,2019-10-31 23:59:00,1,1,$1.00,Swipe Transaction,77,Beulah,ND,58523.0,5812,";
    fs::write(workspace.source("transactions_data_again.csv"), format!("{}\n{fresh}\n", again.join("\n"))).unwrap();

    let report = workspace.run().good().json();

    assert_eq!(report["sources"][5]["quarantined"]["duplicate id"], 10, "{report:#}");
    assert_eq!(workspace.value("select count(*) from bronze.transactions"), "2001");
}

#[test]
fn compressed_files_are_the_same_rows() {
    let plain = Workspace::with_sample(2_000);
    let packed = Workspace::with_sample(2_000);
    let text = fs::read(packed.source("transactions_data.csv")).unwrap();
    fs::write(packed.source("transactions_data.csv.zst"), zstd::encode_all(text.as_slice(), 1).unwrap()).unwrap();
    fs::remove_file(packed.source("transactions_data.csv")).unwrap();
    plain.run().good();
    packed.run().good();
    assert_eq!(contents(&packed), contents(&plain));
}

#[test]
fn later_transactions_never_change_earlier_signals() {
    let workspace = Workspace::with_sample(5_000);
    let late = cut_last(&workspace, 1_000);
    workspace.run().good();
    let latest = workspace.value("select cast(max(transaction_id) as varchar) from signals.transactions");
    let earlier = format!("select * from signals.transactions where transaction_id <= {latest} order by transaction_id");
    let before = workspace.rows(&earlier);
    fs::write(workspace.source("transactions_data_late.csv"), late).unwrap();

    workspace.run().good();

    assert_eq!(workspace.rows(&earlier), before);
}

/// The transactions contract says something else about a row: all rows are read anew, and nothing about them changes.
#[test]
fn a_new_contract_reads_every_file_again_and_keeps_its_date() {
    let workspace = Workspace::with_sample(2_000);
    let files: Vec<String> = [400, 300, 200].into_iter().map(|rows| cut_last(&workspace, rows)).collect();
    workspace.run().good();
    for (number, text) in files.iter().rev().enumerate() {
        fs::write(workspace.source(&format!("transactions_data_{}.csv", 9 - number)), text).unwrap();
        workspace.run().good();
    }
    let dates = "select situation_date, count(*) as n, sum(amount) as a from silver.transactions group by 1 order by 1";
    let before = (contents(&workspace), workspace.rows(dates));
    assert_eq!(before.1.len(), 4);

    for about in ["one row each", "one row per transaction"] {
        workspace.edit_domain("ingestion/transactions.toml", "one row per transaction", about);
        workspace.run_edited().good();
        assert_eq!((contents(&workspace), workspace.rows(dates)), before, "{about}");
    }
}
