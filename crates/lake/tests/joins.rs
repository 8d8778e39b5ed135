//! Joins that do not fit into their memory.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Int64Type, Schema},
};
use futures::TryStreamExt as _;
use lakehouse_lake::{Change, ChangeMode, CommitNote, Lake, LakeError, LakeOptions, WriteLayout};
use lakehouse_spec::{DomainName, TableName};
use object_store::local::LocalFileSystem;

const ROWS: i64 = 1_500;

async fn lake(folder: &std::path::Path) -> Lake {
    let options = LakeOptions { threads: 4, ..LakeOptions::new(&folder.display().to_string(), 1_024).unwrap() };
    let lake = Lake::open(options, Arc::new(LocalFileSystem::new())).unwrap();
    let fields = vec![Field::new("n", DataType::Int64, false), Field::new("text", DataType::Utf8, false)];
    let texts = StringArray::from_iter_values((0..ROWS).map(|n| format!("{n:010000}")));
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from_iter_values(0..ROWS)), Arc::new(texts)];
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    let (domain, name): (DomainName, TableName) = ("shop".parse().unwrap(), "silver.wide".parse().unwrap());
    let layout = WriteLayout { schema: rows.schema(), partition_columns: Vec::new() };
    let mut writer = lake.writer(&domain, &name, &layout).unwrap();
    writer.write(&rows).await.unwrap();
    let files = writer.finish().await.unwrap();
    let change = Change { files, mode: ChangeMode::Overwrite, layout, batch: None, note: CommitNote::default() };
    lake.commit(&domain, &name, &change).await.unwrap();
    lake
}

/// The one number that a query gives.
async fn ask(lake: &Lake, sql: &str, memory: usize) -> Result<i64, LakeError> {
    let session = lake.client_session(&"shop".parse().unwrap(), memory);
    session.register_references(lake, sql).await?;
    let rows: Vec<RecordBatch> = session.query(sql).await?.try_collect().await?;
    Ok(rows[0].column(0).as_primitive::<Int64Type>().value(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_that_does_not_fit_fails_and_never_gives_other_rows() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(folder.path()).await;
    let parts = "(select n, text from silver.wide where n % 2 = 0 union all select n, text from silver.wide where n % 2 = 1)";
    let held = ["silver.wide", "(select n, max(text) as text from silver.wide group by n)"];
    let joins = ["join", "left join", "right join", "full join", "left semi join", "left anti join"];
    let mut failed = 0;
    for (held, join) in held.iter().flat_map(|held| joins.map(|join| (held, join))) {
        let sql = format!("select sum(a.n) + count(a.text) from {held} a {join} {parts} b on a.n > b.n + {ROWS} - 9");
        let right = ask(&lake, &sql, 512 << 20).await.unwrap();
        match ask(&lake, &sql, 6 << 20).await {
            Ok(answer) => assert_eq!(answer, right, "{sql}"),
            Err(error) => {
                assert!(error.is_out_of_memory(), "{sql}: {error:?}");
                failed += 1;
            }
        }
    }
    println!("{failed} of {} joins did not fit", held.len() * joins.len());
    assert!(failed > 0, "the memory has to be too little for some");
}
