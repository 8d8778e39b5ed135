//! Our tables in other programs, and theirs in ours.

use std::process::Command;

use serde_json::Value;

use crate::{
    components::{Bucket, readers},
    program::Workspace,
};

const TABLES: [(&str, &str, &str, &str); 4] = [
    ("silver/fraud/transactions", "silver.transactions", "amount", "transaction_id"),
    ("signals/fraud/transactions", "signals.transactions", "card_amount_7d", "transaction_id"),
    ("gold/fraud/dm_client_features", "gold.dm_client_features", "avg_amount", "client_id"),
    ("bronze/fraud/transactions", "bronze.transactions", "amount", "batch_number"),
];

/// What the readers see, after which the table `silver.written_elsewhere` is there.
fn others_see(workspace: &Workspace, uri: &str, credentials: &[(&str, &str)]) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lakehouse/readers.py");
    let mut command = Command::new(readers());
    command.current_dir(workspace.path()).arg(script).arg(uri).envs(credentials.iter().copied());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn agree(workspace: &Workspace, seen: &Value) {
    for (path, table, number, key) in TABLES {
        let ours = &workspace
            .rows(&format!("select count(*) as n, sum({number}) as total, count(distinct {key}) as keys from {table}"))[0];
        for (reader, tables) in seen.as_object().unwrap() {
            let theirs = &tables[path];
            assert_eq!(
                (theirs[0].to_string(), theirs[2].to_string()),
                (ours["n"].clone(), ours["keys"].clone()),
                "{reader}, {path}"
            );
            let (total, expected) = (theirs[1].as_f64().unwrap(), ours["total"].parse::<f64>().unwrap());
            assert!((total - expected).abs() <= expected.abs() * 1e-9, "{reader}, {path}: {total}, ours {expected}");
        }
    }
    let sql =
        "select count(*) as n, sum(id) as ids, count(distinct name) as names, max(half) as half from silver.written_elsewhere";
    let row = &workspace.rows(sql)[0];
    assert_eq!([&row["n"], &row["ids"], &row["names"], &row["half"]], ["2000", "999000", "1000", "499.5"]);
}

/// Two batches and a replaced one, so that there are removed files that must not be seen.
fn run_in_parts(workspace: &Workspace) {
    workspace.run().good();
    let path = workspace.source("transactions_data.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    std::fs::write(&path, lines[..1500].join("\n") + "\n").unwrap();
    workspace.run().good();
    std::fs::write(workspace.source("transactions_data_more.csv"), format!("{}\n{}\n", lines[0], lines[1500..].join("\n")))
        .unwrap();
    workspace.run().good();
}

#[test]
fn on_disk_other_readers_see_what_we_see() {
    let workspace = Workspace::with_sample(3_000);
    run_in_parts(&workspace);
    let seen = others_see(&workspace, workspace.lake().to_str().unwrap(), &[]);
    assert_eq!(seen.as_object().unwrap().len(), 3);
    agree(&workspace, &seen);
}

#[test]
fn in_buckets_other_readers_see_what_we_see() {
    for store in Bucket::all() {
        let uri = store.fresh_uri();
        let workspace = Workspace::with_sample(3_000).in_bucket(&store).with_lake(&uri);
        run_in_parts(&workspace);
        let credentials = [
            ("AWS_ENDPOINT_URL", store.endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", &store.access_key),
            ("AWS_SECRET_ACCESS_KEY", &store.secret_key),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ALLOW_HTTP", "true"),
        ];
        let seen = others_see(&workspace, &uri, &credentials);
        agree(&workspace, &seen);
    }
}
