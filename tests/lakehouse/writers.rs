//! Many processes commit to one table: what was acknowledged is there, once.

use std::{
    collections::BTreeSet,
    process::{Command, Stdio},
    sync::Arc,
    time::Instant,
};

use arrow::{
    array::{Int64Array, RecordBatch},
    datatypes::{DataType, Field, Schema},
};
use lakehouse_lake::{Change, ChangeMode, CommitNote, Lake, LakeOptions, WriteLayout};
use lakehouse_spec::{DomainName, TableName};
use object_store::{ObjectStore, local::LocalFileSystem};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::components::Bucket;

const WRITERS: usize = 8;
const BATCHES: usize = 20;
/// How a process is told its number, its store and its lake.
const WRITER: &str = "WRITER";
const STORE: &str = "WRITER_STORE";
const LAKE: &str = "WRITER_LAKE";

fn domain() -> DomainName {
    "fraud".parse().unwrap()
}

fn table() -> TableName {
    "bronze.shared".parse().unwrap()
}

fn open(store: &str, uri: &str) -> Lake {
    let bucket = Bucket::all().into_iter().find(|bucket| bucket.name == store);
    let store: Arc<dyn ObjectStore> = bucket.map_or_else(|| Arc::new(LocalFileSystem::new()) as _, |bucket| bucket.store());
    Lake::open(LakeOptions::new(uri, 256).unwrap(), store).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "what a test tells the process it starts is no setting of the program")]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// One row that says who wrote it; its number is that of the batch.
async fn append(lake: &Lake, writer: usize, batch: usize) {
    let field = |name| Field::new(name, DataType::Int64, true);
    let schema = Arc::new(Schema::new(vec![field("writer"), field("batch")]));
    let column = |value: usize| Arc::new(Int64Array::from(vec![value as i64])) as _;
    let rows = RecordBatch::try_new(schema.clone(), vec![column(writer), column(batch)]).unwrap();
    let layout = WriteLayout { schema, partition_columns: Vec::new() };
    let mut files = lake.writer(&domain(), &table(), &layout).unwrap();
    files.write(&rows).await.unwrap();
    let note = CommitNote { run: format!("writer-{writer}"), definition: String::new(), inputs: [].into(), counts: [].into() };
    let change = Change {
        files: files.finish().await.unwrap(),
        mode: ChangeMode::Append,
        layout,
        batch: Some(format!("{writer}-{batch}")),
        note,
    };
    lake.commit(&domain(), &table(), &change).await.unwrap_or_else(|error| panic!("{error:?}"));
}

#[test]
#[ignore = "a role in the story below"]
fn appends_its_batches() {
    let (Some(writer), Some(store), Some(uri)) = (told(WRITER), told(STORE), told(LAKE)) else { return };
    let lake = open(&store, &uri);
    Runtime::new().unwrap().block_on(async {
        for batch in 0..BATCHES {
            append(&lake, writer.parse().unwrap(), batch).await;
            println!("\nacknowledged {writer} {batch}");
        }
    });
}

/// Lets the writers loose on one table. What they were told is there, and what is there.
fn race(store: &str, uri: &str) -> (Vec<String>, Vec<String>) {
    let start = |writer: usize| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "writers::appends_its_batches", "--ignored", "--nocapture"]);
        command.env(WRITER, writer.to_string()).env(STORE, store).env(LAKE, uri);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let writers: Vec<_> = (0..WRITERS).map(start).collect();
    let mut acknowledged = Vec::new();
    for writer in writers {
        let output = writer.wait_with_output().unwrap();
        assert!(output.status.success(), "{store}: {}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8(output.stdout).unwrap();
        acknowledged.extend(lines.lines().filter_map(|line| line.strip_prefix("acknowledged ").map(str::to_owned)));
    }
    let lake = open(store, uri);
    let there = Runtime::new().unwrap().block_on(rows(&lake));
    (acknowledged, there)
}

async fn rows(lake: &Lake) -> Vec<String> {
    use futures::TryStreamExt as _;
    let sql = "select concat(writer, ' ', batch) as said from bronze.shared";
    let session = lake.session(&domain());
    session.register_references(lake, sql).await.unwrap();
    let batches: Vec<RecordBatch> = session.query(sql).await.unwrap().try_collect().await.unwrap();
    let text = |batch: &RecordBatch, row| arrow::util::display::array_value_to_string(batch.column(0), row).unwrap();
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| text(batch, row))).collect()
}

/// Gives the sentence that says what was tried.
fn lose_and_double_nothing(store: &str, uri: &str) -> String {
    let started = Instant::now();
    let (mut acknowledged, mut there) = race(store, uri);
    acknowledged.sort();
    there.sort();
    assert_eq!(acknowledged.len(), WRITERS * BATCHES, "{store}");
    assert_eq!(acknowledged.iter().collect::<BTreeSet<_>>().len(), WRITERS * BATCHES, "{store}");
    assert_eq!(there, acknowledged, "{store}");
    let lake = open(store, uri);
    let version = Runtime::new().unwrap().block_on(lake.table(&domain(), &table())).unwrap().unwrap().version;
    assert_eq!(version, (WRITERS * BATCHES) as u64 - 1, "{store}: every commit is a version, and no other is");
    let seconds = started.elapsed().as_secs_f64();
    format!("{store}: {WRITERS} processes, {} batches, each acknowledged and there once, {seconds:.1} s", there.len())
}

#[test]
fn of_eight_processes_on_one_table_on_disk_nothing_is_lost_or_doubled() {
    let folder = TempDir::new().unwrap();
    println!("{}", lose_and_double_nothing("disk", folder.path().join("lake").to_str().unwrap()));
}

#[test]
fn of_eight_processes_on_one_table_in_a_bucket_nothing_is_lost_or_doubled() {
    for bucket in Bucket::all() {
        println!("{}", lose_and_double_nothing(bucket.name, &bucket.fresh_uri()));
    }
}
