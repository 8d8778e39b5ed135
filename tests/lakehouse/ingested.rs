//! Transactions that are in a real PostgreSQL: loaded over HTTP, read by date.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    database::Database,
    program::{Ran, Workspace},
    services::Served,
};

const SETTING: &str = "LAKEHOUSE_SOURCE_DATABASE_URL";
const LOAD: &str = "tables/transaction_data/load";

/// A workspace whose transactions are in `database`: no file of them is left in the folder.
fn with_database(workspace: Workspace, database: &Database) -> Workspace {
    let workspace = workspace.with_environment(SETTING, &database.url());
    std::fs::rename(workspace.source("transactions_data.csv"), workspace.path().join("transactions_data.csv")).unwrap();
    workspace
}

fn load(served: &Served, text: impl Into<reqwest::Body>) -> Value {
    let (status, answer) = served.send(served.client.post(format!("{}/{LOAD}", served.sources)).body(text));
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    answer
}

/// Loads the workspace's transactions in parts of equal length; gives what was loaded of each.
fn load_parts(workspace: &Workspace, parts: usize) -> Vec<Value> {
    let text = std::fs::read(workspace.path().join("transactions_data.csv")).unwrap();
    let served = Served::start(workspace);
    if parts == 1 {
        return vec![load(&served, text)];
    }
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    let header = lines.next().unwrap();
    let rows: Vec<&[u8]> = lines.collect();
    rows.chunks(rows.len().div_ceil(parts)).map(|part| load(&served, [header, &part.concat()].concat())).collect()
}

fn landed(ran: &Ran) -> Vec<String> {
    let report = ran.json();
    let source = report["sources"].as_array().unwrap().iter().find(|source| source["source"] == "transactions").unwrap().clone();
    source["landed"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

const ROWS: &str = "select * from bronze.transactions order by id";

#[test]
fn the_database_gives_the_rows_the_file_gives() {
    let database = Database::new();
    let from_file = Workspace::new();
    from_file.generate(&["--transactions", "5000", "--dirty", "0.05"]);
    let from_database = Workspace::new();
    from_database.generate(&["--transactions", "5000", "--dirty", "0.05"]);
    let from_database = with_database(from_database, &database);
    from_file.run().good();
    let loaded = load_parts(&from_database, 1);
    from_database.run().good();
    let (file_rows, database_rows) = (from_file.rows(ROWS), from_database.rows(ROWS));
    assert_eq!(file_rows.len(), database_rows.len());
    for (of_file, of_database) in file_rows.iter().zip(&database_rows) {
        assert_eq!(of_file, of_database);
    }
    let refused = loaded[0]["refused"].as_u64().unwrap();
    let quarantined =
        |workspace: &Workspace| workspace.value("select count(*) from quarantine.transactions").parse::<u64>().unwrap();
    assert!(refused > 0);
    assert_eq!(refused + quarantined(&from_database), quarantined(&from_file), "every row is somewhere");
    println!("{} rows alike, {refused} refused at the door", file_rows.len());
}

#[test]
fn a_date_is_read_once_and_keeps_its_place() {
    let database = Database::new();
    let workspace = with_database(Workspace::with_sample(4_000), &database);
    load_parts(&workspace, 2);
    let first = workspace.run().good();
    assert_eq!(landed(&first), ["transaction_data/2025-01-01", "transaction_data/2025-01-02"]);
    let plan = workspace.lakehouse(&["plan", "fraud", "--sources", "sources"]).good().stdout();
    assert!(plan.contains("transaction_data/2025-01-02: unchanged"), "{plan}");
    assert_eq!(landed(&workspace.run().good()), [""; 0]);

    database.run("create table other as select * from transaction_data where situation_date = '2025-01-02'; update other set id = id + 1000000000, situation_date = '2025-01-05'; insert into transaction_data select * from other");
    // What the earlier dates hold now is not read.
    database.run("update transaction_data set amount = amount + 1 where situation_date = '2025-01-01'");
    assert_eq!(landed(&workspace.run().good()), ["transaction_data/2025-01-05"]);
    let counts = workspace.rows("select situation_date, count(*) as n from silver.transactions group by 1 order by 1");
    let counts: Vec<_> = counts.iter().map(|row| format!("{}|{}", row["situation_date"], row["n"])).collect();
    assert_eq!(counts, database.lines("select situation_date, count(*) from transaction_data group by 1 order by 1"));
}

#[test]
fn a_backfill_replaces_exactly_the_batches_of_its_dates() {
    let database = Database::new();
    let workspace = with_database(Workspace::with_sample(3_000), &database);
    load_parts(&workspace, 3);
    workspace.run().good();
    let of_day = |day: u32| workspace.rows(&format!("select * from bronze.transactions where batch_number = {day} order by id"));
    let (one, three) = (of_day(1), of_day(3));
    database.run("delete from transaction_data where situation_date = '2025-01-02' and id % 2 = 0; update transaction_data set errors = 'seen again' where situation_date <> '2025-01-03'; delete from transaction_data where situation_date = '2025-01-03'");

    assert_eq!(landed(&workspace.run().good()), [""; 0], "a plain run reads no date twice");
    let backfill = |from: &str, to: &str| {
        workspace.lakehouse(&["run", "fraud", "--sources", "sources", "--skip-training", "--json", "--from", from, "--to", to])
    };
    assert_eq!(landed(&backfill("2025-01-02", "2025-01-02").good()), ["transaction_data/2025-01-02"]);
    assert_eq!((of_day(1), of_day(3)), (one, three), "the others are as they were");
    let two = of_day(2);
    assert!(!two.is_empty() && two.iter().all(|row| row["errors"] == "seen again"));
    assert_eq!(
        two.len().to_string(),
        database.lines("select count(*) from transaction_data where situation_date = '2025-01-02'")[0]
    );
    assert_eq!(landed(&workspace.run().good()), [""; 0]);

    backfill("2025-01-01", "2025-01-03").good();
    assert!(of_day(3).is_empty(), "what is gone there is gone here");
    assert_eq!(
        workspace.value("select count(*) from silver.transactions"),
        database.lines("select count(*) from transaction_data")[0]
    );
    backfill("2025-01-03", "2025-01-01").bad();
    backfill("someday", "2025-01-01");
}

#[test]
fn a_database_that_refuses_is_away_or_has_no_table_changes_nothing_and_shows_no_secret() {
    let database = Database::new();
    let workspace = with_database(Workspace::with_sample(1_000), &database);
    let empty = workspace.run().bad();
    assert!(empty.stderr().contains("public.transaction_data") && empty.stderr().contains("is not there"), "{}", empty.stderr());
    load_parts(&workspace, 1);
    workspace.run().good();
    let before = workspace.rows(ROWS);
    let mut wrong: url::Url = database.url().parse().unwrap();
    wrong.set_password(Some("wr0ng-pa55word")).unwrap();
    let mut away: url::Url = database.url().parse().unwrap();
    away.set_port(Some(1)).unwrap();
    let mut typo: url::Url = database.url().parse().unwrap();
    typo.set_query(Some("pasword=wr0ng-pa55word"));
    for (url, reason) in [(wrong, "password authentication failed"), (away, "failed to connect"), (typo, "`source_database_url`")]
    {
        let mut command = workspace.command(&["run", "fraud", "--sources", "sources", "--skip-training"]);
        let failed = Ran { output: command.env(SETTING, url.as_str()).output().unwrap() }.bad();
        let text = failed.stdout() + &failed.stderr();
        assert!(text.contains(reason), "{text}");
        assert!(!text.contains("pa55word") && !text.contains(&database.password()), "{text}");
    }
    database.run("drop table transaction_data");
    workspace.run().bad();
    assert_eq!(workspace.rows(ROWS), before);
    let shown = workspace.lakehouse(&["config"]).good().stdout();
    assert!(shown.contains("source_database_url") && !shown.contains(&database.password()), "{shown}");
}

#[test]
fn a_service_that_is_killed_in_the_middle_of_a_load_has_loaded_nothing() {
    let database = Database::new();
    let workspace = with_database(Workspace::with_sample(150_000), &database);
    let text = std::fs::read_to_string(workspace.path().join("transactions_data.csv")).unwrap();
    let rows = text.lines().count() - 1;
    let mut killed = 0;
    for _ in 0..3 {
        let mut served = Served::start(&workspace);
        let request = served.client.post(format!("{}/{LOAD}", served.sources)).body(text.clone());
        let sending = served.runtime.spawn(request.send());
        let deadline = Instant::now() + Duration::from_secs(60);
        let copying = "select count(*) from pg_stat_activity where datname = current_database() and state = 'active' and query like 'copy%'";
        while database.lines(copying) == ["0"] {
            assert!(Instant::now() < deadline, "the copy begins");
        }
        served.child.kill().unwrap();
        served.child.wait().unwrap();
        killed += u32::from(served.runtime.block_on(sending).unwrap().is_err());
        while database.lines(copying) != ["0"] {
            assert!(Instant::now() < deadline, "the server notices");
        }
        assert_eq!(database.lines("select to_regclass('transaction_data') is null as nothing"), ["true"]);
    }
    let answer = load(&Served::start(&workspace), text);
    assert_eq!((&answer["rows"], &answer["situation_date"]), (&json!(rows), &json!("2025-01-01")));
    println!("killed {killed} times in the middle of {rows} rows, loaded once");
}
