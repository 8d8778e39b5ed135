//! Small files become few, with the same rows in them, whatever goes on meanwhile.

use std::{
    process::{Child, Command, Stdio},
    sync::Arc,
};

use arrow::{
    array::{Float64Array, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use lakehouse_lake::{Change, ChangeMode, CommitNote, Committed, CompactionPlan, Lake, LakeOptions, LakeTable, WriteLayout};
use lakehouse_spec::{DomainName, TableName};
use object_store::local::LocalFileSystem;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::{
    components::{Bucket, readers},
    program::Workspace,
};

/// Says where an appending process works and which one it is.
const APPENDER: &str = "APPENDER_OF_A_TEST";
const APPENDERS: i64 = 8;
const APPENDS: i64 = 20;
const TARGET: u64 = 128 << 20;

fn domain() -> DomainName {
    "fraud".parse().unwrap()
}

fn table() -> TableName {
    "silver.rows".parse().unwrap()
}

fn schema() -> SchemaRef {
    let text = Field::new("name", DataType::Utf8, true);
    Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false), text, Field::new("half", DataType::Float64, true)]))
}

/// Commits the rows with these ids, once per id it starts with.
async fn commit(lake: &Lake, ids: std::ops::Range<i64>, mode: ChangeMode) -> Committed {
    let layout = WriteLayout { schema: schema(), partition_columns: Vec::new() };
    let (batch, ids) = (format!("from {}", ids.start), Vec::from_iter(ids));
    let names = StringArray::from_iter(ids.iter().map(|id| (id % 3 > 0).then(|| format!("row {id}"))));
    let halves = Float64Array::from_iter_values(ids.iter().map(|id| *id as f64 / 2.0));
    let rows = RecordBatch::try_new(schema(), vec![Arc::new(Int64Array::from(ids)), Arc::new(names), Arc::new(halves)]).unwrap();
    let mut writer = lake.writer(&domain(), &table(), &layout).unwrap();
    writer.write(&rows).await.unwrap();
    let files = writer.finish().await.unwrap();
    let note = CommitNote { run: batch.clone(), ..CommitNote::default() };
    lake.commit(&domain(), &table(), &Change { files, mode, layout, batch: Some(batch), note }).await.unwrap()
}

async fn append(lake: &Lake, ids: std::ops::Range<i64>) -> Committed {
    commit(lake, ids, ChangeMode::Append).await
}

async fn now(lake: &Lake) -> LakeTable {
    lake.table(&domain(), &table()).await.unwrap().unwrap()
}

fn rows(workspace: &Workspace) -> Vec<std::collections::BTreeMap<String, String>> {
    workspace.rows("select * from silver.rows order by id")
}

fn care(workspace: &Workspace) -> Value {
    workspace.lakehouse(&["care", "fraud", "--table", "silver.rows", "--json"]).good().json()[0]["care"].clone()
}

/// What other programs read: a count, a sum and how many names, by each.
fn others_read(workspace: &Workspace, uri: &str, credentials: &[(&str, &str)]) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lakehouse/readers.py");
    let mut command = Command::new(readers());
    command.current_dir(workspace.path()).arg(script).args([uri, "silver/fraud/rows", "half", "name"]);
    let output = command.envs(credentials.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn many_appends_become_few_files(workspace: &Workspace, appends: i64, uri: &str, credentials: &[(&str, &str)]) {
    let (runtime, lake) = (Runtime::new().unwrap(), workspace.open_lake());
    runtime.block_on(async {
        for first in 0..appends {
            append(&lake, first * 100..(first + 1) * 100).await;
        }
    });
    let (before, read_before) = (rows(workspace), others_read(workspace, uri, credentials));
    let then = runtime.block_on(now(&lake));
    assert_eq!(then.files.len() as i64, appends);

    let cared = care(workspace);

    assert_eq!((&cared["compacted"], &cared["into"], &cared["error"]), (&appends.into(), &1.into(), &Value::Null), "{cared:#}");
    // Every hundredth commit writes a checkpoint itself.
    let checkpoint = if appends < 100 { Value::from(appends) } else { Value::Null };
    assert_eq!(cared["checkpoint"], checkpoint, "{cared:#}");
    let after = runtime.block_on(now(&lake));
    assert_eq!((after.files.len(), after.data_version, after.note), (1, then.version, then.note));
    assert_eq!(rows(workspace), before);
    let read_after = others_read(workspace, uri, credentials);
    assert_eq!(read_after, read_before);
    assert_eq!(read_after.as_object().unwrap().len(), 3, "{read_after}");
    for (reader, read) in read_after.as_object().unwrap() {
        assert_eq!(read["silver/fraud/rows"][0], appends * 100, "{reader}");
    }
    assert_eq!(care(workspace)["compacted"], 0, "a second care finds nothing to do");
    eprintln!(
        "{appends} appends of 100 rows became one file, the same to us and to {} other readers",
        read_after.as_object().unwrap().len()
    );
}

#[test]
fn two_hundred_small_appends_become_one_file_with_the_same_rows() {
    let workspace = Workspace::new();
    many_appends_become_few_files(&workspace, 200, workspace.lake().to_str().unwrap(), &[]);
}

#[test]
fn in_buckets_small_appends_become_one_file_with_the_same_rows() {
    for store in Bucket::all() {
        let uri = store.fresh_uri();
        let workspace = Workspace::new().in_bucket(&store).with_lake(&uri);
        let credentials = [
            ("AWS_ENDPOINT_URL", store.endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", &store.access_key),
            ("AWS_SECRET_ACCESS_KEY", &store.secret_key),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ALLOW_HTTP", "true"),
        ];
        many_appends_become_few_files(&workspace, 60, &uri, &credentials);
    }
}

/// Not a test of its own: one of the processes of the race below.
#[test]
#[ignore = "a process that another test starts"]
fn an_appending_process() {
    let Some(given) = std::env::var_os(APPENDER) else { return };
    let (lake, number) = given.to_str().unwrap().rsplit_once(' ').unwrap();
    let lake = Lake::open(LakeOptions::new(lake, 256).unwrap(), Arc::new(LocalFileSystem::new())).unwrap();
    let first = number.parse::<i64>().unwrap() * APPENDS;
    Runtime::new().unwrap().block_on(async {
        for append_number in first..first + APPENDS {
            append(&lake, append_number * 10..(append_number + 1) * 10).await;
        }
    });
}

fn start_appender(lake: &str, number: i64) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "compaction::an_appending_process", "--ignored", "--nocapture"]);
    command.env(APPENDER, format!("{lake} {number}")).stdout(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_compaction_that_races_eight_appending_processes_loses_nothing() {
    let workspace = Workspace::new();
    let lake = workspace.open_lake();
    let path = workspace.lake().display().to_string();
    let mut appenders: Vec<Child> = (0..APPENDERS).map(|number| start_appender(&path, number)).collect();
    let (mut cares, mut compactions, mut compacted) = (0, 0, 0);
    while appenders.iter_mut().any(|appender| appender.try_wait().unwrap().is_none()) {
        let ran = workspace.lakehouse(&["care", "fraud", "--json"]).good().json();
        let files = ran.as_array().unwrap().iter().map(|table| table["care"]["compacted"].as_u64().unwrap()).sum::<u64>();
        (cares, compactions, compacted) = (cares + 1, compactions + u64::from(files > 0), compacted + files);
    }
    for mut appender in appenders {
        assert!(appender.wait().unwrap().success(), "an append failed beside the compaction");
    }
    let ids = rows(&workspace).iter().map(|row| row["id"].parse::<i64>().unwrap()).collect::<Vec<_>>();
    assert_eq!(ids, (0..APPENDERS * APPENDS * 10).collect::<Vec<_>>(), "every row is there once");
    let table = Runtime::new().unwrap().block_on(now(&lake));
    assert_eq!(table.version + 1, (APPENDERS * APPENDS) as u64 + compactions, "every commit is in the log");
    assert!(compactions > 0, "no compaction got in between");
    println!("{} appends beside {cares} cares: {compactions} commits put {compacted} files together", APPENDERS * APPENDS);
}

#[test]
fn what_was_replaced_meanwhile_is_left_to_whoever_replaced_it() {
    let workspace = Workspace::new();
    let lake = workspace.open_lake();
    Runtime::new().unwrap().block_on(async {
        for first in 0..4 {
            append(&lake, first * 10..(first + 1) * 10).await;
        }
        let then = now(&lake).await;
        let plan = CompactionPlan::new(&then, TARGET);
        commit(&lake, 100..105, ChangeMode::Overwrite).await;

        let compacted = lake.compact(&then, &plan, TARGET).await.unwrap();

        assert_eq!((compacted.removed, compacted.overtaken), (0, 4));
        assert_eq!(now(&lake).await.version, 4, "no commit");
    });
    assert_eq!(rows(&workspace).len(), 5);
    let files = std::fs::read_dir(workspace.lake().join("silver/fraud/rows")).unwrap();
    assert_eq!(files.count(), 4 + 1 + 1, "four old files, the new one, the log: what was written for nothing is gone");
}

#[test]
fn new_rows_are_told_from_old_ones_across_compactions() {
    let workspace = Workspace::new();
    let lake = workspace.open_lake();
    Runtime::new().unwrap().block_on(async {
        append(&lake, 0..10).await;
        append(&lake, 10..13).await;
        let first = now(&lake).await;
        append(&lake, 13..20).await;
        for id in 20..22 {
            let table = now(&lake).await;
            lake.compact(&table, &CompactionPlan::new(&table, TARGET), TARGET).await.unwrap();
            append(&lake, id..id + 1).await;
        }
        let table = now(&lake).await;
        assert_eq!((table.rows(), table.files.len(), table.version, table.data_version), (Some(22), 2, 6, 6));

        let added = lake.added_since(&table, first.version).await.unwrap().unwrap();
        assert_eq!((added.rows(), added.files.len()), (Some(9), 3), "seven rows and two, though eight were put elsewhere");
        let nothing = lake.added_since(&table, table.data_version).await.unwrap().unwrap();
        assert_eq!(nothing.rows(), Some(0));

        let dead = lake.dead_files(&domain(), &table.name, std::time::Duration::ZERO).await.unwrap();
        lake.remove_dead(dead).await.unwrap();
        assert!(lake.added_since(&table, first.version).await.unwrap().is_none(), "the files of the seven rows are gone");
        commit(&lake, 1000..1005, ChangeMode::Overwrite).await;
        assert!(lake.added_since(&now(&lake).await, table.version).await.unwrap().is_none(), "rows went");
    });
}
