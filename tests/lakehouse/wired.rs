//! Other people's clients of PostgreSQL at the whole program.

use std::{path::PathBuf, process::Command};

use serde_json::{Value, json};

use crate::{
    components::{drivers, postgres},
    program::Workspace,
    services::Served,
};

fn open() -> (Workspace, Served) {
    let workspace = Workspace::with_sample(2_000)
        .with_environment("LAKEHOUSE_API__POSTGRES__ENABLED", "true")
        .with_environment("LAKEHOUSE_API__POSTGRES__PORT", "0");
    workspace.run().good();
    let served = Served::start(&workspace);
    (workspace, served)
}

#[test]
fn drivers_see_what_http_shows() {
    let (_workspace, served) = open();
    let (host, port) = served.postgres.split_once(':').unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lakehouse/wire_clients.py");
    let output = Command::new(drivers()).args([script, host, port]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ask = |sql: &str| served.post(&format!("{}/sql", served.api), &json!({ "sql": sql })).1["rows"][0].clone();
    let some = ask("select count(*) as n, sum(tx_count) as total from gold.dm_client_features where tx_count > 1");
    let all = ask("select count(*) as n from gold.dm_client_features");
    for (driver, seen) in seen.as_object().unwrap() {
        assert_eq!(*seen, json!([some["n"], some["total"], true, all["n"]]), "{driver}");
    }
    assert_eq!(seen.as_object().unwrap().len(), 4);
}

/// The newest psql of this machine; PostgreSQL's packages bring it.
fn psql() -> PathBuf {
    postgres();
    let versions = std::fs::read_dir("/usr/lib/postgresql").unwrap();
    let mut found: Vec<PathBuf> =
        versions.map(|version| version.unwrap().path().join("bin/psql")).filter(|psql| psql.exists()).collect();
    found.sort();
    found.pop().unwrap()
}

#[test]
fn psql_finds_its_way_around() {
    let (_workspace, served) = open();
    let (host, port) = served.postgres.split_once(':').unwrap();
    let run = |command: &str| {
        let at = format!("host={host} port={port} user=anybody dbname=fraud sslmode=disable");
        let output = Command::new(psql()).args(["-X", "-A", "-v", "ON_ERROR_STOP=1", "-d", &at, "-c", command]).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    for (command, expected) in [
        (r"\dt", "gold|dm_client_features|table|local"),
        (r"\dt silver.*", "silver|transactions|table|local"),
        (r"\d gold.dm_client_features", "client_id|text||"),
        (r"\d+ gold.dm_client_features", "tx_count|bigint||"),
        (r"\dn", "gold|local"),
        (r"\l", "fraud|local|UTF8"),
        (r"\du", "local"),
        (r"\conninfo", "fraud"),
        ("select version()", "Lakehouse"),
        ("show server_version", "14.0"),
        ("select count(*) from information_schema.columns where table_name = 'dm_client_features'", "1 row"),
        ("select 'gold.dm_client_features'::regclass::oid > 0 as known", "t"),
    ] {
        let answer = run(command);
        assert!(answer.contains(expected), "{command}: {answer}");
    }
    for command in [r"\dv", r"\di", r"\df", r"\dT", r"\dp", r"\ds", r"\dx"] {
        run(command);
    }
    assert_eq!(run(r"\copy (select 1 as a, 'b,c' as b) to stdout csv header"), "a,b\n1,\"b,c\"\n");
}
