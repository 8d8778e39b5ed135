//! The same questions from different people: each gets what the domain shows to that one, and nobody another one's answer.

use lakehouse_accounts::{Accounts, NewApiKey, SigningKey};
use lakehouse_metadata::Metadata;
use lakehouse_settings::Settings;
use lakehouse_spec::{Role, domain_from_dir};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::place::{Place, read};

const DOMAIN: &str = r#"
description = "Card transactions"
owner = "nobody"

[[access.grant]]
roles = ["viewer", "data_scientist"]
tables = ["gold.*"]

[[access.grant]]
roles = ["data_scientist"]
tables = ["silver.numbers"]

[[access.mask]]
tables = ["gold.dm_client_features"]
columns = ["tx_count"]
show = "null"
except = ["admin", "data_scientist"]

[[access.filter]]
tables = ["gold.dm_client_features"]
rows = "client_id < '050'"
except = ["admin", "data_scientist"]
"#;

/// The service with accounts, and a key of a viewer, a data scientist and an admin.
async fn place() -> (Place, [String; 3]) {
    let folder = tempfile::tempdir().unwrap();
    let shop = folder.path().join("fraud");
    std::fs::create_dir(&shop).unwrap();
    std::fs::write(shop.join("domain.toml"), DOMAIN).unwrap();
    let mart = lakehouse_spec::find_domain("fraud", None).unwrap().datamarts;
    let domain = lakehouse_spec::Domain { datamarts: mart, ..domain_from_dir(&shop).unwrap() };
    let mut used: Option<Settings> = None;
    let place = Place::with_domain(100, domain, |settings| {
        settings.accounts.required = true;
        used = Some(settings.clone());
    })
    .await;
    let settings = used.unwrap();
    let key = SigningKey::open(&settings.accounts.signing_key_file).unwrap();
    let accounts = Accounts::new(Metadata::open(settings.database_url.expose()).await.unwrap(), &key);
    let mut keys = Vec::new();
    for (name, role) in [("ada", Role::Viewer), ("bob", Role::DataScientist), ("root", Role::Admin)] {
        let owner: lakehouse_spec::UserName = name.parse().unwrap();
        accounts.add_user(&owner, role, None, "a test").await.unwrap();
        let scopes = "datamarts:read sql:run".parse().unwrap();
        let new = NewApiKey { owner, label: "a test".into(), scopes, days: 1 };
        keys.push(accounts.add_key(&new, "a test").await.unwrap().reveal());
    }
    (place, keys.try_into().unwrap())
}

async fn get(place: &Place, path: &str, key: &str) -> (u16, Value) {
    read(place.client.get(place.url(path)).bearer_auth(key).send().await.unwrap()).await
}

async fn ask(place: &Place, sql: &str, key: &str) -> (u16, Value) {
    read(place.post(&json!({ "sql": sql })).bearer_auth(key).send().await.unwrap()).await
}

#[tokio::test]
async fn each_sees_their_part_by_every_route_and_in_every_cache() {
    let (place, keys) = place().await;
    let [ada, _, _] = &keys;
    // Twice around, so that whatever is held for one is there when the other asks.
    for (key, rows, is_masked) in [(0, 50, true), (1, 100, false), (2, 100, false), (0, 50, true), (1, 100, false)] {
        let key = &keys[key];
        let all = "select client_id, tx_count from gold.dm_client_features order by client_id";
        let (status, by_sql) = ask(&place, all, key).await;
        assert_eq!(status, 200, "{by_sql}");
        let by_list = get(&place, "/client_features/?limit=1000", key).await.1;
        let by_filter = get(&place, "/datamarts/fraud/dm_client_features?limit=1000&order=client_id", key).await.1;
        for answer in [&by_sql["rows"], &by_list, &by_filter] {
            let answer = answer.as_array().unwrap();
            assert_eq!(answer.len(), rows);
            assert_eq!(answer.iter().all(|row| row["tx_count"].is_null()), is_masked);
        }
        let counted = ask(&place, "select count(*) as n from gold.dm_client_features", key).await.1;
        assert_eq!(counted["rows"][0]["n"], rows);
        let hidden =
            [get(&place, "/client_features/077", key).await, get(&place, "/datamarts/fraud/dm_client_features/077", key).await];
        for (status, _) in hidden {
            assert_eq!(status, if is_masked { 404 } else { 200 });
        }
        let listed = get(&place, "/datamarts", key).await.1;
        let mart = listed.as_array().unwrap().iter().find(|mart| mart["table"] == "dm_client_features").unwrap().clone();
        assert_eq!(mart["rows"], if is_masked { Value::Null } else { json!(100) });
        let filtered = get(&place, "/datamarts/fraud/dm_client_features?tx_count=ge.0&count=exact", key).await.1;
        assert_eq!(filtered.as_array().unwrap().is_empty(), is_masked, "a filter meets the mask, not the value");
    }
    assert_eq!(ask(&place, "select count(*) from silver.numbers", &keys[1]).await.0, 200);
    for table in ["silver.numbers", "silver.nothing", "bronze.transactions", "information_schema.tables"] {
        let (status, answer) = ask(&place, &format!("select * from {table}"), ada).await;
        assert_eq!((status, &answer["code"]), (404, &json!("unknown_table")), "{table}");
    }
    let explained = ask(&place, "explain select * from gold.dm_client_features", ada).await.1.to_string();
    assert!(!explained.contains("050") && !explained.contains("parquet"), "{explained}");
}

#[tokio::test]
async fn a_name_of_an_answer_is_good_for_those_who_see_the_same() {
    let (place, keys) = place().await;
    for path in [
        "/sql?q=select%20*%20from%20gold.dm_client_features",
        "/datamarts/fraud/dm_client_features",
        "/datamarts/fraud/dm_client_features/001",
    ] {
        let fetch = |key: &str, name: Option<String>| {
            let request = place.client.get(place.url(path)).bearer_auth(key);
            name.into_iter().fold(request, |request, name| request.header(header::IF_NONE_MATCH, name)).send()
        };
        let first = fetch(&keys[0], None).await.unwrap();
        let name = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        assert_eq!(fetch(&keys[0], Some(name.clone())).await.unwrap().status(), StatusCode::NOT_MODIFIED, "{path}");
        for other in &keys[1..] {
            let answer = fetch(other, Some(name.clone())).await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            assert_ne!(answer.headers()[header::ETAG].to_str().unwrap(), name);
        }
    }
}
