//! The scoring service of networks from the outside: what it promises on every answer, and logs in a bucket.

use std::{fs, time::Duration};

use object_store::{ObjectStoreExt as _, path::Path};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::{
    accounts::{add_key, add_user},
    components::Bucket,
    program::Workspace,
    services::Served,
};

const PLAN: &str = r#"{"objectives": [], "constraints": {}, "context": {}}"#;

#[test]
fn answers_carry_security_headers_and_no_origin_is_let_in() {
    let served = Served::start(&Workspace::new());
    let send = |method: Method, path: &str| {
        let request = served.client.request(method, format!("{}{path}", served.ml));
        let request = request.header("origin", "http://localhost:3000").header("access-control-request-method", "POST");
        served.runtime.block_on(request.header("content-type", "application/json").body(PLAN).send()).unwrap()
    };
    let mut answers = 0;
    for (method, path) in [
        (Method::GET, "/v1/topology"),
        (Method::POST, "/v1/predict"),
        (Method::POST, "/v1/plan"),
        (Method::POST, "/v1/simulate"),
        (Method::POST, "/v1/explain?entity_id=N0"),
        (Method::GET, "/v1/feature-importance"),
        (Method::POST, "/v1/logs/search"),
        (Method::GET, "/v1/logs/stats"),
        (Method::GET, "/v1/metrics"),
    ] {
        for method in [method, Method::OPTIONS] {
            let answer = send(method.clone(), path);
            let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(header("x-content-type-options").as_deref(), Some("nosniff"), "{method} {path}");
            assert_eq!(header("x-frame-options").as_deref(), Some("DENY"));
            assert_eq!(header("referrer-policy").as_deref(), Some("no-referrer"));
            assert!(header("content-security-policy").unwrap().contains("default-src 'none'"));
            assert!(header("x-request-id").is_some());
            let is_cross_origin = |name: &&reqwest::header::HeaderName| name.as_str().starts_with("access-control-");
            assert!(!answer.headers().keys().any(|name| is_cross_origin(&name)), "{method} {path}: {answer:?}");
            answers += 1;
        }
    }
    println!("{answers} answers with security headers, none for another origin");
}

#[test]
fn the_trail_tells_who_asked_and_who_asks_too_much_has_to_wait() {
    let workspace = Workspace::new()
        .with_environment("LAKEHOUSE_ACCOUNTS__REQUIRED", "true")
        .with_environment("LAKEHOUSE_ACCOUNTS__REQUESTS_PER_SECOND", "1")
        .with_environment("LAKEHOUSE_ACCOUNTS__BURST", "6");
    workspace.lakehouse(&["users", "add", "till", "--role", "service", "--no-password"]).good();
    add_user(&workspace, "root", "admin");
    let key = add_key(&workspace, "till", &["predict"]);
    let reads = add_key(&workspace, "root", &["audit:read"]);
    let served = Served::start(&workspace);
    let ask = |path: &str, body: &Value| {
        let request = served.client.post(format!("{}{path}", served.ml)).bearer_auth(&key).json(body);
        served.runtime.block_on(request.send()).unwrap()
    };
    let plan: Value = serde_json::from_str(PLAN).unwrap();
    for (path, body) in [
        ("/v1/predict", json!({"horizon_min": 60, "targets": [{"node_id": "N0"}]})),
        ("/v1/plan", plan.clone()),
        ("/v1/simulate", json!({"scenario": "x"})),
    ] {
        assert_eq!(ask(path, &body).status(), StatusCode::NOT_FOUND, "there is no network yet, and nobody is refused: {path}");
    }
    assert_eq!(ask("/v1/ingest", &json!({})).status(), StatusCode::FORBIDDEN, "a key that may only predict writes no sample");
    let refused = (0..20).map(|_| ask("/v1/plan", &plan)).find(|answer| answer.status() != StatusCode::NOT_FOUND).unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");

    let trail = || served.send(served.client.get(format!("{}/audit?limit=1000", served.ml)).bearer_auth(&reads)).1;
    let told = |trail: &Value, object: &str, outcome: &str| {
        let is_it = |entry: &&Value| entry["principal"] == "till" && entry["object"] == object && entry["action"] == "POST";
        let found = trail.as_array().unwrap().iter().find(is_it).cloned();
        found.is_some_and(|entry| entry["service"] == "api_ml" && entry.to_string().contains(outcome))
    };
    let wanted = [("/v1/predict", "404"), ("/v1/plan", ""), ("/v1/simulate", "404"), ("/v1/ingest", "403")];
    let mut entries = trail();
    for _ in 0..50 {
        if wanted.iter().all(|(object, outcome)| told(&entries, object, outcome)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1_100));
        entries = trail();
    }
    panic!("the trail does not tell of all four: {entries:#}");
}

#[test]
fn logs_in_a_bucket_are_searched_as_on_disk() {
    let sources = Workspace::new();
    let generate =
        ["generate", "network", "--out", "sources", "--num-sites", "2", "--nodes-per-site", "2", "--duration-min", "600"];
    sources.lakehouse(&generate).good();
    let served = Served::start(&sources);
    let search = json!({"start_timestamp": "2025-02-03T01:00:00Z", "end_timestamp": "2025-02-03T04:30:00Z",
        "incident_types": ["Attack", "Bug"], "offset": 3, "limit": 40});
    let ask = |served: &Served| {
        let found = served.post(&format!("{}/v1/logs/search", served.ml), &search);
        [found, served.get(&format!("{}/v1/logs/stats", served.ml))]
    };
    let expected = ask(&served);
    assert!(expected.iter().all(|(status, _)| *status == StatusCode::OK), "{expected:?}");
    assert_eq!(expected[0].1["logs"].as_array().unwrap().len(), 40);
    for store in Bucket::all() {
        let place = format!("{}-logs", store.fresh_uri());
        let workspace = Workspace::new().in_bucket(&store).with_environment("LAKEHOUSE_NETWORKS__LOGS", &place);
        let served = Served::start(&workspace);
        assert_eq!(ask(&served).map(|answer| answer.0), [StatusCode::NOT_FOUND; 2], "there are none yet in {}", store.name);
        let log = |name: &str| Path::from_url_path(Url::parse(&place).unwrap().path()).unwrap().join(name);
        let put = |name: &str, bytes: Vec<u8>| {
            served.runtime.block_on(store.store().put(&log(name), bytes.into())).unwrap();
        };
        let bytes = fs::read(sources.source("classified_feb_2025.csv")).unwrap();
        put("classified_feb_2025.csv", bytes.clone());
        put("telemetry.csv", b"not a log".to_vec());
        assert_eq!(ask(&served), expected, "{}", store.name);
        // A month more is there at once, and a file that changed is read anew.
        let line = "2025-03-01T00:00:00Z,FW_SITE_A,10.0.0.1,192.0.2.1,TCP,DENY,Attack,,scan\n";
        put("classified_mar_2025.csv", line.as_bytes().to_vec());
        put("classified_feb_2025.csv", [bytes, line.replace("-03-", "-02-").into_bytes()].concat());
        let [_, (_, stats)] = ask(&served);
        assert_eq!(stats["months_available"], json!(["feb_2025", "mar_2025"]));
        let attacks = |stats: &Value| stats["attack_count"].as_u64().unwrap();
        assert_eq!(attacks(&stats), attacks(&expected[1].1) + 2);
    }
}
