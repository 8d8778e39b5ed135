//! Datamarts published to a real PostgreSQL, and whoever reads them meanwhile.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

use crate::{
    database::Database,
    program::{Ran, Workspace},
};

const MARTS: [(&str, &str); 7] = [
    ("dm_client_features", "client_id"),
    ("dm_card_features", "tx_card_id"),
    ("dm_client_velocity", "client_id"),
    ("dm_mcc_fraud_risk", "mcc_code"),
    ("dm_time_of_day_fraud", "hour"),
    ("dm_card_latest_signals", "tx_card_id"),
    ("model_performance", "performance_id"),
];

fn published(workspace: Workspace, database: &Database) -> Workspace {
    workspace.with_environment("LAKEHOUSE_PUBLISH_DATABASE_URL", &database.url())
}

/// Adds transactions under new ids, as a second file.
fn add_transactions(workspace: &Workspace, round: u64, rows: usize) {
    let text = std::fs::read_to_string(workspace.source("transactions_data.csv")).unwrap();
    let mut lines = text.lines();
    let mut more = lines.next().unwrap().to_owned() + "\n";
    for line in lines.take(rows) {
        let (id, rest) = line.split_once(',').unwrap();
        more += &format!("{},{rest}\n", id.parse::<u64>().unwrap() + round * 1_000_000_000);
    }
    std::fs::write(workspace.source(&format!("transactions_data_{round}.csv")), more).unwrap();
}

fn steps(ran: &Ran) -> Vec<(String, bool)> {
    let report = ran.json();
    let steps = report["published"].as_array().unwrap().iter();
    steps.map(|step| (step["table"].as_str().unwrap().to_owned(), step["is_new"].as_bool().unwrap())).collect()
}

#[test]
fn the_datamarts_are_tables_with_their_types_and_keys_and_only_what_changed_is_written() {
    let database = Database::new();
    let workspace = published(Workspace::with_sample(3_000), &database);
    let first = workspace.run().good();
    assert_eq!(steps(&first).iter().filter(|(_, is_new)| *is_new).count(), MARTS.len(), "{}", first.stdout());
    let mut cells = 0;
    for (mart, key) in MARTS {
        let lake = workspace.rows(&format!("select * from gold.{mart} order by {key}"));
        let copy = database.lines(&format!("select row_to_json(m) from fraud.{mart} m order by {key}{}", collation(key)));
        assert_eq!(lake.len(), copy.len(), "{mart}");
        for (of_lake, of_copy) in lake.iter().zip(&copy) {
            let of_copy: serde_json::Map<String, Value> = serde_json::from_str(of_copy).unwrap();
            assert_eq!(of_lake.len(), of_copy.len());
            of_lake
                .iter()
                .for_each(|(column, value)| assert!(is_same(value, &of_copy[column]), "{mart} {column} {value} {of_copy:?}"));
            cells += of_lake.len();
        }
        let primary = format!(
            "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey) where i.indrelid = 'fraud.{mart}'::regclass and i.indisprimary"
        );
        assert_eq!(database.lines(&primary), [key]);
    }
    let types = database.lines("select data_type from information_schema.columns where table_schema = 'fraud' and table_name = 'dm_client_features' order by ordinal_position limit 4");
    assert_eq!(types, ["text", "bigint", "double precision", "double precision"]);

    let again = workspace.run().good();
    assert!(steps(&again).iter().all(|(_, is_new)| !is_new), "{}", again.stdout());
    let before = database.lines("select client_id, xmin from fraud.dm_client_features order by 1");
    assert_eq!(workspace.lakehouse(&["publish", "fraud"]).good().stdout().matches("unchanged").count(), MARTS.len());
    assert_eq!(database.lines("select client_id, xmin from fraud.dm_client_features order by 1"), before);

    let role = format!("bi_late_{}", std::process::id());
    let mut late = workspace.command(&["publish", "fraud"]);
    Ran { output: late.env("LAKEHOUSE_PUBLISH_READER", &role).output().unwrap() }.good();
    assert_eq!(database.lines(&format!("select has_table_privilege('{role}', 'fraud.dm_client_features', 'select')")), ["true"]);
    drop_role(&database, &role);

    database.run("drop table fraud.dm_mcc_fraud_risk");
    let mended = workspace.lakehouse(&["publish", "fraud", "--json"]).good();
    assert_eq!(mended.json().as_array().unwrap().iter().filter(|step| step["is_new"] == true).count(), 1);
    println!("{cells} cells in {} tables, published once", MARTS.len());
}

/// Texts are ordered by their bytes, as in the lake.
fn collation(key: &str) -> &'static str {
    if key == "hour" { "" } else { " collate \"C\"" }
}

/// Is a value of the lake, as text, the one of the copy?
fn is_same(text: &str, copy: &Value) -> bool {
    match copy {
        Value::Null => text.is_empty(),
        Value::Number(number) => text.parse() == Ok(number.as_f64().unwrap()),
        Value::String(copied) => *text == copied.replace("+00:00", "Z") || text == copied,
        Value::Bool(copied) => text.parse() == Ok(*copied),
        Value::Array(_) | Value::Object(_) => false,
    }
}

/// One look at two marts that are made from the same rows: their sums have to agree, and neither may be empty.
async fn look(connection: &mut PgConnection, sql: &str) -> sqlx::Result<(i64, i64)> {
    let row = connection.fetch_one(AssertSqlSafe(sql.to_owned())).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

#[test]
fn readers_never_see_a_gap_nor_an_empty_table_nor_a_mixture() {
    const ROUNDS: u64 = 6;
    const SUMS: &str = "select (select sum(tx_count)::bigint from fraud.dm_client_features), (select sum(tx_count)::bigint from fraud.dm_time_of_day_fraud)";
    let database = Arc::new(Database::new());
    let workspace = published(Workspace::with_sample(3_000), &database);
    workspace.run().good();
    let (stop, reads, states) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
        Arc::new(std::sync::Mutex::new(std::collections::BTreeSet::new())),
    );
    let readers: Vec<_> = (0..4)
        .map(|reader| {
            let (url, stop, reads, states) = (database.url(), stop.clone(), reads.clone(), states.clone());
            thread::spawn(move || {
                tokio::runtime::Runtime::new().unwrap().block_on(async {
                    let mut connection = PgConnection::connect(&url).await.unwrap();
                    while !stop.load(Ordering::Relaxed) {
                        // Half of the readers look twice in one transaction that sees one state.
                        let (first, second) = if reader % 2 == 0 {
                            connection.execute("begin isolation level repeatable read").await.unwrap();
                            let clients =
                                look(&mut connection, "select sum(tx_count)::bigint, count(*) from fraud.dm_client_features")
                                    .await
                                    .unwrap();
                            let hours =
                                look(&mut connection, "select sum(tx_count)::bigint, count(*) from fraud.dm_time_of_day_fraud")
                                    .await
                                    .unwrap();
                            connection.execute("commit").await.unwrap();
                            (clients.0, hours.0)
                        } else {
                            look(&mut connection, SUMS).await.unwrap()
                        };
                        assert_eq!(first, second, "a mixture of two publications");
                        states.lock().unwrap().insert(first);
                        reads.fetch_add(1, Ordering::Relaxed);
                    }
                });
            })
        })
        .collect();
    for round in 1..=ROUNDS {
        add_transactions(&workspace, round, 500);
        workspace.run().good();
    }
    stop.store(true, Ordering::Relaxed);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    let (reads, states) = (reads.load(Ordering::Relaxed), states.lock().unwrap().len());
    assert!(reads > 1_000, "{reads}");
    assert!(states > ROUNDS as usize / 2, "the readers were there while it changed: {states}");
    println!("{reads} reads of {states} states under {ROUNDS} publications: no gap, no mixture");
}

#[test]
fn an_open_snapshot_a_view_and_grants_outlive_a_publication() {
    let database = Database::new();
    let workspace =
        published(Workspace::with_sample(2_000), &database).with_environment("LAKEHOUSE_PUBLISH_READER", &reader_name());
    workspace.run().good();
    database.run("create view public.big_clients as select client_id, tx_count from fraud.dm_client_features where tx_count > 1; grant select on fraud.dm_client_features to public");
    let rights = "select relacl::text from pg_class where oid = 'fraud.dm_client_features'::regclass";
    let before = database.lines(rights);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let sum = "select sum(tx_count)::bigint, count(*) from fraud.dm_client_features";
    let mut open = runtime.block_on(database.connect());
    let old = runtime.block_on(async {
        open.execute("begin isolation level repeatable read").await.unwrap();
        look(&mut open, sum).await.unwrap()
    });
    add_transactions(&workspace, 1, 500);
    workspace.run().good();
    assert_eq!(runtime.block_on(look(&mut open, sum)).unwrap(), old, "the snapshot sees what it saw");
    runtime.block_on(open.execute("commit")).unwrap();
    assert_ne!(runtime.block_on(look(&mut open, sum)).unwrap(), old);
    assert_eq!(database.lines(rights), before);
    assert_ne!(database.lines("select count(*) from public.big_clients"), ["0"]);
    drop_role(&database, &reader_name());
}

fn reader_name() -> String {
    format!("bi_reader_{}", std::process::id())
}

fn drop_role(database: &Database, role: &str) {
    database.run(&format!("drop owned by {role}; drop role {role}"));
}

#[test]
fn the_readers_role_reads_what_is_published_and_nothing_else() {
    let database = Database::new();
    let role = format!("bi_only_{}", std::process::id());
    let workspace = published(Workspace::with_sample(1_000), &database).with_environment("LAKEHOUSE_PUBLISH_READER", &role);
    database.run("create table public.secrets (a int); insert into public.secrets values (1)");
    workspace.run().good();
    assert_eq!(database.lines(&format!("select rolcanlogin from pg_roles where rolname = '{role}'")), ["false"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut tried = 0;
    runtime.block_on(async {
        let mut connection = database.connect().await;
        connection.execute(AssertSqlSafe(format!("set role {role}"))).await.unwrap();
        for (mart, _) in MARTS {
            connection.execute(AssertSqlSafe(format!("select * from fraud.{mart} limit 1"))).await.unwrap();
        }
        for refused in [
            "delete from fraud.dm_client_features",
            "insert into fraud.dm_client_features (client_id) values ('1')",
            "update fraud.dm_client_features set tx_count = 1",
            "truncate fraud.dm_client_features",
            "drop table fraud.dm_client_features",
            "create table fraud.mine (a int)",
            "select * from fraud.lakehouse_publications",
            "select * from public.secrets",
        ] {
            let error = connection.execute(refused).await.expect_err(refused).to_string();
            assert!(error.contains("permission denied") || error.contains("must be owner"), "{refused}: {error}");
            tried += 1;
        }
    });
    drop_role(&database, &role);
    println!("{} tables read, {tried} other statements refused", MARTS.len());
}

#[test]
fn a_publication_that_fails_says_so_without_the_secret_and_leaves_the_lake_good() {
    let database = Database::new();
    let workspace = Workspace::with_sample(1_000);
    let mut wrong: url::Url = database.url().parse().unwrap();
    wrong.set_password(Some("wr0ng-pa55word")).unwrap();
    let mut away: url::Url = database.url().parse().unwrap();
    away.set_port(Some(1)).unwrap();
    let lakehouse = |url: &str| {
        let mut command = workspace.command(&["run", "fraud", "--sources", "sources", "--skip-training"]);
        Ran { output: command.env("LAKEHOUSE_PUBLISH_DATABASE_URL", url).output().unwrap() }
    };
    for (url, reason) in [(wrong.as_str(), "password authentication failed"), (away.as_str(), "failed to connect")] {
        let failed = lakehouse(url).bad();
        let text = failed.stdout() + &failed.stderr();
        assert!(text.contains("publishing failed; the lake is up to date") && text.contains(reason), "{text}");
        assert!(!text.contains("pa55word") && !text.contains(&database.password()), "{text}");
        assert_ne!(workspace.value("select count(*) from gold.dm_client_features"), "0");
    }
    database.run("create schema fraud; create table fraud.dm_client_features (client_id text primary key, other int); create view fraud.v as select other from fraud.dm_client_features");
    let failed = lakehouse(&database.url()).bad();
    assert!(failed.stderr().contains("views that stand on it"), "{}", failed.stderr());
    assert_eq!(
        database.lines("select count(*) from pg_tables where schemaname = 'fraud'"),
        ["1"],
        "nothing was published by halves"
    );
    database.run("drop view fraud.v");
    lakehouse(&database.url()).good();
    assert_ne!(database.lines("select count(*) from fraud.dm_client_features"), ["0"]);
    let runs = workspace.lakehouse(&["runs", "--json"]).good().json();
    let states: Vec<_> = runs.as_array().unwrap().iter().map(|run| run["status"].as_str().unwrap().to_owned()).collect();
    assert_eq!(states, ["succeeded", "failed", "failed", "failed"]);
}

#[test]
fn whoever_holds_a_table_is_waited_for_and_readers_meanwhile_are_not_kept_waiting() {
    let database = Database::new();
    let workspace = published(Workspace::with_sample(1_000), &database);
    workspace.run().good();
    add_transactions(&workspace, 1, 300);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let before = database.lines("select sum(tx_count)::bigint from fraud.dm_client_features");
    let mut holder = runtime.block_on(database.connect());
    // Stronger than a reader's: nobody else may write.
    runtime.block_on(holder.execute("begin; lock table fraud.dm_client_features in share mode")).unwrap();
    let mut running = workspace.command(&["run", "fraud", "--sources", "sources", "--skip-training"]).spawn().unwrap();
    thread::sleep(std::time::Duration::from_secs(6));
    assert!(running.try_wait().unwrap().is_none(), "it waits");
    assert_eq!(database.lines("select sum(tx_count)::bigint from fraud.dm_client_features"), before);
    runtime.block_on(holder.execute("commit")).unwrap();
    assert!(running.wait().unwrap().success());
    assert_ne!(database.lines("select sum(tx_count)::bigint from fraud.dm_client_features"), before);
}

#[test]
fn what_is_protected_is_not_published() {
    let database = Database::new();
    let workspace = published(Workspace::with_sample(1_000), &database);
    let cards = std::fs::read_to_string(workspace.source("cards_data.csv")).unwrap();
    let header: Vec<&str> = cards.lines().next().unwrap().split(',').collect();
    let number = header.iter().position(|name| *name == "card_number").unwrap();
    let planted: Vec<&str> = cards.lines().skip(1).map(|line| line.split(',').nth(number).unwrap()).collect();
    workspace.run().good();
    let everything: String = MARTS.iter().flat_map(|(mart, _)| database.lines(&format!("select * from fraud.{mart}"))).collect();
    let found: Vec<_> = planted.iter().filter(|planted| planted.len() > 8 && everything.contains(**planted)).collect();
    assert!(found.is_empty(), "{found:?}");
    println!("{} planted numbers, none in {} published bytes", planted.len(), everything.len());
}
