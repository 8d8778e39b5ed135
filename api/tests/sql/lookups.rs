//! Rows by their key and pages by their place, from memory and from the table.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use reqwest::{StatusCode, Url, header};
use serde_json::Value;

use crate::place::{Place, clients, read};

const MART: &str = "/datamarts/fraud/dm_client_features";

/// Texts that JSON has to write in another way, a number that it cannot write, and values that are not there.
fn awkward() -> RecordBatch {
    let fields = [("client_id", DataType::Utf8), ("text", DataType::Utf8), ("number", DataType::Float64), ("n", DataType::Int64)];
    let schema = Schema::new(fields.map(|(name, kind)| Field::new(name, kind, name != "client_id")).to_vec());
    let texts = [Some("two\nlines,\r\n\t\"quoted\""), None, Some("日本語 \u{1}"), Some("}, {"), Some("")];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["a/b", "a b", "ä,\"?", "", "9"])),
        Arc::new(StringArray::from(texts.to_vec())),
        Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(-0.5), None, Some(1e300), Some(0.1)])),
        Arc::new(Int64Array::from(vec![Some(i64::MAX), Some(i64::MIN), None, Some(0), Some(1)])),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

async fn by_key(place: &Place, route: &str, key: &str) -> Value {
    let mut url = Url::parse(&place.url(route)).unwrap();
    url.path_segments_mut().unwrap().push(key);
    read(place.client.get(url).send().await.unwrap()).await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datamart_that_is_too_long_for_memory_answers_like_one_that_is_not() {
    for rows in [awkward(), clients(7)] {
        let (held, long) = tokio::join!(Place::with_numbers(1), Place::with(1, |settings| settings.limits.mart_mb = 0));
        for place in [&held, &long] {
            place.publish(&rows).await;
        }
        let expected = held.rows("select * from gold.dm_client_features order by client_id").await;
        let expected = expected.as_array().unwrap();
        assert_eq!(expected.len(), rows.num_rows());
        for place in [&held, &long] {
            for row in expected {
                let key = row["client_id"].as_str().unwrap();
                for route in [MART, "/client_features"].into_iter().filter(|_| !key.is_empty()) {
                    assert_eq!(&by_key(place, route, key).await, row, "{route}");
                }
            }
            for (offset, limit) in
                [(0, 1), (0, 1_000), (1, 2), (expected.len() - 1, 9), (expected.len(), 1), (usize::MAX >> 1, 1)]
            {
                let page = place.get(&format!("/client_features/?offset={offset}&limit={limit}")).await;
                let wanted: Vec<Value> = expected.iter().skip(offset).take(limit).cloned().collect();
                assert_eq!(page, (200, Value::from(wanted)), "{offset} {limit}");
            }
            for nobody in ["nobody", "%00", "a%2Fc"] {
                assert_eq!(place.get(&format!("{MART}/{nobody}")).await.1["code"], "not_found", "{nobody}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_a_row_is_good_for_its_version_of_its_table_only() {
    let place = Place::with_numbers(1).await;
    let fetch = async |place: &Place, key: &str, name: Option<&header::HeaderValue>| {
        let request = place.client.get(place.url(&format!("{MART}/{key}")));
        name.into_iter().fold(request, |request, name| request.header(header::IF_NONE_MATCH, name)).send().await.unwrap()
    };
    let name = fetch(&place, "001", None).await.headers()[header::ETAG].clone();
    assert_eq!(fetch(&place, "001", Some(&name)).await.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(
        fetch(&place, "nobody", Some(&name)).await.status(),
        StatusCode::NOT_FOUND,
        "there is nothing that could be unchanged"
    );
    let twin = Place::with_numbers(1).await;
    assert_eq!(fetch(&twin, "001", Some(&name)).await.status(), StatusCode::OK, "another lake, whose versions count alike");
    place.publish(&clients(2)).await;
    while fetch(&place, "001", None).await.headers()[header::ETAG] == name {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(fetch(&place, "001", Some(&name)).await.status(), StatusCode::OK);
}
