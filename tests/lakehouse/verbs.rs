//! The verbs, as a newcomer tries them.

use std::fs;

use crate::program::Workspace;

#[test]
fn every_verb_has_help() {
    let workspace = Workspace::new();
    let verbs: [&[&str]; 17] = [
        &["generate"],
        &["plan"],
        &["run"],
        &["care"],
        &["restore"],
        &["sql"],
        &["serve"],
        &["models"],
        &["models", "list"],
        &["models", "show"],
        &["models", "promote"],
        &["models", "rollback"],
        &["split"],
        &["doctor"],
        &["health"],
        &["smoke"],
        &["config"],
    ];
    for verb in verbs {
        let help = workspace.lakehouse(&[verb, &["--help"]].concat()).good();
        assert!(help.stdout().contains("Usage: lakehouse"), "{verb:?}");
    }
}

#[test]
fn generated_bytes_are_stable() {
    let (one, other) = (Workspace::with_sample(3_000), Workspace::with_sample(3_000));
    for file in ["transactions_data.csv", "cards_data.csv", "users_data.csv", "mcc_codes.json", "train_fraud_labels.json"] {
        assert_eq!(fs::read(one.source(file)).unwrap(), fs::read(other.source(file)).unwrap(), "{file}");
    }
}

#[test]
fn sql_answers_in_four_formats() {
    let workspace = Workspace::with_sample(1_000);
    workspace.run().good();
    let query = "select count(*) as purchases, null as nothing from silver.transactions";
    let table = workspace.lakehouse(&["sql", query]).good().stdout();
    assert!(table.contains("| purchases |") && table.contains("1000"), "{table}");
    assert_eq!(workspace.lakehouse(&["sql", query, "--format", "csv"]).good().stdout(), "purchases,nothing\n1000,\n");
    assert_eq!(
        workspace.lakehouse(&["sql", query, "--format", "json"]).good().stdout(),
        "{\"purchases\":1000,\"nothing\":null}\n"
    );
    workspace
        .lakehouse(&["sql", "select * from gold.dm_time_of_day_fraud", "--format", "parquet", "--out", "hours.parquet"])
        .good();
    assert_eq!(&fs::read(workspace.path().join("hours.parquet")).unwrap()[..4], b"PAR1");
    let refused = workspace.lakehouse(&["sql", query, "--format", "parquet"]).bad();
    assert!(refused.stderr().contains("parquet needs a file: add --out FILE"), "{}", refused.stderr());
}

#[test]
fn sql_only_reads() {
    let workspace = Workspace::with_sample(1_000);
    workspace.run().good();
    fs::write(workspace.path().join("secret.csv"), "a\n1\n").unwrap();
    let hostile = [
        "drop table silver.transactions",
        "delete from silver.transactions",
        "insert into silver.transactions select * from silver.transactions",
        "create table t as select 1",
        "create external table t stored as csv location 'secret.csv'",
        "copy (select 1) to 'stolen.csv'",
        "set datafusion.execution.batch_size = 1",
        "select * from 'secret.csv'",
        "select * from information_schema.tables",
        "select 1; select 2",
        "not sql at all",
        "",
    ];
    for statement in hostile {
        workspace.lakehouse(&["sql", statement]).bad();
    }
    assert!(!workspace.path().join("stolen.csv").exists());
    assert_eq!(workspace.value("select count(*) from silver.transactions"), "1000");
}

#[test]
fn a_file_is_split_and_its_parts_are_the_same_rows() {
    let whole = Workspace::with_sample(2_000);
    let parts = Workspace::with_sample(2_000);
    let printed = parts.lakehouse(&["split", "sources/transactions_data.csv", "--parts", "3"]).good().stdout();
    assert!(printed.contains("transactions_data_part1.csv  667 rows"), "{printed}");
    fs::remove_file(parts.source("transactions_data.csv")).unwrap();
    whole.run().good();
    parts.run().good();
    let marts = "select * from gold.dm_mcc_fraud_risk order by mcc_code";
    assert_eq!(parts.rows(marts), whole.rows(marts));
}

#[test]
fn the_doctor_finds_good_and_bad() {
    let workspace = Workspace::with_sample(1_000);
    let mut command = workspace.command(&["doctor", "--json"]);
    let good = command.env("LAKEHOUSE_SOURCES", workspace.sources()).output().unwrap();
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stdout));
    let findings: serde_json::Value = serde_json::from_slice(&good.stdout).unwrap();
    let store = findings.as_array().unwrap().iter().find(|finding| finding["check"] == "store").unwrap();
    assert_eq!(store["detail"], "one winner in each of 20 races of 32 writers");
    let bad = workspace.command(&["doctor"]).env("LAKEHOUSE_SOURCES", "nowhere").output().unwrap();
    assert_eq!(bad.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&bad.stdout).contains("make one with `lakehouse generate fraud"));
}

#[test]
fn models_are_listed_promoted_and_rolled_back() {
    let workspace = Workspace::with_sample(20_000);
    workspace.run_with_training().good();
    // Other rows give another version.
    workspace.generate(&["--transactions", "21000", "--seed", "7"]);
    workspace.run_with_training().good();

    let listed = workspace.lakehouse(&["models", "list", "--json"]).good().json();
    assert_eq!(listed[0]["model"], "fraud");
    assert_eq!(listed[0]["latest"], 2);
    assert_eq!(listed[1]["model"], "fraud_card");
    workspace.lakehouse(&["models", "promote", "fraud", "1"]).good();
    workspace.lakehouse(&["models", "promote", "fraud", "2"]).good();
    let back = workspace.lakehouse(&["models", "rollback", "fraud"]).good().stdout();
    assert_eq!(back, "the champion of fraud is version 1 again\n");
    let shown = workspace.lakehouse(&["models", "show", "fraud"]).good().stdout();
    assert!(shown.starts_with("fraud version 1, the champion"), "{shown}");
    assert!(shown.contains("average precision"), "{shown}");
    workspace.lakehouse(&["models", "promote", "fraud", "99"]).bad();
    workspace.lakehouse(&["models", "show", "nothing"]).bad();
}
