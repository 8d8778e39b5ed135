use crate::app::{App, code, header};

const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyz";

#[tokio::test]
async fn a_file_is_served_as_it_is_with_a_type_by_its_extension() {
    for (name, content_type) in [
        ("a.csv", "text/csv"),
        ("a.JSON", "application/json"),
        ("a.csv.gz", "application/gzip"),
        ("a.zst", "application/zstd"),
        ("a.parquet", "application/vnd.apache.parquet"),
        ("a.html", "application/octet-stream"),
        ("csv", "application/octet-stream"),
    ] {
        let app = App::start().await.with_file(name, [0, 255, b'\n']);
        let answer = app.get(&format!("/files/{name}")).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "content-type"), content_type, "{name}");
        assert!(!answer.headers().contains_key("content-encoding"), "{name}");
        assert_eq!(answer.bytes().await.expect("body"), [0, 255, b'\n'].as_slice());
        app.stop().await;
    }
}

#[tokio::test]
async fn a_long_file_arrives_whole() {
    let content: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let app = App::start().await.with_file("long.parquet", &content);
    let answer = app.get("/files/long.parquet").await;
    assert_eq!(header(&answer, "content-length"), content.len().to_string());
    assert!(answer.bytes().await.expect("body") == content);
    app.stop().await;
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_found() {
    let app = App::start().await;
    for (method, path) in [("GET", "/files/none.csv"), ("POST", "/files/none.csv/split")] {
        let answer = app.request(method, path).send().await.expect("answer");
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(code(answer).await, "not_found");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_range_is_served_alone() {
    let app = App::start().await.with_file("a.csv", ALPHABET);
    for (range, content, place) in [
        ("bytes=0-3", "abcd", "bytes 0-3/26"),
        ("bytes=24-", "yz", "bytes 24-25/26"),
        ("bytes=-1", "z", "bytes 25-25/26"),
        ("bytes=20-99", "uvwxyz", "bytes 20-25/26"),
    ] {
        let answer = app.request("GET", "/files/a.csv").header("range", range).send().await.expect("answer");
        assert_eq!(answer.status(), 206, "{range}");
        assert_eq!(header(&answer, "content-range"), place);
        assert_eq!(header(&answer, "content-length"), content.len().to_string());
        assert_eq!(answer.text().await.expect("body"), content);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_range_that_the_file_does_not_have_is_refused_with_its_length() {
    let app = App::start().await.with_file("a.csv", ALPHABET);
    let answer = app.request("GET", "/files/a.csv").header("range", "bytes=26-").send().await.expect("answer");
    assert_eq!(answer.status(), 416);
    assert_eq!(header(&answer, "content-range"), "bytes */26");
    assert_eq!(code(answer).await, "range_not_satisfiable");
    let several = app.request("GET", "/files/a.csv").header("range", "bytes=0-1,4-5").send().await.expect("answer");
    assert_eq!((several.status().as_u16(), header(&several, "accept-ranges")), (200, "bytes"));
    app.stop().await;
}

#[tokio::test]
async fn head_tells_what_get_would_without_sending_it() {
    let app = App::start().await.with_file("a.csv", ALPHABET);
    let get = app.get("/files/a.csv").await;
    let head = app.request("HEAD", "/files/a.csv").header("range", "bytes=0-3").send().await.expect("answer");
    assert_eq!(head.status(), 200);
    for name in ["content-length", "content-type", "etag", "last-modified", "accept-ranges"] {
        assert_eq!(header(&head, name), header(&get, name), "{name}");
    }
    assert_eq!(head.bytes().await.expect("body").len(), 0);
    assert_eq!(app.request("HEAD", "/files/none.csv").send().await.expect("answer").status(), 404);
    app.stop().await;
}

#[tokio::test]
async fn what_the_client_has_already_is_not_sent_again() {
    let app = App::start().await.with_file("a.csv", ALPHABET);
    let first = app.get("/files/a.csv").await;
    let (etag, modified) = (header(&first, "etag").to_owned(), header(&first, "last-modified").to_owned());
    assert!(etag.starts_with('"'), "a strong validator");
    for (name, value, status) in [
        ("if-none-match", etag.as_str(), 304),
        ("if-none-match", &format!("\"other\", W/{etag}"), 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "\"other\"", 200),
        ("if-modified-since", &modified, 304),
        ("if-modified-since", "Sun, 01 Jan 2045 00:00:00 GMT", 304),
        ("if-modified-since", "Thu, 01 Jan 1970 00:00:01 GMT", 200),
        ("if-modified-since", "yesterday", 200),
    ] {
        let answer = app.request("GET", "/files/a.csv").header(name, value).send().await.expect("answer");
        assert_eq!(answer.status(), status, "{name}: {value}");
        assert_eq!(header(&answer, "etag"), etag);
        assert_eq!(answer.text().await.expect("body").is_empty(), status == 304);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_download_goes_on_only_in_the_file_it_began_with() {
    let app = App::start().await.with_file("a.csv", ALPHABET);
    let old = app.get("/files/a.csv").await;
    let (old_etag, old_date) = (header(&old, "etag").to_owned(), header(&old, "last-modified").to_owned());
    let resume = async |validator: &str| {
        let request = app.request("GET", "/files/a.csv").header("range", "bytes=24-").header("if-range", validator);
        let answer = request.send().await.expect("answer");
        (answer.status().as_u16(), answer.text().await.expect("body"))
    };
    assert_eq!(resume(&old_etag).await, (206, "yz".to_owned()));
    assert_eq!(resume(&old_date).await, (206, "yz".to_owned()));
    assert_eq!(resume(&format!("W/{old_etag}")).await, (200, ALPHABET.to_owned()), "a weak validator is not enough");

    let reversed: String = ALPHABET.chars().rev().collect();
    app.put("a.csv", reversed.clone()).await;
    assert_eq!(resume(&old_etag).await, (200, reversed));
    app.stop().await;
}
