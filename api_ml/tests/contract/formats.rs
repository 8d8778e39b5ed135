//! One contract for every format: what JSON refuses, lines, Arrow and tensors refuse, and what it scores, they score alike.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, AsArray as _, DictionaryArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray},
    datatypes::{Float64Type, Int32Type},
    ipc::{reader::StreamReader, writer::StreamWriter},
};
use axum::http::Request;
use serde_json::{Value, json};

use crate::{
    app::{App, send, transaction, transaction_with},
    shelf::{constant, split_on},
};

const ARROW: &str = "application/vnd.apache.arrow.stream";
const LINES: &str = "application/x-ndjson";

async fn app() -> App {
    let mut app = App::start();
    app.shelf.promote(&split_on("fraud", "credit_limit", 100.0)).await;
    app.shelf.promote(&constant("fraud_card", 0.25)).await;
    app.shelf.put_state(&[]).await;
    app.look().await;
    app
}

fn post(kind: &str, body: Vec<u8>) -> Request<axum::body::Body> {
    Request::post("/predict/batch").header("content-type", kind).body(body.into()).expect("request")
}

/// As a table of these transactions would be written, with some columns of other widths than ours.
fn stream(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).expect("batch");
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).expect("writer");
    writer.write(&batch).expect("write");
    writer.into_inner().expect("stream")
}

fn columns(limits: &[f64]) -> Vec<(&'static str, ArrayRef)> {
    let rows = limits.len();
    let numbers = |value: f64| Arc::new(Float64Array::from(vec![value; rows])) as ArrayRef;
    let texts = |value: &str| Arc::new(StringArray::from(vec![value; rows])) as ArrayRef;
    let brands: DictionaryArray<Int32Type> = vec!["Visa"; rows].into_iter().collect();
    vec![
        ("amount", Arc::new(Float32Array::from(vec![812.5; rows]))),
        ("card_brand", Arc::new(brands)),
        ("card_type", texts("Credit")),
        ("merchant_state", texts("CA")),
        ("use_chip", texts("False")),
        ("credit_limit", Arc::new(Float64Array::from(limits.to_vec()))),
        ("per_capita_income", numbers(21000.0)),
        ("yearly_income", Arc::new(Int64Array::from(vec![43000; rows]))),
        ("total_debt", numbers(61000.0)),
        ("credit_score", Arc::new(Float64Array::from(vec![None; rows]))),
        ("a_column_nobody_asked_for", numbers(1.0)),
    ]
}

#[tokio::test]
async fn lines_and_arrow_give_what_json_gives() {
    let app = app().await;
    let limits: Vec<f64> = (0..10_000).map(|row| f64::from(row % 200)).collect();
    let transactions: Vec<Value> =
        limits.iter().map(|limit| transaction_with(json!({"credit_limit": limit, "credit_score": null}))).collect();
    let expected = app.post("/predict/batch", json!({"transactions": transactions}).to_string()).await.json();
    let expected: Vec<f64> = expected["predictions"]
        .as_array()
        .expect("list")
        .iter()
        .map(|one| one["fraud_probability"].as_f64().expect("number"))
        .collect();

    let lines: String = transactions.iter().map(|transaction| format!("{transaction}\n")).collect();
    let answer = send(&app.router, post(LINES, lines.into_bytes())).await;
    assert_eq!((answer.status.as_u16(), answer.model()), (200, ("fraud", "1")));
    let found: Vec<f64> = answer
        .text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("line")["fraud_probability"].as_f64().expect("number"))
        .collect();
    assert_eq!(found, expected);

    let bytes = app.bytes(post(ARROW, stream(columns(&limits)))).await;
    let batches: Vec<RecordBatch> =
        StreamReader::try_new(&*bytes, None).expect("stream").collect::<Result<_, _>>().expect("batches");
    assert_eq!(
        batches[0].schema().fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(),
        ["fraud_probability", "is_fraud", "confidence"]
    );
    assert_eq!(batches[0].column(0).as_primitive::<Float64Type>().values().to_vec(), expected);
    println!("{} transactions in three formats", limits.len());
}

#[tokio::test]
async fn what_json_refuses_every_format_refuses_with_row_and_field() {
    let app = app().await;
    let lines = format!("{}\n\n{}\n", transaction(), transaction_with(json!({"amount": -1})));
    let (status, _, detail) = send(&app.router, post(LINES, lines.into_bytes())).await.problem();
    assert_eq!(
        (status, detail.starts_with("line 3: invalid value: integer `-1`, expected a number from 0")),
        (422, true),
        "{detail}"
    );
    for (body, expected) in [("", "there is no transaction in the body"), ("{", "line 1: EOF while parsing an object")] {
        let (status, _, detail) = send(&app.router, post(LINES, body.into())).await.problem();
        assert_eq!((status, detail.as_str()), (422, expected));
    }

    let mut negative = columns(&[50.0, 50.0]);
    negative[0].1 = Arc::new(Float64Array::from(vec![1.0, -1.0]));
    let mut missing = columns(&[50.0]);
    missing.remove(2);
    let mut null = columns(&[50.0]);
    null[5].1 = Arc::new(Float64Array::from(vec![None]));
    let cases = [
        (stream(negative), 422, "row 2: `amount`: invalid value: floating point `-1.0`"),
        (stream(missing), 422, "row 1: missing field `card_type`"),
        (stream(null), 422, "row 1: `credit_limit`: invalid type: unit value"),
        (stream(columns(&vec![1.0; 10_001])), 422, "more than 10000 transactions"),
        (stream(columns(&[])), 422, "there is no transaction in the body"),
        (b"not an arrow stream at all".to_vec(), 400, "the body is no Arrow IPC stream"),
        (stream(columns(&[1.0]))[..200].to_vec(), 400, "the body is cut off"),
    ];
    for (body, status, expected) in cases {
        let problem = send(&app.router, post(ARROW, body)).await.problem();
        assert_eq!((problem.0, problem.2.contains(expected)), (status, true), "{expected}: {}", problem.2);
    }
    assert_eq!(send(&app.router, post("text/csv", b"a,b".to_vec())).await.problem().0, 415);
}

#[tokio::test]
async fn both_probabilities_add_up_to_one() {
    let app = app().await;
    let answer = app.post("/predict_proba", transaction_with(json!({"credit_limit": 50})).to_string()).await;
    assert_eq!(answer.json(), json!({"probabilities": [0.9, 0.1], "threshold": 0.5, "model": "fraud", "version": 1}));
    assert_eq!(answer.model(), ("fraud", "1"));
}

#[tokio::test]
async fn an_explanation_adds_up_to_the_score_and_names_what_moved_it() {
    let app = app().await;
    for limit in [50, 150] {
        let transaction = transaction_with(json!({"credit_limit": limit}));
        let explanation = app.post("/explain", transaction.to_string()).await.json();
        let sum = explanation["contributions"]
            .as_array()
            .expect("list")
            .iter()
            .map(|one| one["contribution"].as_f64().expect("number"));
        let (base, total) = (explanation["base"].as_f64().expect("base"), explanation["total"].as_f64().expect("total"));
        assert!((base + sum.sum::<f64>() - total).abs() < 1e-12, "{explanation}");
        assert_eq!(explanation["prediction"], app.predict(&transaction).await.json());
        assert_eq!(explanation["contributions"].as_array().expect("list").len(), 11);
        assert_eq!(explanation["contributions"][0]["input"], "credit_limit");
        assert_eq!(explanation["contributions"][0]["value"], json!(f64::from(limit)));
        let verb = if limit == 50 { "lowers" } else { "raises" };
        assert_eq!(explanation["reasons"], json!([format!("`credit_limit` = {limit} {verb} the mean of the trees by 0.400")]));
    }
}

#[tokio::test]
async fn the_inference_protocol_is_spoken() {
    let app = app().await;
    assert_eq!(app.get("/v2/health/live").await.json(), json!({"live": true}));
    assert_eq!(app.get("/v2/health/ready").await.json(), json!({"ready": true}));
    let model = app.get("/v2/models/fraud").await.json();
    assert_eq!((&model["name"], &model["versions"]), (&json!("fraud"), &json!(["1"])));
    assert_eq!(model["inputs"].as_array().expect("inputs").len(), 12);
    assert_eq!(app.get("/v2/models/fraud_card/versions/1").await.json()["inputs"].as_array().expect("inputs").len(), 17);
    assert_eq!(app.get("/v2/models/fraud/versions/2").await.status, 404);
    assert_eq!(app.get("/v2/models/nobody/ready").await.json(), json!({"error": "no model `nobody` serves"}));
    for name in ["NUL", "a.b", "%FF", "%2e%2e"] {
        let impossible = app.get(&format!("/v2/models/{name}")).await;
        assert_eq!(impossible.status, 404, "{name}");
        assert!(impossible.json()["error"].is_string(), "{name}: refused in the protocol's shape");
    }

    let request = |limits: &Value, shape: Value| {
        let rows = limits.as_array().expect("list").len();
        let tensor = |name: &str, datatype: &str, value: Value| json!({"name": name, "datatype": datatype, "shape": [rows], "data": vec![value; rows]});
        json!({"id": "7", "inputs": [
            tensor("amount", "FP32", json!(812.5)), tensor("card_brand", "BYTES", json!("Visa")), tensor("card_type", "BYTES", json!("Credit")),
            tensor("merchant_state", "BYTES", json!("CA")), tensor("use_chip", "BYTES", json!("False")),
            {"name": "credit_limit", "datatype": "INT64", "shape": shape, "data": limits},
            tensor("per_capita_income", "FP64", json!(21000.0)), tensor("yearly_income", "FP64", json!(43000.0)), tensor("total_debt", "FP64", json!(61000.0)),
        ]})
    };
    let answer = app.post("/v2/models/fraud/infer", request(&json!([50, 150]), json!([2])).to_string()).await;
    let outputs = json!([
        {"name": "fraud_probability", "datatype": "FP64", "shape": [2], "data": [0.1, 0.9]},
        {"name": "is_fraud", "datatype": "BOOL", "shape": [2], "data": [false, true]},
    ]);
    assert_eq!(answer.json(), json!({"model_name": "fraud", "model_version": "1", "id": "7", "outputs": outputs}));
    for (body, status, reason) in [
        (request(&json!([50, 150]), json!([3])), 400, "input `credit_limit` has 2 elements, not the shape [3]"),
        (request(&json!([-1e18 as i64]), json!([1])), 400, "transaction 0: `credit_limit`: invalid value"),
        (json!({"inputs": []}), 400, "a request has 1 to 10000 transactions, this one 0"),
    ] {
        let answer = app.post("/v2/models/fraud/infer", body.to_string()).await;
        let error = answer.json()["error"].as_str().expect("error").to_owned();
        assert_eq!((answer.status.as_u16(), error.contains(reason)), (status, true), "{reason}: {error}");
    }
    let no_card = app.post("/v2/models/fraud_card/infer", request(&json!([50]), json!([1])).to_string()).await;
    assert_eq!(no_card.json()["error"], "transaction 0 has no `card_id`, which this model needs");
}

#[tokio::test]
async fn the_registry_is_listed_a_page_at_a_time() {
    let mut app = App::start();
    for round in 0..5 {
        app.shelf.promote(&constant("fraud", f64::from(round) / 10.0)).await;
    }
    app.look().await;
    let models = app.get("/models").await.json();
    assert_eq!(models["models"][0]["newest_version"], 5);
    assert_eq!(models["models"][0]["aliases"]["champion"]["version"], 5);
    let page = app.get("/models/fraud/versions?limit=2").await.json();
    let numbers =
        |page: &Value| page["versions"].as_array().expect("list").iter().map(|one| one["version"].as_u64()).collect::<Vec<_>>();
    assert_eq!((numbers(&page), &page["next_before"]), (vec![Some(5), Some(4)], &json!(4)));
    let last = app.get("/models/fraud/versions?limit=3&before=4").await.json();
    assert_eq!((numbers(&last), &last["next_before"]), (vec![Some(3), Some(2), Some(1)], &json!(null)));
    assert_eq!(app.get("/models/fraud/versions/3").await.json()["files"].as_array().expect("files").len(), 2);
    assert_eq!(app.get("/models/fraud/versions/6").await.problem().1, "unknown_version");
    assert_eq!(app.get("/models/nobody/versions").await.problem().1, "unknown_model");
}
