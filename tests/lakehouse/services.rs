//! The services in one process, over HTTP, as their users call them.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    sync::mpsc,
    time::Duration,
};

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::program::{REAL, Workspace};

/// `lakehouse serve`, stopped when dropped.
pub struct Served {
    pub child: Child,
    pub api: String,
    pub sources: String,
    pub ml: String,
    /// Where clients of PostgreSQL are answered, if they are.
    pub postgres: String,
    pub client: Client,
    pub runtime: Runtime,
}

impl Served {
    pub fn start(workspace: &Workspace) -> Self {
        let mut command = workspace.command(&["serve", "all", "--sources", "sources", "--log", "info"]);
        let ports = ["LAKEHOUSE_API__PORT", "LAKEHOUSE_SOURCES_API__PORT", "LAKEHOUSE_API_ML__PORT"];
        let mut child = command.envs(ports.map(|port| (port, "0"))).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let (sender, lines) = mpsc::channel();
        // Read to the end, so that the program never waits for a full pipe.
        std::thread::spawn(move || BufReader::new(stderr).lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        let runtime = Runtime::new().unwrap();
        let [api, sources, ml, postgres] = [const { String::new() }; 4];
        let mut served = Self { child, api, sources, ml, postgres, client: Client::new(), runtime };
        while served.api.is_empty() || served.sources.is_empty() || served.ml.is_empty() {
            let line = lines.recv_timeout(Duration::from_secs(60)).expect("the services start");
            if let Some((_, address)) = line.split_once("clients of PostgreSQL are answered on ") {
                served.postgres = address.split_whitespace().next().unwrap().to_owned();
            }
            let Some((before, address)) = line.split_once(" listens on ") else { continue };
            let address = address.split_whitespace().next().unwrap().to_owned();
            match before {
                _ if before.ends_with("the datamart API") => served.api = address,
                _ if before.ends_with("the sources API") => served.sources = address,
                _ => served.ml = address,
            }
        }
        served
    }

    pub fn send(&self, request: RequestBuilder) -> (StatusCode, Value) {
        self.runtime.block_on(async {
            let response = request.send().await.unwrap();
            let status = response.status();
            (status, response.json().await.unwrap_or(Value::Null))
        })
    }

    pub fn get(&self, url: &str) -> (StatusCode, Value) {
        self.send(self.client.get(url))
    }

    pub fn post(&self, url: &str, body: &Value) -> (StatusCode, Value) {
        self.send(self.client.post(url).json(body))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn problem_code(answer: &(StatusCode, Value)) -> (u16, &str) {
    (answer.0.as_u16(), answer.1["code"].as_str().unwrap_or("none"))
}

#[test]
fn the_seeds_datamart_routes_answer_with_its_fields() {
    let Some(real) = REAL.as_ref() else { return };
    let served = Served::start(real);
    let api = &served.api;
    let routes = [
        ("client_features", "client_id", 24, 11),
        ("card_features", "tx_card_id", 93, 10),
        ("velocity", "client_id", 24, 3),
        ("mcc_risk", "mcc_code", 100, 9),
        ("time_distribution", "hour", 24, 8),
    ];
    for (route, key, _, fields) in routes {
        let (status, rows) = served.get(&format!("{api}/{route}/"));
        assert_eq!(status, StatusCode::OK, "{route}");
        let rows = rows.as_array().unwrap().clone();
        assert_eq!(rows[0].as_object().unwrap().len(), fields, "{route}: {}", rows[0]);
        let keys: Vec<&Value> = rows.iter().map(|row| &row[key]).collect();
        if route == "time_distribution" {
            assert_eq!(keys, (0..24).map(Value::from).collect::<Vec<_>>().iter().collect::<Vec<_>>());
        } else {
            assert!(keys.iter().all(|key| key.is_string()), "{route}: keys are strings");
            assert!(keys.is_sorted_by(|a, b| a.as_str() <= b.as_str()), "{route}: ordered by key");
        }
        let key_text = rows[0][key].as_str().map_or_else(|| rows[0][key].to_string(), str::to_owned);
        let (status, row) = served.get(&format!("{api}/{route}/{key_text}"));
        assert_eq!((status, &row), (StatusCode::OK, &rows[0]), "{route}");
    }
    let (_, page) = served.get(&format!("{api}/client_features/?limit=2&offset=1"));
    assert_eq!(page.as_array().unwrap().len(), 2);
    assert_eq!(problem_code(&served.get(&format!("{api}/client_features/nobody"))).0, 404);
    assert_eq!(problem_code(&served.get(&format!("{api}/time_distribution/24"))).0, 400);
    assert_eq!(problem_code(&served.get(&format!("{api}/time_distribution/noon"))).0, 400);
    assert_eq!(problem_code(&served.get(&format!("{api}/client_features/?limit=1000000"))).0, 422);
    assert_eq!(problem_code(&served.get(&format!("{api}/client_features/?limit=-1"))).0 / 100, 4);
    assert_eq!(problem_code(&served.get(&format!("{api}/nothing"))).0, 404);
}

#[test]
fn datamarts_are_listed_filtered_and_ordered() {
    let Some(real) = REAL.as_ref() else { return };
    let served = Served::start(real);
    let datamarts = format!("{}/datamarts", served.api);

    let (_, list) = served.get(&datamarts);
    let clients = list.as_array().unwrap().iter().find(|mart| mart["table"] == "dm_client_features").unwrap();
    assert_eq!((&clients["rows"], &clients["domain"]), (&json!(24), &json!("fraud")));
    assert_eq!(clients["columns"][2]["about"], "Mean amount, US dollars");

    let wanted = "dm_mcc_fraud_risk?fraud_count=gt.5&order=fraud_rate.desc&select=mcc_code,fraud_rate&limit=3";
    let (status, rows) = served.get(&format!("{datamarts}/fraud/{wanted}"));
    assert_eq!(status, StatusCode::OK, "{rows}");
    let sql =
        "select mcc_code, fraud_rate from fraud.gold.dm_mcc_fraud_risk where fraud_count > 5 order by fraud_rate desc limit 3";
    let (_, by_sql) = served.post(&format!("{}/sql", served.api), &json!({ "sql": sql }));
    assert_eq!(rows, by_sql["rows"]);
    assert_eq!(by_sql["row_count"], 3);

    for (query, status) in [
        ("dm_client_features?nothing=eq.1", 422),
        ("dm_client_features?tx_count=eq.many", 422),
        ("dm_client_features?tx_count=bigger.1", 422),
        ("dm_client_features?limit=0", 422),
        ("dm_client_features?order=nothing", 422),
        ("nothing", 404),
        ("..%2F..%2Fsecret", 404),
    ] {
        assert_eq!(served.get(&format!("{datamarts}/fraud/{query}")).0.as_u16(), status, "{query}");
    }
    assert_eq!(served.get(&format!("{datamarts}/nothing/dm_client_features")).0, StatusCode::NOT_FOUND);
}

#[test]
fn sql_is_read_only_capped_and_timed() {
    let Some(real) = REAL.as_ref() else { return };
    let served = Served::start(real);
    let sql = format!("{}/sql", served.api);
    let ask = |text: &str| served.post(&sql, &json!({ "sql": text }));

    let (status, answer) = served.post(&sql, &json!({ "sql": "select transaction_id from silver.transactions", "limit": 5 }));
    assert_eq!((status, &answer["truncated"], &answer["row_count"]), (StatusCode::OK, &json!(true), &json!(5)));
    let (_, answer) = ask("select null as nothing, 'é' as text, 1.5 as number, true as flag");
    assert_eq!(answer["rows"][0], json!({ "nothing": null, "text": "é", "number": 1.5, "flag": true }));

    assert_eq!(problem_code(&ask("drop table silver.transactions")).0, 400);
    assert_eq!(problem_code(&ask("select * from '/etc/passwd'")), (404, "unknown_table"));
    assert_eq!(problem_code(&ask("select * from silver.nothing")), (404, "unknown_table"));
    assert_eq!(problem_code(&ask("select nothing from silver.transactions")), (400, "invalid_query"));
    assert_eq!(problem_code(&ask("selec 1")), (400, "invalid_query"));
    let endless = "select count(*) from silver.transactions a, silver.transactions b, silver.transactions c where a.amount < b.amount + c.amount";
    let (status, answer) = served.post(&sql, &json!({ "sql": endless, "timeout_ms": 300 }));
    assert_eq!(
        (status.is_server_error() || status.is_client_error(), &answer["code"]),
        (true, &json!("query_timeout")),
        "{answer}"
    );
    for body in [json!({}), json!({ "sql": 1 }), json!({ "sql": "select 1", "nothing": 1 }), json!([1])] {
        assert!(served.post(&sql, &body).0.is_client_error(), "{body}");
    }
}

#[test]
fn a_transaction_is_scored_plain_and_by_card() {
    let workspace = Workspace::with_sample(20_000);
    workspace.run_with_training().good();
    let served = Served::start(&workspace);
    let predict = format!("{}/predict", served.ml);
    let plain = json!({
        "amount": 812.5, "card_brand": "Visa", "card_type": "Credit", "merchant_state": "ONLINE", "use_chip": "False",
        "credit_limit": 9100.0, "per_capita_income": 21000.0, "yearly_income": 43000.0, "total_debt": 61000.0,
        "credit_score": 702.0, "num_credit_cards": 3
    });

    let (status, answer) = served.post(&predict, &plain);
    assert_eq!(status, StatusCode::OK, "{answer}");
    let fields: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields.len(), 3, "{answer}");
    let probability = answer["fraud_probability"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&probability));
    assert_eq!(answer["is_fraud"], json!(probability > 0.5));
    assert_eq!(answer["confidence"], if (probability - 0.5).abs() > 0.3 { "Haute" } else { "Moyenne" });

    let card = workspace.value("select tx_card_id from gold.dm_card_latest_signals order by timestamp_ts desc limit 1");
    let mut with_card = plain.clone();
    with_card["card_id"] = json!(card);
    with_card["timestamp"] = json!("2019-11-01 00:00:00");
    let (status, answer) = served.post(&predict, &with_card);
    assert_eq!(status, StatusCode::OK, "{answer}");

    let (_, info) = served.get(&format!("{}/model/info", served.ml));
    assert!(info.to_string().contains("fraud_card"), "{info}");
    let mut broken = plain.clone();
    broken["amount"] = json!("much");
    assert!(served.post(&predict, &broken).0.is_client_error());
}

#[test]
fn a_run_takes_its_sources_from_the_sources_api() {
    let provider = Workspace::with_sample(2_000);
    let served = Served::start(&provider);
    let (_, names) = served.get(&format!("{}/files", served.sources));
    assert_eq!(
        names,
        json!(["cards_data.csv", "mcc_codes.json", "train_fraud_labels.json", "transactions_data.csv", "users_data.csv"])
    );

    let consumer = Workspace::new();
    consumer.lakehouse(&["run", "fraud", "--sources", &served.sources, "--skip-training"]).good();
    assert_eq!(consumer.value("select count(*) from silver.transactions"), "2000");
}

#[test]
fn every_service_tells_its_health_metrics_and_documentation() {
    let workspace = Workspace::with_sample(1_000);
    workspace.run().good();
    let served = Served::start(&workspace);
    for address in [&served.api, &served.sources, &served.ml] {
        assert_eq!(served.get(&format!("{address}/health/live")).0, StatusCode::OK);
        assert_eq!(served.get(&format!("{address}/")).0, StatusCode::OK);
        let (status, openapi) = served.get(&format!("{address}/openapi.json"));
        assert_eq!((status, openapi["openapi"].as_str().map(|version| &version[..2])), (StatusCode::OK, Some("3.")));
        for page in ["metrics", "docs"] {
            assert_eq!(served.get(&format!("{address}/{page}")).0, StatusCode::OK, "{address}/{page}");
        }
    }
    assert_eq!(served.get(&format!("{}/health/ready", served.api)).0, StatusCode::OK);
    assert_eq!(served.get(&format!("{}/health/ready", served.sources)).0, StatusCode::OK);
}
