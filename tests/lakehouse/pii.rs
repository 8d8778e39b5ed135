//! Personal values: planted in the sources, looked for in every byte the program leaves behind.

use std::{fs, path::Path};

use crate::program::Workspace;

/// Values that must not be found anywhere, with where they are planted.
const CARD_NUMBER: &str = "4000777766665123";
const CVV: &str = "90817263";
const ADDRESS: &str = "1313 Webfoot Walk of Duckburg";

fn plant(workspace: &Workspace) {
    let cards = fs::read_to_string(workspace.source("cards_data.csv")).unwrap();
    let mut rows: Vec<Vec<String>> = cards.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
    rows[1][4] = CARD_NUMBER.to_owned();
    rows[1][6] = CVV.to_owned();
    // A row that breaks the contract, so that it goes to quarantine.
    let mut broken = rows[2].clone();
    broken[0] = "not a number".to_owned();
    broken[4] = CARD_NUMBER.to_owned();
    broken[6] = CVV.to_owned();
    rows.push(broken);
    let mut short = rows[3].clone();
    short[4] = CARD_NUMBER.to_owned();
    short[6] = CVV.to_owned();
    short.pop();
    rows.push(short);
    let text: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
    fs::write(workspace.source("cards_data.csv"), text.join("\n") + "\n").unwrap();

    let users = fs::read_to_string(workspace.source("users_data.csv")).unwrap();
    let mut rows: Vec<Vec<String>> = users.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
    for row in [1, 2] {
        rows[row][6] = ADDRESS.to_owned();
    }
    rows[2][1] = "young".to_owned();
    let text: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
    fs::write(workspace.source("users_data.csv"), text.join("\n") + "\n").unwrap();
}

fn files_below(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

fn holds(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[test]
fn protected_values_are_in_no_file_log_or_answer() {
    let workspace = Workspace::with_sample(20_000);
    plant(&workspace);

    let ran = workspace.command(&["run", "fraud", "--sources", "sources", "--log", "trace"]).output().unwrap();

    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let mut files = Vec::new();
    files_below(&workspace.lake(), &mut files);
    assert!(files.len() > 20, "only {} files to look at", files.len());
    for planted in [CARD_NUMBER, CVV, ADDRESS] {
        for file in &files {
            assert!(!holds(&fs::read(file).unwrap(), planted), "{planted} is in {}", file.display());
        }
        assert!(!holds(&ran.stderr, planted) && !holds(&ran.stdout, planted), "{planted} was printed");
    }
    // Parquet may hide a value in a compressed page: ask for it as well.
    for table in ["bronze.cards", "bronze.users", "quarantine.cards", "quarantine.users", "silver.transactions"] {
        let all = workspace.lakehouse(&["sql", &format!("select * from {table}"), "--format", "json"]).good();
        for planted in [CARD_NUMBER, CVV, ADDRESS] {
            assert!(!holds(&all.output.stdout, planted), "{planted} is in {table}");
        }
    }
    assert_eq!(workspace.value("select count(*) from bronze.cards where card_number = '5123'"), "1");
    assert_eq!(workspace.value("select count(*) from quarantine.cards"), "2");
}
