use std::{fs, io::Write};

use flate2::{Compression, write::GzEncoder};
use lakehouse_sources_api::{SplitError, split_csv};
use serde_json::{Value, json};

use crate::app::{App, UPLOAD_BYTES};

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("compress");
    encoder.finish().expect("compressed")
}

fn rows(count: usize) -> String {
    (0..count).fold("id,text\n".to_owned(), |text, row| text + &format!("{row},\"line {row}\nand, more\"\n"))
}

#[tokio::test]
async fn a_csv_is_split_into_parts_beside_it() {
    let app = App::start().await.with_file("t.csv", rows(10)).with_file("z.csv.gz", gzip(rows(10).as_bytes()));
    for (path, prefix) in [("/files/t.csv/split", "t"), ("/files/z.csv.gz/split?parts=4", "z")] {
        let answer = app.request("POST", path).send().await.expect("answer");
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.expect("json");
        let counts: Vec<_> = answer["parts"].as_array().expect("parts").iter().map(|part| part["rows"].clone()).collect();
        assert_eq!(counts, [json!(3), json!(3), json!(2), json!(2)]);

        let mut joined = "id,text\n".to_owned();
        for (number, part) in (1..).zip(answer["parts"].as_array().expect("parts")) {
            assert_eq!(part["name"], format!("{prefix}_part{number}.csv"));
            let text = app.get(&format!("/files/{prefix}_part{number}.csv")).await.text().await.expect("body");
            assert_eq!(part["bytes"], text.len());
            joined += text.strip_prefix("id,text\n").expect("header");
        }
        assert_eq!(joined, rows(10));
    }
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_be_split_is_refused_and_leaves_nothing() {
    let too_much = format!("id\n{}\n", "1".repeat(usize::try_from(UPLOAD_BYTES).expect("limit")));
    let app = App::start()
        .await
        .with_file("a.json", "{}")
        .with_file("empty.csv", "")
        .with_file("t.csv", rows(3))
        .with_file("broken.csv.gz", &gzip(rows(100).as_bytes())[..40])
        .with_file("bomb.csv.gz", gzip(too_much.as_bytes()))
        .with_file(&format!("{}.csv", "n".repeat(120)), rows(3));
    let before = app.everything();
    for (path, status, detail) in [
        ("a.json/split", 422, "only files that end in .csv or .csv.gz are split"),
        ("empty.csv/split", 422, "the file is empty"),
        ("t.csv/split?parts=0", 422, "0 parts: between 1 and 1000 are possible"),
        ("t.csv/split?parts=1001", 422, "1001 parts"),
        ("t.csv/split?parts=two", 422, "`parts` in the query string"),
        ("broken.csv.gz/split", 422, "the file is not valid gzip"),
        ("bomb.csv.gz/split", 413, "the file has more than 1048576 bytes"),
        (&format!("{}.csv/split", "n".repeat(120)), 422, "the name is too long for its parts to have names"),
    ] {
        let answer = app.request("POST", &format!("/files/{path}")).send().await.expect("answer");
        assert_eq!(answer.status(), status, "{path}");
        let text = answer.text().await.expect("body");
        assert!(text.contains(detail), "{text}");
    }
    assert_eq!(app.everything(), before);
    app.stop().await;
}

#[test]
fn the_library_splits_without_a_service() {
    let folder = tempfile::tempdir().expect("folder");
    let (file, out) = (folder.path().join("t.csv"), folder.path().join("out"));
    fs::create_dir(&out).expect("out");
    fs::write(&file, "id\r\n1\r\n\r\n2\r\n3").expect("write");
    let parts = split_csv(&file, &out, 5).expect("split");
    assert_eq!(parts.iter().map(|part| part.rows).collect::<Vec<_>>(), [1, 1, 1, 0, 0]);
    let texts: Vec<_> = parts.iter().map(|part| fs::read_to_string(out.join(&part.name)).expect("part")).collect();
    assert_eq!(texts, ["id\r\n1\r\n", "id\r\n2\r\n", "id\r\n3", "id\r\n", "id\r\n"]);
}

#[test]
fn a_quote_that_is_never_closed_is_named() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("t.csv");
    fs::write(&file, format!("id,text\n1,fine\n2,\"open\n{}", "x\n".repeat(9 << 20))).expect("write");
    let refused = split_csv(&file, folder.path(), 2).expect_err("an open quote");
    assert!(matches!(refused, SplitError::LongRow(2)), "{refused}");
    assert_eq!(fs::read_dir(folder.path()).expect("folder").count(), 1);
}
