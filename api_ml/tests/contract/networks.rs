//! Networks: risks, reasons, simulations, plans and logs, over a square A-B-C-D whose side DA is long.

use std::fs;

use lakehouse_spec::FeatureSpec;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    app::{Answer, App},
    shelf::{constant_of, split_of},
};

pub fn lines(rows: &[Value]) -> Vec<u8> {
    rows.iter().map(|row| format!("{row}\n")).collect::<String>().into_bytes()
}

pub fn node(id: &str, site: &str) -> Value {
    json!({"entity_type": "node", "entity_id": id, "src": id, "dst": id, "role": "CORE", "site": site, "capacity_mbps": 200.0})
}

pub fn link(src: &str, dst: &str, latency_ms: f64) -> Value {
    json!({"entity_type": "link", "entity_id": format!("{src}{dst}"), "src": src, "dst": dst, "site": "S1",
        "capacity_mbps": 100.0, "nominal_latency_ms": latency_ms})
}

fn flow(id: &str, source: &str, target: &str, mbps: f64, is_critical: bool) -> Value {
    json!({"flow_id": id, "source": source, "target": target, "mbps": mbps, "is_critical": is_critical})
}

/// Telemetry of everything but D.
pub fn telemetry() -> Vec<Value> {
    let node = |id: &str, cpu: f64, mem: f64| {
        json!({"entity_type": "node", "entity_id": id, "is_node": true, "ts": "2025-02-03T23:59:00Z", "cpu_current": cpu,
            "mem_current": mem, "if_util_current": 0.4, "pkt_err_current": 0.001, "cpu_change_5m": 0.05})
    };
    let link = |id: &str, latency_ms: f64| {
        json!({"entity_type": "link", "entity_id": id, "is_node": false, "ts": "2025-02-03T23:59:00Z", "if_util_current": 0.5,
            "pkt_err_current": 0.001, "latency_ms_current": latency_ms})
    };
    vec![
        node("A", 0.5, 0.5),
        node("B", 0.9, 0.95),
        node("C", 0.9, 0.5),
        link("AB", 1.0),
        link("BC", 1.0),
        link("CD", 1.0),
        link("DA", 120.0),
    ]
}

pub async fn square() -> App {
    let mut app = App::start();
    put_square(&mut app).await;
    app
}

pub async fn put_square(app: &mut App) {
    let entities = [
        node("A", "S1"),
        node("B", "S1"),
        node("C", "S2"),
        node("D", "S2"),
        link("A", "B", 1.0),
        link("B", "C", 1.0),
        link("C", "D", 1.0),
        link("D", "A", 5.0),
    ];
    let flows = [flow("F1", "A", "C", 40.0, true), flow("F2", "A", "D", 30.0, false), flow("F3", "B", "C", 10.0, false)];
    app.shelf.put_online("network", "entities", lines(&entities)).await;
    app.shelf.put_online("network", "flows", lines(&flows)).await;
    app.shelf.put_online("network", "dm_latest_features", lines(&telemetry())).await;
    app.look().await;
}

pub fn inputs() -> Vec<FeatureSpec> {
    #[derive(serde::Deserialize)]
    struct File {
        feature: Vec<FeatureSpec>,
    }
    let text = r#"feature = [
        { column = "is_node", transform = "flag", required = true },
        { column = "cpu_current", transform = "number" },
        { column = "latency_ms_current", transform = "number" },
    ]"#;
    toml::from_str::<File>(text).expect("features").feature
}

pub async fn post(app: &App, path: &str, body: Value) -> Answer {
    app.post(path, body.to_string()).await
}

pub async fn good(app: &App, path: &str, body: Value) -> Value {
    let answer = post(app, path, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

fn targets(ids: &[(&str, &str)]) -> Value {
    ids.iter().map(|(kind, id)| json!({ *kind: id })).collect()
}

#[tokio::test]
async fn without_a_network_everything_says_so() {
    let app = App::start();
    let predict = json!({"horizon_min": 60, "targets": [{"node_id": "A"}]});
    let plan = json!({"objectives": [], "constraints": {}, "context": {}});
    for answer in [
        app.get("/v1/topology").await,
        app.get("/v1/feature-importance").await,
        post(&app, "/v1/predict", predict).await,
        post(&app, "/v1/plan", plan).await,
        post(&app, "/v1/simulate", json!({"scenario": "x"})).await,
        post(&app, "/v1/explain?entity_id=A", json!({})).await,
    ] {
        let (status, code, _) = answer.problem();
        assert_eq!((status, code.as_str()), (404, "no_network"));
    }
    for answer in [app.get("/v1/logs/stats").await, post(&app, "/v1/ingest", json!({})).await] {
        assert_eq!(answer.problem().1, "no_sources");
    }
}

#[tokio::test]
async fn rules_models_and_both_are_modes_of_one_question() {
    let mut app = square().await;
    let ask = |mode: &str, horizon: u32| {
        json!({"horizon_min": horizon, "mode": mode,
            "targets": targets(&[("node_id", "A"), ("node_id", "C"), ("node_id", "B"), ("link_id", "DA")])})
    };
    let of = |answer: &Value, member: &str| -> Vec<Value> {
        answer["predictions"].as_array().expect("predictions").iter().map(|prediction| prediction[member].clone()).collect()
    };
    let rule = good(&app, "/v1/predict", ask("rule", 60)).await;
    assert_eq!(of(&rule, "risk_score"), [0.1, 0.4, 0.7, 0.4]);
    assert_eq!(of(&rule, "risk_band"), ["LOW", "MEDIUM", "HIGH", "MEDIUM"]);
    assert!(of(&rule, "eta_failure_min").iter().all(Value::is_null));
    assert_eq!(of(&rule, "explanations")[3], json!(["`latency_ms` = 120 ms exceeds its limit of 100 ms"]));

    let (status, code, _) = post(&app, "/v1/predict", ask("ml", 60)).await.problem();
    assert_eq!((status, code.as_str()), (503, "no_champion"));
    let hybrid = good(&app, "/v1/predict", ask("hybrid", 60)).await;
    assert_eq!((&hybrid["mode"], of(&hybrid, "risk_score")), (&json!("rule"), of(&rule, "risk_score")));

    app.shelf.promote(&constant_of("outage_60m", &inputs(), 0.5)).await;
    app.look().await;
    let ml = good(&app, "/v1/predict", ask("ml", 60)).await;
    assert_eq!(of(&ml, "risk_score"), [0.5; 4]);
    assert_eq!(of(&ml, "eta_failure_min"), [60; 4]);
    assert_eq!(of(&ml, "eta_basis")[0], "even odds by the hazards of outage_60m version 1");
    assert_eq!(of(&good(&app, "/v1/predict", ask("ml", 120)).await, "risk_score"), [0.75; 4]);
    let hybrid = good(&app, "/v1/predict", ask("hybrid", 60)).await;
    assert_eq!(
        (&hybrid["mode"], of(&hybrid, "risk_score")),
        (&json!("hybrid"), vec![json!(0.5), json!(0.5), json!(0.7), json!(0.5)])
    );

    let metrics = app.get("/v1/metrics").await.text;
    for name in [
        "dirisi_model_predictions_total{model_type=\"hybrid\"",
        "dirisi_prediction_duration_seconds_count",
        "dirisi_risk_score{entity_id=\"DA\"",
        "dirisi_api_requests_total{method=\"POST\",endpoint=\"/v1/predict\",status=\"200\"}",
        "dirisi_api_request_duration_seconds_count{method=\"POST\",endpoint=\"/v1/predict\"}",
        "dirisi_feature_computation_duration_seconds_count",
    ] {
        assert!(metrics.contains(name), "{name}");
    }
}

#[tokio::test]
async fn targets_that_are_none_are_named() {
    let app = square().await;
    let cases = [
        (60, json!([{"node_id": "A"}, {"node_id": "Z9"}]), 404, "there is no node `Z9`"),
        (60, json!([{"link_id": "A"}]), 404, "there is no link `A`"),
        (60, json!([{"node_id": "D"}]), 404, "the node `D` has sent no telemetry"),
        (60, json!([{}]), 422, "a target has a `node_id` or a `link_id`, one of them"),
        (60, json!([{"node_id": "A", "link_id": "AB"}]), 422, "one of them"),
        (60, json!([]), 422, "`targets` must have between 1 and 10000, not 0"),
        (0, json!([{"node_id": "A"}]), 422, "`horizon_min` must be between 1 and 1440, not 0"),
        (1_441, json!([{"node_id": "A"}]), 422, "not 1441"),
    ];
    for (horizon, targets, status, detail) in &cases {
        let told = post(&app, "/v1/predict", json!({"horizon_min": horizon, "targets": targets})).await.problem();
        assert!(told.0 == *status && told.2.contains(detail), "{told:?}");
    }
    for body in [r#"{"horizon_min": NaN, "targets": []}"#, r#"{"targets": []}"#, r#"{"horizon_min": -5, "targets": []}"#, "{"] {
        let (status, ..) = app.post("/v1/predict", body).await.problem();
        assert!([400, 422].contains(&status), "{body}: {status}");
    }
    let mode = json!({"horizon_min": 60, "mode": "guess", "targets": [{"node_id": "A"}]});
    assert_eq!(post(&app, "/v1/predict", mode).await.problem().0, 422);
    println!("{} targets and 5 bodies refused", cases.len());
}

#[tokio::test]
async fn explanations_add_up() {
    let mut app = square().await;
    app.shelf.promote(&split_of("outage_15m", &inputs(), "cpu_current", 0.8)).await;
    app.look().await;
    for (id, score) in [("B", 0.9), ("A", 0.1)] {
        let told = good(&app, &format!("/v1/explain?entity_id={id}&horizon_min=15"), json!({})).await;
        let ml = &told["ml"];
        let sum: f64 = ml["top_features"]
            .as_array()
            .expect("features")
            .iter()
            .map(|part| part["contribution"].as_f64().expect("number"))
            .sum();
        assert!((ml["base"].as_f64().expect("base") + sum - ml["total"].as_f64().expect("total")).abs() < 1e-12);
        assert_eq!(
            (&ml["score"], &ml["top_features"][0]["feature"], &ml["num_features"]),
            (&json!(score), &json!("cpu_current"), &json!(3))
        );
    }
    let told = good(&app, "/v1/explain?entity_id=B&mode=rule", json!({})).await;
    assert_eq!((&told["ml"], &told["rule"]["num_violations"]), (&json!(null), &json!(2)));
    assert_eq!(told["rule"]["violations"][1], json!({"metric": "mem", "value": 0.95, "threshold": 0.9, "excess": 0.95 - 0.9}));
    assert_eq!(post(&app, "/v1/explain?entity_id=Q", json!({})).await.problem().0, 404);
    let importance = app.get("/v1/feature-importance?top_n=2").await.json();
    assert_eq!(importance["features"].as_array().expect("features").len(), 2);
    assert_eq!((&importance["features"][0]["feature"], &importance["rows"]), (&json!("cpu_current"), &json!(7)));
    for top in [0, 101] {
        assert_eq!(app.get(&format!("/v1/feature-importance?top_n={top}")).await.problem().0, 422);
    }
}

#[tokio::test]
async fn failures_and_loads_are_simulated_and_planned_for() {
    let app = square().await;
    let topology = app.get("/v1/topology").await.json();
    assert_eq!((topology["nodes"].as_array().map(Vec::len), topology["links"].as_array().map(Vec::len)), (Some(4), Some(4)));
    assert_eq!(topology["links"][0], json!({"id": "AB", "src": "A", "dst": "B", "latency_ms": 1.0, "bandwidth_mbps": 100.0}));

    let failed = good(&app, "/v1/simulate", json!({"scenario": "BC fails", "failures": ["BC"]})).await;
    assert_eq!((&failed["scenario"], &failed["risk_scores"]["BC"]), (&json!("BC fails"), &json!(1.0)));
    assert_eq!((&failed["before"]["worst_latency_ms"], &failed["after"]["worst_latency_ms"]), (&json!(3.0), &json!(7.0)));
    assert_eq!(failed["changed_links"].as_array().map(Vec::len), Some(4));
    let node = good(&app, "/v1/simulate", json!({"scenario": "C fails", "failures": ["C"]})).await;
    assert_eq!((&node["risk_scores"]["CD"], &node["after"]["unreachable_flows"]), (&json!(1.0), &json!(2)));

    let risk = |answer: &Value, id: &str| answer["risk_scores"][id].as_f64().expect("score");
    let varied = good(&app, "/v1/simulate", json!({"scenario": "full", "variations": {"AB.if_util": 0.95}})).await;
    assert_eq!((risk(&varied, "AB"), risk(&varied, "BC")), (0.4, 0.1), "a link has no processor to violate limits with");
    assert!(varied["after"]["max_utilisation"].as_f64() > varied["before"]["max_utilisation"].as_f64());
    let doubled = good(&app, "/v1/simulate", json!({"scenario": "x", "variations": {"load": 2.0, "S2.load": 1.5}})).await;
    assert_eq!(doubled["after"]["demand_mbps"], 80.0 * 2.0 * 1.5);
    let cases = [
        (json!({"failures": ["ZZ"]}), 404, "`ZZ`"),
        (json!({"variations": {"ZZ.load": 1.0}}), 404, "`ZZ`"),
        (json!({"variations": {"AB.cpu": 0.5}}), 422, "of nothing that can vary"),
        (json!({"variations": {"AB": 0.5}}), 422, "of nothing that can vary"),
        (json!({"variations": {"AB.if_util": -0.1}}), 422, "a number from 0 on"),
        (json!({"variations": {"AB.if_util": 1.5}}), 422, "a share, 0 to 1"),
        (json!({"variations": {"load": 1e9}}), 422, "load factor"),
    ];
    for (mut body, status, detail) in cases {
        body["scenario"] = "x".into();
        let told = post(&app, "/v1/simulate", body).await.problem();
        assert!(told.0 == status && told.2.contains(detail), "{told:?}");
    }

    let ask =
        json!({"objectives": ["balance_load", "preserve_critical_flows"], "constraints": {"reserve_pct": 40}, "context": {}});
    let plan = good(&app, "/v1/plan", ask.clone()).await;
    assert_eq!(plan, good(&app, "/v1/plan", ask).await, "the same request, the same plan");
    assert!(!plan["actions"].as_array().expect("actions").is_empty(), "{plan:#}");
    let narrow = json!({"objectives": [], "constraints": {"max_latency_ms": 0.5}, "context": {}});
    let infeasible = good(&app, "/v1/plan", narrow).await;
    assert_eq!(infeasible["unmet"][0]["constraint"], "max_latency_ms");
    let unknown = json!({"objectives": [], "constraints": {}, "context": {"impacted": ["ZZ"]}});
    let told = post(&app, "/v1/plan", unknown).await.problem();
    assert!(told.0 == 404 && told.2.contains("ZZ"), "{told:?}");
    for body in [
        json!({"objectives": []}),
        json!({"objectives": ["win"], "constraints": {}, "context": {}}),
        json!({"objectives": [], "constraints": {"reserve_pct": 101}, "context": {}}),
        json!({"objectives": [], "constraints": {"max_latency_ms": -1}, "context": {}}),
    ] {
        assert_eq!(post(&app, "/v1/plan", body).await.problem().0, 422);
    }
}

#[tokio::test]
async fn a_broken_state_does_not_replace_a_good_one() {
    let mut app = square().await;
    for bad in [
        "{",
        "",
        "{\"entity_type\": \"moon\"}",
        "{\"entity_type\": \"link\", \"entity_id\": \"X\", \"src\": \"Q\", \"dst\": \"R\", \"site\": \"S\"}",
    ] {
        app.shelf.put_online("network", "entities", bad.as_bytes().to_vec()).await;
        app.look().await;
        assert_eq!(app.get("/v1/topology").await.json()["nodes"].as_array().map(Vec::len), Some(4), "{bad}");
    }
}

#[tokio::test]
async fn samples_are_written_and_their_logs_searched() {
    let folder = TempDir::new().expect("folder");
    let app = App::start_with(Some(folder.path().to_owned()));
    let ingested = good(&app, "/v1/ingest", json!({"duration_min": 600})).await;
    assert_eq!(
        (&ingested["status"], &ingested["num_nodes"], &ingested["num_links"]),
        (&json!("success"), &json!(15), &json!(15))
    );
    assert_eq!(ingested["num_metrics"], 600 * 30);
    for name in ["topology_path", "metrics_path", "incidents_path"] {
        assert!(folder.path().join(ingested[name].as_str().expect("path")).is_file());
    }
    for body in [
        json!({"num_sites": 51}),
        json!({"duration_min": 59}),
        json!({"freq_min": 0}),
        json!({"incident_rate": 1.5}),
        json!({"sites": 5}),
    ] {
        assert_eq!(post(&app, "/v1/ingest", body).await.problem().0, 422);
    }
    let text = fs::read_to_string(folder.path().join("classified_feb_2025.csv")).expect("log");
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let is_good = |row: &&Vec<&str>| row[0] != "CORRUPTED_LINE";
    let count = |from: &str, to: &str, kind: &str| {
        rows.iter().filter(is_good).filter(|row| row[0] >= from && row[0] <= to && (kind.is_empty() || row[6] == kind)).count()
    };
    let (from, to) = ("2025-02-03T01:00:00Z", "2025-02-03T02:30:00Z");
    let search = |more: Value| {
        let mut body = json!({"start_timestamp": from, "end_timestamp": to});
        body.as_object_mut().expect("object").extend(more.as_object().expect("object").clone());
        body
    };
    let all = good(&app, "/v1/logs/search", search(json!({}))).await;
    for (member, kind) in [("total", ""), ("ok_count", "OK"), ("bug_count", "Bug"), ("attack_count", "Attack")] {
        assert_eq!(all[member], count(from, to, kind), "{member}");
    }
    let attacks = good(&app, "/v1/logs/search", search(json!({"incident_types": ["Attack"]}))).await;
    assert_eq!((&attacks["total"], &attacks["ok_count"]), (&json!(count(from, to, "Attack")), &json!(0)));
    // Page by page they are the lines of the file.
    let (mut lines, mut offset) = (Vec::new(), json!(0));
    while !offset.is_null() {
        let page = good(&app, "/v1/logs/search", search(json!({"offset": offset, "limit": 97}))).await;
        lines.extend(page["logs"].as_array().expect("logs").clone());
        offset = page["next_offset"].clone();
    }
    let expected: Vec<&Vec<&str>> = rows.iter().filter(is_good).filter(|row| row[0] >= from && row[0] <= to).collect();
    assert_eq!(lines.len(), expected.len());
    assert!(lines.iter().zip(&expected).all(|(line, row)| line["timestamp"] == row[0] && line["src_ip"] == row[2]));
    for body in [
        json!({"start_timestamp": "yesterday", "end_timestamp": to}),
        json!({"start_timestamp": to, "end_timestamp": from}),
        search(json!({"limit": 1_001})),
        search(json!({"incident_types": ["Noise"]})),
    ] {
        assert_eq!(post(&app, "/v1/logs/search", body).await.problem().0, 422);
    }
    let stats = app.get("/v1/logs/stats").await.json();
    assert_eq!(stats["total_logs"], rows.iter().filter(is_good).count());
    assert_eq!(stats["damaged_count"], rows.len() - rows.iter().filter(is_good).count());
    assert_eq!(stats["months_available"], json!(["feb_2025"]));
    println!("{} log lines, {} of them found page by page", rows.len(), lines.len());
}
