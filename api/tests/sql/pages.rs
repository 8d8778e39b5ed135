//! Datamarts by filters, in pages, while new versions land.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::place::{Place, clients, put, read};

const MART: &str = "/datamarts/fraud/dm_client_features";
const READS: usize = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn pages_never_shift_while_new_versions_land() {
    let place = Place::with_numbers(10).await;
    let mut walked = 0;
    for order in
        ["", "order=tx_count&", "order=tx_count.desc&", "order=generation,tx_count.desc&", "select=generation&order=tx_count&"]
    {
        let whole = place.get(&format!("{MART}?{order}limit=100")).await.1;
        let (mut path, mut rows, mut versions) = (format!("{MART}?{order}limit=19&count=exact"), Vec::new(), BTreeSet::new());
        loop {
            let answer = place.client.get(place.url(&path)).send().await.unwrap();
            assert_eq!((answer.status(), &answer.headers()["x-total-count"]), (StatusCode::OK, &header::HeaderValue::from(100)));
            versions.insert(answer.headers()["x-table-version"].to_str().unwrap().to_owned());
            let next = answer.headers().get(header::LINK).map(|link| link.to_str().unwrap().to_owned());
            rows.extend(answer.json::<Vec<Value>>().await.unwrap());
            walked += 1;
            let Some(next) = next else { break };
            path = next.strip_prefix('<').unwrap().split_once('>').unwrap().0.to_owned();
            put(&place.lake, "gold.dm_client_features", &clients(100 + walked)).await;
        }
        assert_eq!(Value::from(rows), whole, "{order}");
        assert_eq!(versions.len(), 1, "{order}");
        place.publish(&clients(200 + walked)).await;
    }
    println!("{walked} pages of one version each, with a new version after every one");
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_that_do_not_fit_are_refused() {
    let place = Place::with_numbers(10).await;
    let answer = place.client.get(place.url(&format!("{MART}?limit=7"))).send().await.unwrap();
    let cursor = answer.headers()["x-next-cursor"].to_str().unwrap().to_owned();
    let forged = |version: u64| {
        let text = String::from_utf8(hex::decode(&cursor).unwrap()).unwrap();
        hex::encode(text.replace("\"version\":0", &format!("\"version\":{version}")))
    };
    let cases = [
        (format!("limit=9&cursor={cursor}"), 200, None),
        (format!("order=tx_count&cursor={cursor}"), 422, Some("invalid_cursor")),
        (format!("tx_count=gt.1&cursor={cursor}"), 422, Some("invalid_cursor")),
        (format!("offset=1&cursor={cursor}"), 422, Some("unprocessable")),
        ("cursor=00".to_owned(), 422, Some("invalid_cursor")),
        ("cursor=x".to_owned(), 422, Some("invalid_cursor")),
        (format!("cursor={}", hex::encode("{}")), 422, Some("invalid_cursor")),
        (format!("cursor={}", forged(77)), 410, Some("version_expired")),
        ("count=some".to_owned(), 422, Some("unprocessable")),
    ];
    for (query, status, code) in &cases {
        let answer = place.get(&format!("{MART}?{query}")).await;
        assert_eq!((answer.0, answer.1["code"].as_str()), (*status, *code), "{query}: {}", answer.1);
    }
    place.publish(&clients(2)).await;
    let current = place.current_files().await;
    for file in std::fs::read_dir(place.folder().join("lake/gold/fraud/dm_client_features")).unwrap().map(Result::unwrap) {
        let is_old = file.path().extension().is_some_and(|extension| extension == "parquet");
        if is_old && current.iter().all(|kept| !file.path().ends_with(kept)) {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
    assert_eq!(place.get(&format!("{MART}?cursor={cursor}")).await.1["code"], "version_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datamart_tells_its_rows_its_shape_and_its_origin() {
    let place = Place::with_numbers(10).await;
    let row = place.client.get(place.url(&format!("{MART}/007"))).send().await.unwrap();
    let tag = row.headers()[header::ETAG].clone();
    assert_eq!(read(row).await, (200, json!({ "client_id": "007", "tx_count": 2, "generation": 1 })));
    for path in [format!("{MART}/007"), format!("{MART}?limit=3")] {
        let tag = place.client.get(place.url(&path)).send().await.unwrap().headers()[header::ETAG].clone();
        let again = place.client.get(place.url(&path)).header(header::IF_NONE_MATCH, &tag).send().await.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
    }
    assert_eq!(place.get(&format!("{MART}/nobody")).await.0, 404);

    let (_, schema) = place.get(&format!("{MART}/schema")).await;
    assert_eq!(schema["properties"]["tx_count"]["type"], json!(["integer", "null"]));
    assert_eq!(schema["properties"]["client_id"]["type"], "string");
    let (_, lineage) = place.get(&format!("{MART}/lineage")).await;
    assert_eq!(
        (&lineage["version"], &lineage["run"], &lineage["inputs"]),
        (&json!(0), &json!("a run"), &json!({ "silver.numbers": "7" }))
    );

    place.publish(&clients(2)).await;
    for _ in 0..100 {
        let request = place.client.get(place.url(&format!("{MART}/007"))).header(header::IF_NONE_MATCH, &tag);
        let after = request.send().await.unwrap();
        if after.status() == StatusCode::OK {
            assert_eq!(after.json::<Value>().await.unwrap()["generation"], 2);
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the new version is not served");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_is_of_one_version_while_versions_land() {
    let place = Place::with_numbers(10).await;
    let is_over = AtomicBool::new(false);
    let writes = async {
        let mut generation = 1;
        while !is_over.load(Ordering::Relaxed) {
            generation += 1;
            put(&place.lake, "gold.dm_client_features", &clients(generation)).await;
            // Others have to get at the cores, too.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        generation
    };
    let reader = async |share: usize| {
        let mut seen = BTreeSet::new();
        for turn in 0..READS / 4 {
            let generations: Vec<i64> = match (turn + share) % 50 {
                // One snapshot for every mention of a table.
                0 => {
                    let sql = "select min(a.generation) as a, max(b.generation) as b, count(*) as c from dm_client_features a \
                               join dm_client_features b using (client_id)";
                    let rows = place.rows(sql).await;
                    assert_eq!(rows[0]["c"], 100);
                    vec![rows[0]["a"].as_i64().unwrap(), rows[0]["b"].as_i64().unwrap()]
                }
                1 => generations(&place.get(&format!("{MART}?limit=100&order=tx_count.desc")).await.1, 100),
                _ => generations(&place.get("/client_features/?limit=100").await.1, 100),
            };
            assert!(generations.iter().all(|one| *one == generations[0]), "{generations:?}");
            seen.insert(generations[0]);
        }
        seen
    };
    let reads = async {
        let seen = tokio::join!(reader(0), reader(1), reader(2), reader(3));
        is_over.store(true, Ordering::Relaxed);
        [seen.0, seen.1, seen.2, seen.3].into_iter().flatten().collect::<BTreeSet<_>>().len()
    };
    let (versions, seen) = tokio::join!(writes, reads);
    println!("{READS} reads of 4 readers, each of one version; {seen} of {versions} versions were seen");
    assert!(seen > 3);
}

fn generations(rows: &Value, count: usize) -> Vec<i64> {
    assert!(rows.is_array(), "{rows}");
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), count);
    rows.iter().map(|row| row["generation"].as_i64().unwrap()).collect()
}
