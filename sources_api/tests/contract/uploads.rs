use std::{convert::Infallible, fs, os::unix::fs::PermissionsExt, sync::Arc, time::Duration};

use axum::{body::Body, http::Request};
use bytes::Bytes;
use futures::{StreamExt, future::join_all, stream};
use lakehouse_settings::Limits;
use lakehouse_sources_api::{AppState, Folder, router};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, time::sleep};
use tower::ServiceExt;

use crate::app::{App, UPLOAD_BYTES, code, landing, limits, no_tables};

#[tokio::test]
async fn a_file_is_stored_and_replaced_as_a_whole() {
    let app = App::start().await;
    let answer = app.put("a.csv", "hello").await;
    assert_eq!(answer.status(), 201);
    let sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert_eq!(answer.json::<Value>().await.expect("json"), json!({"name": "a.csv", "bytes": 5, "sha256": sha256}));
    assert_eq!(app.get("/files/a.csv").await.text().await.expect("body"), "hello");

    assert_eq!(app.put("a.csv", "").await.status(), 200);
    assert_eq!(app.get("/files/a.csv").await.text().await.expect("body"), "");
    let mode = fs::metadata(app.path("a.csv")).expect("file").permissions().mode();
    assert_eq!(mode & 0o777, 0o644, "other programs read the folder");
    app.stop().await;
}

#[tokio::test]
async fn a_file_of_unknown_length_is_stored() {
    let app = App::start().await;
    let chunks = stream::iter((0..100).map(|_| Ok::<_, Infallible>(vec![b'x'; 10_000])));
    let answer = app.put("a.csv", reqwest::Body::wrap_stream(chunks)).await;
    assert_eq!(answer.json::<Value>().await.expect("json")["bytes"], 1_000_000);
    app.stop().await;
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_whether_its_length_is_announced_or_not() {
    let app = App::start().await.with_file("a.csv", "old");
    let limit = usize::try_from(UPLOAD_BYTES).expect("limit");
    assert_eq!(app.put("exact.csv", vec![b'x'; limit]).await.status(), 201);

    let announced = format!("PUT /files/a.csv HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", limit + 1);
    let answer = app.raw(announced.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("\"code\":\"too_large\""), "{answer}");

    let chunks = stream::iter((0..=16).map(move |_| Ok::<_, Infallible>(vec![b'x'; limit / 16])));
    let answer = app.put("a.csv", reqwest::Body::wrap_stream(chunks)).await;
    assert_eq!((answer.status().as_u16(), code(answer).await.as_str()), (413, "too_large"));
    assert_eq!(app.everything(), ["a.csv", "exact.csv"]);
    assert_eq!(fs::read_to_string(app.path("a.csv")).expect("file"), "old");
    app.stop().await;
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let app = App::start().await.with_file("a.csv", "old");
    for head in ["content-length: 1000000\r\n\r\n", "transfer-encoding: chunked\r\n\r\n400\r\n"] {
        let mut connection = app.connect().await;
        let request = format!("PUT /files/a.csv HTTP/1.1\r\nhost: a\r\n{head}{}", "x".repeat(500));
        connection.write_all(request.as_bytes()).await.expect("send");
        wait_until(|| app.everything().len() == 2).await;
        drop(connection);
        wait_until(|| app.everything().len() == 1).await;
        assert_eq!(fs::read_to_string(app.path("a.csv")).expect("file"), "old");
    }
    app.stop().await;
}

async fn wait_until(holds: impl Fn() -> bool) {
    let patience = tokio::time::timeout(Duration::from_secs(10), async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    });
    patience.await.expect("it never came true");
}

#[tokio::test]
async fn a_body_that_is_not_as_long_as_announced_is_refused() {
    let app = App::start().await;
    let folder = Folder::open(&app.path("")).await.expect("open");
    let request = Request::put("/files/a.csv").header("content-length", "10").body(Body::from("short")).expect("request");
    let answer =
        router(AppState::new(folder, app.landing(), no_tables(), Vec::new(), &limits())).oneshot(request).await.expect("answer");
    assert_eq!(answer.status(), 400);
    assert!(app.everything().is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_client_that_falls_silent_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("folder");
    let impatient = Limits { request_timeout_seconds: 1, ..limits() };
    let state = AppState::new(
        Folder::open(folder.path()).await.expect("open"),
        landing(folder.path()),
        no_tables(),
        Vec::new(),
        &impatient,
    );
    let body = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"begin"))]).chain(stream::pending());
    let request = Request::put("/files/a.csv").body(Body::from_stream(body)).expect("request");
    let answer = router(state).oneshot(request).await.expect("answer");
    assert_eq!(answer.status(), 408);
    assert_eq!(fs::read_dir(folder.path()).expect("folder").count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_one_whole_file_while_writers_replace_it() {
    const SIZE: usize = 300_000;
    let app = Arc::new(App::start().await);
    let writers = (b'a'..=b'h').map(|letter| {
        let app = Arc::clone(&app);
        tokio::spawn(async move { app.put("a.csv", vec![letter; SIZE]).await.status().as_u16() })
    });
    let readers = (0..16).map(|_| {
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            let answer = app.get("/files/a.csv").await;
            if answer.status() == 200 {
                let content = answer.bytes().await.expect("body");
                assert_eq!(content.len(), SIZE);
                assert!(content.iter().all(|byte| *byte == content[0]), "a mixture of two files");
            }
        })
    });
    let (writers, readers): (Vec<_>, Vec<_>) = (writers.collect(), readers.collect());
    let mut statuses: Vec<_> = join_all(writers).await.into_iter().map(|status| status.expect("writer")).collect();
    join_all(readers).await.into_iter().for_each(|reader| reader.expect("reader"));
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 201], "exactly one made a new file");
    Arc::into_inner(app).expect("the last one").stop().await;
}

#[tokio::test]
async fn what_a_killed_upload_left_long_ago_is_removed_at_a_start() {
    let folder = tempfile::tempdir().expect("folder");
    let (old, fresh) = (folder.path().join(".unfinished-old"), folder.path().join(".unfinished-fresh"));
    fs::write(&fresh, "another process may be writing this").expect("write");
    let long_ago = std::time::SystemTime::now() - Duration::from_hours(48);
    fs::File::create(&old).and_then(|file| file.set_modified(long_ago)).expect("old");
    Folder::open(folder.path()).await.expect("open");
    assert!(!old.exists() && fresh.exists());
}
