//! What is asked is answered, in every format, and names itself.

use std::{io::Cursor, time::Duration};

use arrow::{array::RecordBatch, ipc::reader::StreamReader};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use reqwest::header;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::place::{Place, clients};

const EVERYTHING: &str = "select n, half, word, is_even from silver.numbers order by n";

#[tokio::test(flavor = "multi_thread")]
async fn every_format_gives_the_same_rows() {
    let place = Place::with_numbers(20_000).await;
    let count = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).sum::<usize>();

    let arrow = place.in_format(EVERYTHING, "application/vnd.apache.arrow.stream").await.bytes().await.unwrap();
    let arrow: Vec<RecordBatch> = StreamReader::try_new(Cursor::new(arrow), None).unwrap().map(Result::unwrap).collect();
    let parquet = place.in_format(EVERYTHING, "application/vnd.apache.parquet").await.bytes().await.unwrap();
    let parquet = ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap().build().unwrap();
    let parquet: Vec<RecordBatch> = parquet.map(Result::unwrap).collect();
    let ndjson = place.in_format(EVERYTHING, "application/x-ndjson").await.text().await.unwrap();
    let ndjson: Vec<Value> = ndjson.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let csv = place.in_format(EVERYTHING, "text/csv").await.text().await.unwrap();

    assert_eq!((count(&arrow), count(&parquet), ndjson.len(), csv.lines().count()), (20_000, 20_000, 20_000, 20_001));
    let schema = arrow[0].schema();
    let (arrow, parquet) = (concat(&arrow), concat(&parquet));
    assert_eq!(arrow.columns(), parquet.columns());
    assert_eq!(schema.fields().len(), 4);
    assert_eq!(csv.lines().take(3).collect::<Vec<_>>(), ["n,half,word,is_even", "0,,,", "1,0.5,\"word 1, é\",false"]);
    assert_eq!(ndjson[0], json!({ "n": 0, "half": null, "word": null, "is_even": null }));
    assert_eq!(place.rows(&format!("{EVERYTHING} limit 100")).await, Value::from(ndjson[..100].to_vec()));
}

fn concat(batches: &[RecordBatch]) -> RecordBatch {
    arrow::compute::concat_batches(&batches[0].schema(), batches).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_result_has_its_columns_in_every_format() {
    let place = Place::with_numbers(10).await;
    let none = "select n, word from silver.numbers where n < 0";
    let arrow = place.in_format(none, "application/vnd.apache.arrow.stream").await.bytes().await.unwrap();
    assert_eq!(StreamReader::try_new(Cursor::new(arrow), None).unwrap().schema().fields().len(), 2);
    let parquet = place.in_format(none, "application/vnd.apache.parquet").await.bytes().await.unwrap();
    assert_eq!(ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap().schema().fields().len(), 2);
    assert_eq!(place.in_format(none, "text/csv").await.text().await.unwrap(), "n,word\n");
    assert_eq!(place.in_format(none, "application/x-ndjson").await.text().await.unwrap(), "");
    let (_, answer) = place.ask(&json!({ "sql": none })).await;
    let columns = json!([{ "name": "n", "type": "Int64" }, { "name": "word", "type": "Utf8" }]);
    assert_eq!(answer, json!({ "columns": columns, "rows": [], "row_count": 0, "truncated": false }));
    let (_, described) = place.ask(&json!({ "sql": none, "describe": true })).await;
    assert_eq!(described, json!({ "columns": columns }));
    assert_eq!(place.in_format(none, "image/png").await.status(), 406);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_bound_and_never_part_of_the_text() {
    let place = Place::with_numbers(100).await;
    let count = "select count(*) as c from silver.numbers where";
    let cases = [
        (format!("{count} n < $1"), json!([10]), 10),
        (format!("{count} n < $1 and n >= $2"), json!([10, 4]), 6),
        (format!("{count} n < $1 or n = $1"), json!([9]), 10),
        (format!("{count} half < $most"), json!({ "most": 2.5 }), 4),
        (format!("{count} word = $word"), json!({ "word": "word 7, é" }), 1),
        (format!("{count} word = $1"), json!(["' or 1 = 1 --"]), 0),
        (format!("{count} is_even = $1"), json!([true]), 45),
        (format!("{count} n = $1"), json!([null]), 0),
        (format!("{count} n in (select n from silver.numbers where n < $1)"), json!([3]), 3),
        ("select count(*) as c from (select n from silver.numbers limit $1) a".to_owned(), json!([5]), 5),
    ];
    for (sql, params, expected) in &cases {
        let (status, answer) = place.ask(&json!({ "sql": sql, "params": params })).await;
        assert_eq!((status, &answer["rows"][0]["c"]), (200, &json!(expected)), "{sql} {params}: {answer}");
    }
    let refused = [
        (json!([]), 400, "no value is given for $1"),
        (json!([1, 2]), 400, "a value is given for $2"),
        (json!({ "x": 1 }), 400, "no value is given for $1"),
        (json!([[1]]), 422, "the value for $1 is a number"),
        (json!("1"), 422, "`params` is an array"),
    ];
    for (params, expected, reason) in &refused {
        let (status, answer) = place.ask(&json!({ "sql": format!("{count} n = $1"), "params": params })).await;
        assert_eq!(status, *expected, "{params}: {answer}");
        assert!(answer["detail"].as_str().unwrap().contains(reason), "{answer}");
    }
    println!("{} statements with values, {} refused", cases.len(), refused.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_known_by_its_question_and_its_versions() {
    let place = Place::with_numbers(10).await;
    let asked = json!({ "sql": "select sum(generation) as g from dm_client_features" });
    let tag = async |body: &Value| place.post(body).send().await.unwrap().headers().get(header::ETAG).cloned();
    let first = tag(&asked).await.unwrap();
    assert_eq!(tag(&asked).await.as_ref(), Some(&first));

    let again = place.post(&asked).header(header::IF_NONE_MATCH, &first).send().await.unwrap();
    assert_eq!((again.status().as_u16(), again.text().await.unwrap().as_str()), (304, ""));
    assert_ne!(tag(&json!({ "sql": asked["sql"], "limit": 5 })).await.unwrap(), first);

    place.publish(&clients(2)).await;
    let after = place.post(&asked).header(header::IF_NONE_MATCH, &first).send().await.unwrap();
    assert_eq!(after.status(), 200);
    assert_eq!(after.json::<Value>().await.unwrap()["rows"][0]["g"], 200);
    assert_eq!(place.ask(&json!({ "sql": asked["sql"], "at": 0 })).await.1["rows"][0]["g"], 100);
    assert_eq!(place.ask(&json!({ "sql": asked["sql"], "at": 9 })).await.1["code"], "unknown_version");
    assert_eq!(place.ask(&json!({ "sql": asked["sql"], "at": "1999-01-01" })).await.0, 404);
    for changing in
        ["select now() as t", "select random() as t", "select n + random() as t from silver.numbers", "explain select 1"]
    {
        assert_eq!(tag(&json!({ "sql": changing })).await, None, "{changing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_not_worked_out_again() {
    let place = Place::with_numbers(10).await;
    let asked = json!({ "sql": "select sum(generation) as g from dm_client_features" });
    let ask = async || {
        let answer = place.post(&asked).send().await.unwrap();
        let did_run = answer.headers().contains_key("x-query-id");
        (did_run, answer.json::<Value>().await.unwrap()["rows"][0]["g"].clone())
    };
    assert_eq!(ask().await, (true, json!(100)));
    assert_eq!(ask().await, (false, json!(100)));
    place.publish(&clients(2)).await;
    assert_eq!(ask().await, (true, json!(200)), "another version is another question");
    for (change, value) in [("limit", json!(7)), ("params", json!({})), ("at", json!(0))] {
        let mut other = asked.clone();
        other[change] = value;
        let answer = place.post(&other).send().await.unwrap();
        let did_run = answer.headers().contains_key("x-query-id");
        assert_eq!(did_run, change != "at", "{change}: the versions are what counts, not how they were asked for");
    }
    let dice = json!({ "sql": "select random() as r" });
    let [first, second] = [place.ask(&dice).await.1, place.ask(&dice).await.1];
    assert_ne!(first, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_fits_into_an_address() {
    let place = Place::with_numbers(10).await;
    let address = "/sql?q=select%20n%20from%20silver.numbers%20order%20by%20n&limit=2";
    let (status, answer) = place.get(address).await;
    assert_eq!((status, &answer["rows"], &answer["truncated"]), (200, &json!([{ "n": 0 }, { "n": 1 }]), &json!(true)));
    assert_eq!(place.get("/sql?q=drop%20table%20silver.numbers").await.1["code"], "not_read_only");
    assert_eq!(place.get("/sql").await.0, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn explanations_tell_the_plan_and_not_the_place() {
    let place = Place::with_numbers(100).await;
    for explain in ["explain", "explain verbose", "explain analyze", "explain format tree", "explain analyze verbose"] {
        let (status, answer) =
            place.ask(&json!({ "sql": format!("{explain} select word, sum(n) from silver.numbers group by word") })).await;
        let text = answer.to_string();
        assert_eq!(status, 200, "{explain}: {text}");
        assert!(text.contains("Aggregate"), "{explain}: {text}");
        for secret in [".parquet", "part-", "/lake/", place.folder().file_name().unwrap().to_str().unwrap()] {
            assert!(!text.contains(secret), "{explain} tells {secret}: {text}");
        }
    }
    assert_eq!(place.ask(&json!({ "sql": "explain drop table silver.numbers" })).await.0, 400);
}

/// Head, body as it went over the wire.
async fn raw(place: &Place, sql: &str, limit: usize, headers: &str) -> String {
    let body = json!({ "sql": sql, "limit": limit }).to_string();
    let mut stream = TcpStream::connect(&place.address).await.unwrap();
    let head = format!(
        "POST /sql HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\naccept: text/csv\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(Duration::from_secs(30), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_says_at_its_end_whether_it_was_cut() {
    let place = Place::with_numbers(100).await;
    for (limit, truncated) in [(100, false), (99, true), (1, true), (1000, false)] {
        let answer = raw(&place, "select n from silver.numbers", limit, "te: trailers\r\n").await;
        assert!(answer.ends_with(&format!("0\r\nx-truncated: {truncated}\r\n\r\n")), "{limit}: {answer}");
        let id = answer.lines().find_map(|line| line.strip_prefix("x-query-id: ")).unwrap();
        let (_, status) = place.get(&format!("/sql/{id}")).await;
        assert_eq!(status, json!({ "status": "succeeded", "rows": limit.min(100), "truncated": truncated, "code": null }));
    }
    assert!(raw(&place, "select n from silver.numbers", 1, "").await.ends_with("\r\n0\r\n\r\n"), "no trailer unasked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_fails_is_cut_off_before_its_end() {
    let place = Place::with_numbers(200_000).await;
    let sql = "select n, 1 / (n - 190000) as x from silver.numbers";
    let answer = raw(&place, sql, 1_000_000, "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{}", &answer[..100]);
    assert!(answer.len() > 100_000 && !answer.ends_with("0\r\n\r\n"), "{} bytes", answer.len());
    assert!(place.in_format(sql, "application/vnd.apache.arrow.stream").await.bytes().await.is_err());
    let (status, refused) = place.ask(&json!({ "sql": "select 1 / (n - n) as x from silver.numbers" })).await;
    assert_eq!((status, &refused["code"]), (422, &json!("failed_query")), "{refused}");
}
