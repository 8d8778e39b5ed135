//! Files that are wrong: single rows go to quarantine, whole files fail their source and change nothing.

use std::{fs, io::Write as _};

use flate2::{Compression, write::GzEncoder};

use crate::program::Workspace;

const HEADER: &str = "id,date,client_id,card_id,amount,use_chip,merchant_id,merchant_city,merchant_state,zip,mcc,errors";

/// A small sample whose transactions are replaced by the given rows.
fn with_transactions(rows: &[&[u8]]) -> Workspace {
    let workspace = Workspace::with_sample(1_000);
    let mut file = Vec::from(HEADER);
    file.push(b'\n');
    for row in rows {
        file.extend(*row);
        file.push(b'\n');
    }
    fs::write(workspace.source("transactions_data.csv"), file).unwrap();
    workspace
}

fn good_row(id: u32) -> String {
    format!("{id},2019-10-0{} 10:00:00,1,1,$12.50,Swipe Transaction,77,Beulah,ND,58523.0,5812,", id % 9 + 1)
}

#[test]
fn rows_that_break_the_contract_are_kept_with_line_and_reason() {
    let (first, second) = (good_row(1), good_row(2));
    let bad: [(&[u8], &str); 9] = [
        (b"3,2019-10-01 10:00:00,1,1,$12.5x,Swipe Transaction,77,Beulah,ND,58523.0,5812,", "amount is not an amount of money"),
        (b"4,2019-13-01 10:00:00,1,1,$12.50,Swipe Transaction,77,Beulah,ND,58523.0,5812,", "date is not a date and time"),
        (b",2019-10-01 10:00:00,1,1,$12.50,Swipe Transaction,77,Beulah,ND,58523.0,5812,", "id is missing"),
        (b"5,2019-10-01 10:00:00,1,1,$12.50,Swipe Transaction,77,Beulah,ND,58523.0,5812", "11 fields where the header has 12"),
        (b"6,2019-10-01 10:00:00,1,1,$12.50,Swipe Transaction,77,Beulah,ND,58523.0,5812,,x", "13 fields where the header has 12"),
        (b"7,2019-10-01 10:00:00,1,1,$12.50,Swipe \xff,77,Beulah,ND,58523.0,5812,", "use_chip is not valid UTF-8"),
        (b"1,2019-10-01 10:00:00,1,1,$12.50,Swipe Transaction,77,Beulah,ND,58523.0,5812,", "duplicate id"),
        (b"8,2019-10-01 10:00:00,1,1,NaN,Swipe Transaction,77,Beulah,ND,58523.0,5812,", "amount is not an amount of money"),
        (b"9,2019-10-01 10:00:00,1,1,,Swipe Transaction,77,Beulah,ND,58523.0,5812,", "amount is missing"),
    ];
    let mut rows: Vec<&[u8]> = vec![first.as_bytes(), second.as_bytes()];
    rows.extend(bad.iter().map(|(row, _)| *row));
    let workspace = with_transactions(&rows);

    let report = workspace.run().good().json();

    let transactions = &report["sources"][5];
    assert_eq!((transactions["rows_read"].as_u64(), transactions["rows"].as_u64()), (Some(11), Some(2)), "{transactions:#}");
    let kept = workspace.rows("select origin, line, reason from quarantine.transactions order by line");
    let found: Vec<(&str, &str)> = kept.iter().map(|row| (row["line"].as_str(), row["reason"].as_str())).collect();
    let lines: Vec<String> = (4..13).map(|line| line.to_string()).collect();
    let expected: Vec<(&str, &str)> = lines.iter().map(String::as_str).zip(bad.map(|(_, reason)| reason)).collect();
    assert_eq!(found, expected);
    assert!(kept.iter().all(|row| row["origin"] == "transactions_data.csv"));
}

#[test]
fn every_row_of_a_dirty_file_is_in_bronze_or_in_quarantine() {
    let workspace = Workspace::new();
    workspace.generate(&["--transactions", "20000", "--dirty", "0.01"]);
    let text = fs::read(workspace.source("transactions_data.csv")).unwrap();
    let rows_in = text.iter().filter(|byte| **byte == b'\n').count() - 1;

    workspace.run().good();

    let bronze: usize = workspace.value("select count(*) from bronze.transactions").parse().unwrap();
    let quarantine: usize = workspace.value("select count(*) from quarantine.transactions").parse().unwrap();
    assert_eq!(bronze + quarantine, rows_in);
    assert_eq!(quarantine, 200);
}

#[test]
fn an_extra_column_is_reported_and_ignored() {
    let workspace = Workspace::with_sample(1_000);
    let users = fs::read_to_string(workspace.source("users_data.csv")).unwrap();
    let wider: Vec<String> =
        users.lines().enumerate().map(|(row, line)| format!("{line},{}", if row == 0 { "shoe_size" } else { "42" })).collect();
    fs::write(workspace.source("users_data.csv"), wider.join("\n") + "\n").unwrap();

    let report = workspace.run().good().json();

    assert_eq!(report["sources"][6]["source"], "users");
    assert_eq!(report["sources"][6]["ignored_columns"][0], "shoe_size");
}

/// Breaks a file of a lake that has data, and tells what the run says. No table may have changed; with the good file back, a run
/// must succeed.
fn broken(file: &str, damage: impl FnOnce(Vec<u8>) -> Option<Vec<u8>>, sentence: &str) {
    let workspace = Workspace::with_sample(1_000);
    workspace.run().good();
    let before = versions(&workspace);
    let good = fs::read(workspace.source(file)).unwrap();
    // Something new in another source, which must not land while this one fails.
    let cards = fs::read_to_string(workspace.source("cards_data.csv")).unwrap();
    if file != "cards_data.csv" {
        let without_last: Vec<&str> = cards.lines().collect();
        fs::write(workspace.source("cards_data.csv"), without_last[..without_last.len() - 1].join("\n") + "\n").unwrap();
    }
    match damage(good.clone()) {
        Some(bytes) => fs::write(workspace.source(file), bytes).unwrap(),
        None => fs::remove_file(workspace.source(file)).unwrap(),
    }

    let refused = workspace.run().bad();

    assert!(refused.stderr().contains(sentence), "`{sentence}` is not in: {}", refused.stderr());
    assert_eq!(versions(&workspace), before, "a table changed");
    fs::write(workspace.source(file), good).unwrap();
    workspace.run().good();
}

/// Every table and its newest commit file.
fn versions(workspace: &Workspace) -> Vec<String> {
    let mut found = Vec::new();
    for schema in ["bronze", "quarantine", "silver", "signals", "gold"] {
        let Ok(tables) = fs::read_dir(workspace.lake().join(schema).join("fraud")) else { continue };
        for table in tables {
            let log = table.unwrap().path().join("_delta_log");
            // Files of a table that was never committed are not a table.
            let Ok(commits) = fs::read_dir(&log) else { continue };
            found.push(format!("{}: {}", log.display(), commits.count()));
        }
    }
    found.sort();
    found
}

#[test]
fn a_csv_file_that_is_cut_off_fails_its_source() {
    let cut = |mut bytes: Vec<u8>| {
        bytes.truncate(bytes.len() - 30);
        Some(bytes)
    };
    broken("transactions_data.csv", cut, "source `transactions`: `transactions_data.csv` is cut off");
}

#[test]
fn a_json_file_that_is_cut_off_fails_its_source() {
    let cut = |mut bytes: Vec<u8>| {
        bytes.truncate(bytes.len() / 2);
        Some(bytes)
    };
    broken("train_fraud_labels.json", cut, "source `labels`: `train_fraud_labels.json` is cut off");
}

#[test]
fn an_empty_file_fails_its_source() {
    broken("transactions_data.csv", |_| Some(Vec::new()), "`transactions_data.csv` is empty");
    broken("mcc_codes.json", |_| Some(Vec::new()), "`mcc_codes.json` is empty");
}

#[test]
fn a_missing_file_fails_its_source() {
    broken("users_data.csv", |_| None, "source `users`: no file `users_data*.csv`");
}

#[test]
fn a_missing_column_fails_its_source() {
    let rename = |bytes: Vec<u8>| Some(String::from_utf8(bytes).unwrap().replacen("credit_limit", "limit", 1).into_bytes());
    broken("cards_data.csv", rename, "`cards_data.csv` has no column credit_limit");
}

#[test]
fn a_file_of_another_shape_fails_its_source() {
    broken("train_fraud_labels.json", |_| Some(b"[1, 2, 3]".to_vec()), "is not the JSON its contract promises");
    broken("train_fraud_labels.json", |_| Some(b"{\"labels\": {}}".to_vec()), "has no member `target`");
    broken("transactions_data.csv", |_| Some(b"\x89PNG\r\n\x1a\n".to_vec()), "`transactions_data.csv` has no column");
}

#[test]
fn a_file_with_a_header_and_no_rows_fails_its_source() {
    let header_only = |bytes: Vec<u8>| Some(bytes.split_inclusive(|byte| *byte == b'\n').next().unwrap().to_vec());
    broken("cards_data.csv", header_only, "`cards_data.csv` has no rows");
}

#[test]
fn a_gzip_file_that_is_cut_off_fails_its_source() {
    let workspace = Workspace::with_sample(1_000);
    let plain = fs::read(workspace.source("transactions_data.csv")).unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&plain).unwrap();
    let whole = gzip.finish().unwrap();
    fs::remove_file(workspace.source("transactions_data.csv")).unwrap();
    fs::write(workspace.source("transactions_data.csv.gz"), &whole[..whole.len() / 2]).unwrap();

    let refused = workspace.run().bad();

    assert!(refused.stderr().contains("failed to read `transactions_data.csv.gz`; is it whole?"), "{}", refused.stderr());
    assert!(versions(&workspace).is_empty());
    fs::write(workspace.source("transactions_data.csv.gz"), whole).unwrap();
    workspace.run().good();
    assert_eq!(workspace.value("select count(*) from bronze.transactions"), "1000");
}

#[test]
fn a_sources_folder_that_is_not_there_is_named() {
    let workspace = Workspace::new();
    let refused = workspace.lakehouse(&["run", "fraud", "--sources", "nowhere"]).bad();
    assert!(refused.stderr().contains("failed to list the sources folder `nowhere`"), "{}", refused.stderr());
    let refused = workspace.lakehouse(&["run", "nothing"]).bad();
    assert!(refused.stderr().contains("no domain is called `nothing`; known: fraud"), "{}", refused.stderr());
}
