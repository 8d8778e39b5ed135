//! The same condition as filters of REST, in our SQL and in DuckDB over the exported Parquet.

use std::{collections::BTreeMap, path::Path, process::Command};

use serde_json::{Value, json};

use crate::place::{Place, typed};

const MART: &str = "/datamarts/fraud/dm_client_features";
const CASES: u64 = 400;

/// Answers the conditions it is given as lines with the ids of the rows that fit.
const DUCKDB: &str = "
import duckdb, json, sys
rows = duckdb.read_parquet(sys.argv[1])
for condition in json.load(open(sys.argv[2])):
    found = duckdb.sql(f'select client_id from rows where {condition} order by client_id').fetchall()
    print(json.dumps([row[0] for row in found]))
";

/// A condition, said twice.
struct Condition {
    rest: String,
    sql: String,
}

/// Picks numbers below what is asked for.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len() as u64) as usize]
    }
}

const VALUES: [(&str, bool, &[&str]); 6] = [
    ("client_id", true, &["000", "007", "050", "099", "1", "zzz", ""]),
    ("tx_count", false, &["-1", "0", "1", "2", "4", "9223372036854775807"]),
    ("share", false, &["0.25", "-1.5", "0", "1e3", "0.1", "1000000"]),
    ("word", true, &["", "a", "word 7, é", "Word", "100%", "it's", "_"]),
    ("is_new", false, &["true", "false"]),
    ("seen_at", true, &["2026-01-01T00:00:00Z", "2026-01-02T03:04:05Z", "1969-12-31T23:59:59Z"]),
];

fn condition(dice: &mut Dice) -> Condition {
    let (column, is_text, values) = VALUES[dice.roll(VALUES.len() as u64) as usize];
    let quoted = |value: &str| if is_text { format!("'{}'", value.replace('\'', "''")) } else { value.to_owned() };
    let value = dice.pick(values);
    let (rest, sql) = match dice.roll(10) {
        0 => {
            let (word, sql) = if dice.roll(2) == 0 { ("true", "is null") } else { ("false", "is not null") };
            (format!("is_null.{word}"), format!("{column} {sql}"))
        }
        1 if column != "word" => {
            let other = dice.pick(values);
            (format!("in.{value},{other}"), format!("{column} in ({}, {})", quoted(value), quoted(other)))
        }
        2 | 3 if column == "word" || column == "client_id" => {
            let pattern = dice.pick(&["%", "0%", "_0_", "%d%", "word_7%", "é", "%é", "", "__"]);
            (format!("like.{pattern}"), format!("{column} like '{pattern}'"))
        }
        _ => {
            let operators = [("eq", "="), ("ne", "<>"), ("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">=")];
            let (word, sign) = operators[dice.roll(6) as usize];
            (format!("{word}.{value}"), format!("{column} {sign} {}", quoted(value)))
        }
    };
    Condition { rest: form(column, &rest), sql }
}

fn form(name: &str, value: &str) -> String {
    serde_urlencoded::to_string([(name, value)]).unwrap()
}

/// One to three conditions that must all hold.
fn conditions(seed: u64) -> Condition {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let all: Vec<Condition> = (0..=dice.roll(3)).map(|_| condition(&mut dice)).collect();
    Condition {
        rest: all.iter().map(|one| one.rest.as_str()).collect::<Vec<_>>().join("&"),
        sql: all.iter().map(|one| format!("({})", one.sql)).collect::<Vec<_>>().join(" and "),
    }
}

fn ids(rows: &Value) -> Vec<String> {
    assert!(rows.is_array(), "{rows}");
    rows.as_array().unwrap().iter().map(|row| row["client_id"].as_str().unwrap().to_owned()).collect()
}

/// What DuckDB says to each condition over a Parquet file.
fn duckdb(folder: &Path, parquet: &[u8], conditions: &[&str]) -> Vec<Vec<String>> {
    let (rows, asked) = (folder.join("rows.parquet"), folder.join("conditions.json"));
    std::fs::write(&rows, parquet).unwrap();
    std::fs::write(&asked, serde_json::to_vec(conditions).unwrap()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/readers");
    let python = Command::new(script).output().unwrap();
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    let python = String::from_utf8(python.stdout).unwrap();
    let mut command = Command::new(python.trim());
    let output = command.args(["-c", DUCKDB]).args([&rows, &asked]).env("TZ", "UTC").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_a_condition_and_duckdb_find_the_same_rows_and_a_table_falls_in_three() {
    let place = Place::with_numbers(10).await;
    place.publish(&typed()).await;
    let cases: Vec<Condition> = (1..=CASES).map(conditions).collect();
    let parquet = place.in_format("select * from dm_client_features", "application/vnd.apache.parquet").await;
    let parquet = parquet.bytes().await.unwrap();
    let sql: Vec<&str> = cases.iter().map(|case| case.sql.as_str()).collect();
    let by_duckdb = duckdb(place.folder(), &parquet, &sql);

    let mut parts = BTreeMap::new();
    for (Condition { rest, sql }, by_duckdb) in cases.iter().zip(&by_duckdb) {
        let (status, by_rest) = place.get(&format!("{MART}?{rest}&limit=1000")).await;
        assert_eq!(status, 200, "{rest}: {by_rest}");
        let select = "select client_id from dm_client_features where";
        let by_sql = ids(&place.rows(&format!("{select} {sql} order by client_id")).await);
        assert_eq!(ids(&by_rest), by_sql, "{rest} is {sql}");
        assert_eq!(&by_sql, by_duckdb, "{sql}");
        let fits = by_sql.len();
        let not = ids(&place.rows(&format!("{select} not ({sql})")).await).len();
        let null = ids(&place.rows(&format!("{select} ({sql}) is null")).await).len();
        assert_eq!(fits + not + null, 100, "{sql}: {fits} fit, {not} do not, {null} are unknown");
        *parts.entry([fits, not, null].iter().filter(|part| **part > 0).count()).or_insert(0) += 1;
    }
    println!("{CASES} predicates in REST, SQL and DuckDB; parts a table falls into: {parts:?}");
    assert!(parts[&2] > 50 && parts[&3] > 50, "{}", json!(parts));
}
