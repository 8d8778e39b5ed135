//! Rows that are pushed: checked at the door, kept once, without what may not be kept.

use std::{convert::Infallible, io::Read, sync::Arc, time::Duration};

use arrow::{
    array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    ipc::writer::StreamWriter,
};
use futures::{StreamExt, future::join_all, stream};
use lakehouse_landing::Inbox;
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use reqwest::{Body, Response};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, time::sleep};

use crate::app::{App, UPLOAD_BYTES, code, header};

const NDJSON: &str = "application/x-ndjson";
const ARROW: &str = "application/vnd.apache.arrow.stream";

fn sale(id: u32) -> String {
    let sale =
        json!({"id": id, "at": "2026-01-31 12:00:00", "amount": "$1,000.50", "card_number": "4344676511950444", "cvv": "623"});
    format!("{sale}\n")
}

fn sales(ids: impl IntoIterator<Item = u32>) -> String {
    ids.into_iter().map(sale).collect()
}

async fn push(app: &App, key: Option<&str>, body: impl Into<Body>) -> Response {
    let mut request = app.request("POST", "/ingest/shop/sales").header("content-type", NDJSON).body(body);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    request.send().await.expect("answer")
}

fn inbox(app: &App) -> Inbox {
    app.landing().inbox(&"shop".parse().expect("domain"), &"sales".parse().expect("source"))
}

/// Every row that waits, as a run would read them.
async fn kept(app: &App) -> Vec<Value> {
    let inbox = inbox(app);
    inbox.gather().await.expect("gather");
    let mut rows = Vec::new();
    for batch in inbox.gathered().await.expect("batches") {
        let mut bytes = Vec::new();
        let copy = |chunk: &[u8]| {
            bytes.extend_from_slice(chunk);
            Ok(())
        };
        inbox.fetch(&batch, copy).await.expect("fetch");
        let mut text = String::new();
        zstd::Decoder::new(bytes.as_slice()).expect("zstd").read_to_string(&mut text).expect("text");
        rows.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).expect("row")));
    }
    rows
}

#[tokio::test]
async fn good_rows_are_kept_and_bad_ones_are_named() {
    let app = App::start().await;
    let bad = json!({"id": "seven", "at": "2026-01-31 12:00:00", "amount": 1, "cvv": "1"});
    let body = format!("{}{bad}\n\nno json\n{}", sale(1), json!({"id": 2, "at": "2026-01-31T12:00:00Z", "amount": 2}));
    let answer = push(&app, None, body).await;
    assert_eq!(answer.status(), 202);
    let answer: Value = answer.json().await.expect("json");
    assert_eq!((answer["accepted"].as_u64(), answer["refused"].as_u64()), (Some(1), Some(3)));
    let reasons = json!([
        {"row": 2, "reason": "id is not a whole number"},
        {"row": 3, "reason": "not a JSON object"},
        {"row": 4, "reason": "cvv is missing"},
    ]);
    assert_eq!(answer["refused_rows"], reasons);
    let expected = json!([{"id": "1", "at": "2026-01-31 12:00:00", "amount": "$1,000.50", "card_number": "0444"}]);
    assert_eq!(Value::from(kept(&app).await), expected, "the CVV and most of the card number are not kept");
    app.stop().await;
}

#[tokio::test]
async fn a_push_that_is_repeated_adds_nothing() {
    let app = App::start().await;
    let first = push(&app, Some("monday"), sales(1..=3)).await;
    assert!(first.headers().get("idempotency-replayed").is_none());
    let first: Value = first.json().await.expect("json");
    assert_eq!(kept(&app).await.len(), 3);

    let again = push(&app, Some("monday"), sales(1..=3)).await;
    assert_eq!((again.status().as_u16(), header(&again, "idempotency-replayed")), (202, "true"));
    assert_eq!(again.json::<Value>().await.expect("json"), first);
    let other = push(&app, Some("monday"), sales(1..=4)).await;
    assert_eq!((other.status().as_u16(), code(other).await.as_str()), (422, "key_reused"));
    assert_eq!(kept(&app).await.len(), 3);
    app.stop().await;
}

#[tokio::test]
async fn of_many_pushes_with_one_key_at_the_same_time_one_counts() {
    let app = App::start().await;
    for round in 0..10 {
        let key = format!("round {round}");
        let answers = join_all((0..12).map(|_| push(&app, Some(&key), sales(100 * round..100 * round + 5)))).await;
        let replayed = answers.iter().filter(|answer| answer.headers().contains_key("idempotency-replayed")).count();
        assert_eq!((answers.iter().filter(|answer| answer.status() == 202).count(), replayed), (12, 11));
    }
    assert_eq!(kept(&app).await.len(), 50, "10 rounds of 12 pushes");
    app.stop().await;
}

fn stream_of(ids: std::ops::Range<i64>) -> Vec<u8> {
    let rows = usize::try_from(ids.end - ids.start).expect("rows");
    let micros = TimestampMicrosecondArray::from_value(1_769_860_800_000_000, rows).with_timezone("UTC");
    let columns: [(&str, ArrayRef); 5] = [
        ("amount", Arc::new(Float64Array::from_iter_values(ids.clone().map(|id| id as f64 / 8.0)))),
        ("id", Arc::new(Int64Array::from_iter_values(ids))),
        ("at", Arc::new(micros)),
        ("cvv", Arc::new(StringArray::from(vec!["623"; rows]))),
        ("note", Arc::new(StringArray::from(vec![None::<&str>; rows]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("batch");
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).expect("writer");
    (0..batch.num_rows()).step_by(1_000).for_each(|row| writer.write(&batch.slice(row, 1_000.min(rows - row))).expect("write"));
    writer.into_inner().expect("bytes")
}

#[tokio::test]
async fn an_arrow_stream_is_rows_like_any_other() {
    let app = App::start().await;
    let body = stream_of(0..2_500);
    let pieces: Vec<_> = body.chunks(777).map(|piece| Ok::<_, Infallible>(piece.to_vec())).collect();
    let request = app.request("POST", "/ingest/shop/sales").header("content-type", ARROW);
    let answer = request.body(Body::wrap_stream(stream::iter(pieces))).send().await.expect("answer");
    assert_eq!(answer.json::<Value>().await.expect("json")["accepted"], 2_500);
    let kept = kept(&app).await;
    assert_eq!(kept.len(), 2_500);
    assert_eq!(kept[2_001], json!({"id": "2001", "at": "2026-01-31T12:00:00", "amount": "250.125"}));
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_be_rows_is_refused_with_its_reason() {
    let app = App::start().await;
    let send = async |path: &str, content_type: &str, body: Vec<u8>| {
        let request = app.request("POST", path).header("content-type", content_type).body(body);
        let answer = request.send().await.expect("answer");
        (answer.status().as_u16(), code(answer).await)
    };
    let good = sales(1..=2).into_bytes();
    let cut_off = stream_of(0..10).split_off(0)[..300].to_vec();
    let cases: [(&str, &str, Vec<u8>, u16, &str); 11] = [
        ("/ingest/shop/nothing", NDJSON, good.clone(), 404, "unknown_source"),
        ("/ingest/nowhere/sales", NDJSON, good.clone(), 404, "unknown_source"),
        ("/ingest/shop/..%2Fsales", NDJSON, good.clone(), 404, "not_found"),
        ("/ingest/shop/shelves", NDJSON, good.clone(), 409, "snapshot_source"),
        ("/ingest/shop/sales", "text/csv", good.clone(), 415, "unsupported_media_type"),
        ("/ingest/shop/sales", NDJSON, Vec::new(), 422, "no_good_row"),
        ("/ingest/shop/sales", NDJSON, b"{}\n{}\n".to_vec(), 422, "no_good_row"),
        ("/ingest/shop/sales", NDJSON, vec![b'x'; (1 << 20) - 1], 422, "no_good_row"),
        ("/ingest/shop/sales", ARROW, cut_off, 400, "bad_request"),
        ("/ingest/shop/sales", ARROW, good, 400, "bad_request"),
        ("/ingest/shop/sales", NDJSON, vec![b'x'; usize::try_from(UPLOAD_BYTES).expect("limit") + 1], 413, "too_large"),
    ];
    for (path, content_type, body, status, expected) in cases {
        assert_eq!(send(path, content_type, body).await, (status, expected.to_owned()), "{path} {content_type}");
    }
    let encoded = app.request("POST", "/ingest/shop/sales").header("content-type", NDJSON).header("content-encoding", "gzip");
    assert_eq!(encoded.body("x").send().await.expect("answer").status(), 415);
    assert_eq!(push(&app, Some(&"k".repeat(201)), sales(1..=1)).await.status(), 400);
    assert_eq!(kept(&app).await, Vec::<Value>::new());
    app.stop().await;
}

#[tokio::test]
async fn a_push_that_breaks_off_counts_for_nothing() {
    let app = App::start().await;
    for head in ["content-length: 1000000", "transfer-encoding: chunked"] {
        let mut connection = app.connect().await;
        let rows = sales(1..=200);
        let head = format!("POST /ingest/shop/sales HTTP/1.1\r\nhost: a\r\ncontent-type: {NDJSON}\r\n{head}\r\n\r\n");
        connection.write_all(head.as_bytes()).await.expect("send");
        let rows = if head.contains("chunked") { format!("{:x}\r\n{rows}\r\n", rows.len()) } else { rows };
        connection.write_all(rows.as_bytes()).await.expect("send");
        drop(connection);
    }
    sleep(Duration::from_millis(100)).await;
    assert_eq!(kept(&app).await, Vec::<Value>::new());
    app.stop().await;
}

#[test]
fn no_bytes_make_the_door_fail() {
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    let app = runtime.block_on(App::start());
    let good = stream_of(0..20);
    let flipped = (0..good.len(), any::<u8>()).prop_map(move |(at, byte)| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        (ARROW, bytes)
    });
    let noise = vec(any::<u8>(), 0..2_000).prop_map(|bytes| (ARROW, bytes));
    let lines = vec("[{}\",:0-9a-z\n]{0,40}", 0..40).prop_map(|lines| (NDJSON, lines.concat().into_bytes()));
    let mut runner = TestRunner::new(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() });
    let tried = runner.run(&prop_oneof![flipped, noise, lines], |(content_type, body)| {
        let request = app.request("POST", "/ingest/shop/sales").header("content-type", content_type).body(body);
        let status = runtime.block_on(request.send()).expect("answer").status().as_u16();
        prop_assert!([202, 400, 422].contains(&status), "{}", status);
        Ok(())
    });
    tried.expect("400 bodies");
    runtime.block_on(app.stop());
}

#[tokio::test]
async fn gathering_beside_pushes_loses_and_doubles_nothing() {
    let app = App::start().await;
    let pushing = stream::iter(0..60_u32).map(|push_number| {
        let body = sales(10 * push_number..10 * (push_number + 1));
        let app = &app;
        async move { push(app, None, body).await.status() }
    });
    let pushing = pushing.buffer_unordered(4).collect::<Vec<_>>();
    let gathering = async {
        for _ in 0..40 {
            inbox(&app).gather().await.expect("gather");
            sleep(Duration::from_millis(2)).await;
        }
    };
    let (statuses, ()) = tokio::join!(pushing, gathering);
    assert!(statuses.iter().all(|status| *status == 202));
    let mut ids: Vec<u32> = kept(&app).await.iter().map(|row| row["id"].as_str().expect("id").parse().expect("number")).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..600).collect::<Vec<_>>(), "60 pushes");
    assert_eq!(inbox(&app).waiting().await.expect("count"), 0);
    app.stop().await;
}
