//! What holds on SQLite only.

use std::{fs, path::PathBuf, time::Duration};

use futures::FutureExt;
use lakehouse_metadata::{Metadata, MetadataError};
use sqlx::{Connection, Executor, Row};

use crate::harness::{Home, chain, connect, eight_open_behind_a_gate, new_event, new_run, on_sqlite};

fn file(home: &Home) -> PathBuf {
    PathBuf::from(home.url.trim_start_matches("sqlite://").replace("%20", " "))
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_for_their_owner_only_and_writes_go_to_a_log() {
    use std::os::unix::fs::PermissionsExt;

    on_sqlite(async |home: &Home| {
        let metadata = home.open().await;
        metadata.append_events(&[new_event("any", None)]).await.expect("it is appended");
        let folder = file(home).parent().expect("a folder").to_owned();
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let mode = entry.metadata().expect("a mode").permissions().mode() & 0o777;
            files.push((entry.file_name().into_string().expect("a name"), mode));
        }
        files.sort_unstable();
        let expected = ["metadata.db", "metadata.db-shm", "metadata.db-wal"].map(|name| (name.to_owned(), 0o600));
        assert_eq!(files, expected);
        metadata.close().await;
        assert!(!file(home).with_extension("db-wal").exists(), "the log is gone when nobody has the file open");
    })
    .await;
}

#[tokio::test]
async fn a_reader_waits_for_nobody_and_a_writer_waits_its_turn() {
    on_sqlite(async |home: &Home| {
        let metadata = home.open().await;
        metadata.start_run(&new_run("first", "fraud", 0)).await.expect("it starts");
        let mut other = connect(&home.url).await;
        other.execute("begin immediate; update runs set error = 'unseen'").await.expect("it locks");
        let read = metadata.run("first").now_or_never();
        let read = match read {
            Some(read) => read,
            None => tokio::time::timeout(Duration::from_secs(2), metadata.run("first")).await.expect("it does not wait"),
        };
        assert_eq!(read.expect("it reads").expect("a run").error, None);
        let writer = tokio::spawn({
            let metadata = metadata.clone();
            async move { metadata.start_run(&new_run("second", "fraud", 1)).await }
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!writer.is_finished());
        other.execute("commit").await.expect("it commits");
        other.close().await.expect("it closes");
        writer.await.expect("no panic").expect("it starts after all");
    })
    .await;
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    on_sqlite(async |home: &Home| {
        let file = file(home);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        let text = "these are somebody's notes, not a database\n".repeat(100);
        fs::write(&file, &text).expect("a file");
        let error = Metadata::open(&home.url).await.expect_err("it is none");
        assert!(matches!(&error, MetadataError::Connect { .. }) && !error.is_transient(), "{error:?}");
        assert!(chain(&error).contains("not a database"), "{}", chain(&error));
        assert_eq!(fs::read_to_string(&file).expect("a file"), text);
    })
    .await;
}

#[tokio::test]
async fn a_file_in_the_place_of_a_folder_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("notes"), "").expect("a file");
    let url = format!("sqlite://{}/notes/metadata.db", folder.path().display());
    let error = Metadata::open(&url).await.expect_err("it is a file");
    assert!(matches!(&error, MetadataError::Folder { path, .. } if path.ends_with("/notes")), "{error:?}");
    let url = format!("sqlite://{}", folder.path().display());
    let error = Metadata::open(&url).await.expect_err("it is a folder");
    assert!(matches!(&error, MetadataError::File { .. }), "{error:?}");
}

#[tokio::test]
async fn a_file_that_was_closed_is_whole_and_keeps_its_log() {
    on_sqlite(async |home: &Home| {
        home.open().await.close().await;
        let mut other = connect(&home.url).await;
        let row = other.fetch_one("pragma journal_mode").await.expect("it answers");
        assert_eq!(row.get::<String, _>(0), "wal");
        let row = other.fetch_one("pragma integrity_check").await.expect("it answers");
        assert_eq!(row.get::<String, _>(0), "ok");
        other.close().await.expect("it closes");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn openers_that_meet_at_a_locked_file_make_one_schema() {
    for close in ["begin", "begin immediate", "begin exclusive"] {
        on_sqlite(async |home: &Home| {
            fs::create_dir_all(file(home).parent().expect("a folder")).expect("a folder");
            let mut gate = connect(&format!("{}?mode=rwc", home.url)).await;
            gate.execute("create table notes (note text)").await.expect("a table");
            gate.execute(close).await.expect(close);
            eight_open_behind_a_gate(home, gate, "insert into notes values ('mine')", "commit").await;
        })
        .await;
    }
}
