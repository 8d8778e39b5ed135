//! Networks and questions that are none: each is refused by name, and what served before goes on.

use serde_json::{Value, json};

use crate::{
    app::{Answer, App},
    networks::{good, inputs, lines, link, node, post, square, telemetry},
    shelf::constant_of,
};

/// Every route that has a horizon, asked about the square with this one.
async fn asked_within(app: &App, horizon: &str) -> Vec<Answer> {
    let body = |rest: &str| format!(r#"{{"horizon_min": {horizon}, {rest}}}"#);
    vec![
        app.post("/v1/predict", body(r#""targets": [{"node_id": "A"}]"#)).await,
        app.post("/v1/plan", body(r#""objectives": [], "constraints": {}, "context": {}"#)).await,
        app.post("/v1/simulate", body(r#""scenario": "x""#)).await,
        app.post(&format!("/v1/explain?entity_id=A&horizon_min={horizon}"), "").await,
        app.get(&format!("/v1/feature-importance?horizon_min={horizon}")).await,
    ]
}

#[tokio::test]
async fn horizons_are_between_a_minute_and_a_day_everywhere() {
    let mut app = square().await;
    app.shelf.promote(&constant_of("outage_60m", &inputs(), 0.5)).await;
    app.look().await;
    for horizon in ["1", "60", "1440"] {
        for answer in asked_within(&app, horizon).await {
            assert_eq!(answer.status, 200, "{horizon}: {}", answer.text);
        }
    }
    let mut refused = 0;
    for horizon in ["0", "1441", "-5", "1.5", "NaN", "1e999", "4294967296", "sixty"] {
        for answer in asked_within(&app, horizon).await {
            let (status, _, detail) = answer.problem();
            assert!([400, 422].contains(&status), "{horizon}: {status}");
            assert!(detail.contains("horizon_min") || status == 400, "{horizon}: {detail}");
            refused += 1;
        }
    }
    println!("{refused} horizons refused");
}

#[tokio::test]
async fn whatever_is_not_in_the_network_is_not_found_and_named() {
    let app = square().await;
    let plan = |context: Value| json!({"objectives": ["minimize_risk"], "constraints": {}, "context": context});
    for (path, body) in [
        ("/v1/predict", json!({"horizon_min": 60, "targets": [{"link_id": "Z9"}]})),
        ("/v1/explain?entity_id=Z9", json!({})),
        ("/v1/plan", plan(json!({"impacted": ["A", "Z9"]}))),
        ("/v1/plan", plan(json!({"critical_flows": ["F1", "Z9"]}))),
        ("/v1/simulate", json!({"scenario": "x", "failures": ["AB", "Z9"]})),
        ("/v1/simulate", json!({"scenario": "x", "variations": {"Z9.if_util": 0.5}})),
    ] {
        let (status, code, detail) = post(&app, path, body).await.problem();
        assert_eq!((status, code.as_str()), (404, "unknown_target"), "{path}");
        assert!(detail.contains("`Z9`"), "{path}: {detail}");
    }
}

#[tokio::test]
async fn numbers_that_cannot_be_are_refused() {
    let app = square().await;
    let simulate = |variation: &str| format!(r#"{{"scenario": "x", "variations": {{{variation}}}}}"#);
    let plan = |constraint: &str| format!(r#"{{"objectives": [], "constraints": {{{constraint}}}, "context": {{}}}}"#);
    let mut refused = 0;
    for variation in [
        r#""AB.if_util": -0.1"#,
        r#""AB.if_util": 1.01"#,
        r#""AB.if_util": NaN"#,
        r#""A.cpu": "NaN""#,
        r#""A.cpu": null"#,
        r#""AB.latency_ms": -1"#,
        r#""AB.capacity_mbps": -1"#,
        r#""AB.capacity_mbps": 1e999"#,
        r#""load": -1"#,
        r#""load": 1e300"#,
    ] {
        let (status, _, detail) = app.post("/v1/simulate", simulate(variation)).await.problem();
        assert!([400, 422].contains(&status), "{variation}: {status} {detail}");
        refused += 1;
    }
    for constraint in [
        r#""max_latency_ms": -1"#,
        r#""max_latency_ms": NaN"#,
        r#""max_latency_ms": 1e999"#,
        r#""reserve_pct": -1"#,
        r#""reserve_pct": 100.1"#,
        r#""min_bandwidth_mbps": -1"#,
        r#""least_bandwidth": 1"#,
    ] {
        let (status, _, detail) = app.post("/v1/plan", plan(constraint)).await.problem();
        assert!([400, 422].contains(&status), "{constraint}: {status} {detail}");
        refused += 1;
    }
    println!("{refused} numbers refused");
}

#[tokio::test]
async fn duplicate_ids_do_not_replace_a_network() {
    let mut app = square().await;
    let flow = |id: &str| json!({"flow_id": id, "source": "A", "target": "C", "mbps": 1.0, "is_critical": false});
    for (state, rows) in [
        ("entities", vec![node("A", "S1"), node("A", "S2")]),
        ("entities", vec![node("A", "S1"), node("B", "S1"), link("A", "B", 1.0), link("A", "B", 2.0)]),
        ("flows", vec![flow("F1"), flow("F1")]),
    ] {
        app.shelf.put_online("network", state, lines(&rows)).await;
        app.look().await;
        assert_eq!(app.get("/v1/topology").await.json()["nodes"].as_array().map(Vec::len), Some(4), "{rows:?}");
    }
}

#[tokio::test]
async fn self_loops_and_islands_are_networks_too() {
    let mut app = square().await;
    let rows = [
        node("A", "S1"),
        node("B", "S1"),
        node("C", "S2"),
        node("D", "S2"),
        link("A", "B", 1.0),
        link("C", "D", 1.0),
        link("A", "A", 1.0),
    ];
    app.shelf.put_online("network", "entities", lines(&rows)).await;
    app.look().await;
    let topology = app.get("/v1/topology").await.json();
    assert_eq!(topology["links"].as_array().map(Vec::len), Some(2), "a link to itself carries nothing: {topology}");
    let simulated = good(&app, "/v1/simulate", json!({"scenario": "now"})).await;
    assert_eq!(simulated["before"]["unreachable_flows"], 3, "{simulated:#}");
    let plan = json!({"objectives": ["preserve_critical_flows"], "constraints": {}, "context": {}});
    let plan = good(&app, "/v1/plan", plan).await;
    assert_eq!(plan["expected"]["after"]["unreachable_flows"], 3);
    assert!(plan["rationale"].to_string().contains("3 flows have no route at all"), "{plan:#}");
}

#[tokio::test]
async fn without_telemetry_there_are_plans_and_no_predictions() {
    let mut app = square().await;
    app.shelf.promote(&constant_of("outage_60m", &inputs(), 0.5)).await;
    app.shelf.put_online("network", "dm_latest_features", Vec::new()).await;
    app.look().await;
    let predict = json!({"horizon_min": 60, "targets": [{"node_id": "A"}]});
    for answer in [post(&app, "/v1/predict", predict).await, post(&app, "/v1/explain?entity_id=A", json!({})).await] {
        let (status, code, detail) = answer.problem();
        assert_eq!((status, code.as_str()), (404, "no_telemetry"));
        assert!(detail.contains("`A`"), "{detail}");
    }
    let importance = app.get("/v1/feature-importance").await.json();
    assert_eq!((&importance["rows"], &importance["features"]), (&json!(0), &json!([])));
    let plan = json!({"objectives": ["minimize_risk"], "constraints": {}, "context": {"impacted": ["A"]}});
    good(&app, "/v1/plan", plan).await;
    let failed = good(&app, "/v1/simulate", json!({"scenario": "x", "failures": ["BC"]})).await;
    assert_eq!(failed["risk_scores"], json!({"BC": 1.0}));
}

/// Rings of a hundred nodes, each joined to the next one.
fn large() -> (Vec<Value>, Vec<Value>) {
    const RING: usize = 100;
    const RINGS: usize = 50;
    let name = |ring: usize, place: usize| format!("R{ring}P{}", place % RING);
    let mut entities = Vec::new();
    for ring in 0..RINGS {
        entities.extend((0..RING).map(|place| node(&name(ring, place), &format!("S{ring}"))));
    }
    for ring in 0..RINGS {
        entities.extend((0..RING).map(|place| link(&name(ring, place), &name(ring, place + 1), 1.0)));
        let next = (ring + 1) % RINGS;
        entities.extend([0, RING / 2].map(|place| link(&name(ring, place), &name(next, place), 5.0)));
    }
    let flow = |flow: usize| {
        let (from, to) = (name(flow % RINGS, flow * 7), name((flow * 13 + 1) % RINGS, flow * 31 + 11));
        json!({"flow_id": format!("F{flow}"), "source": from, "target": to, "mbps": 3.0, "is_critical": flow.is_multiple_of(10)})
    };
    (entities, (0..100).map(flow).collect())
}

#[tokio::test]
async fn five_thousand_nodes_are_served_planned_and_simulated() {
    let mut app = square().await;
    let (entities, flows) = large();
    app.shelf.put_online("network", "entities", lines(&entities)).await;
    app.shelf.put_online("network", "flows", lines(&flows)).await;
    let mut measured = telemetry();
    measured.push(json!({"entity_type": "node", "entity_id": "R49P99", "is_node": true, "cpu_current": 0.9}));
    app.shelf.put_online("network", "dm_latest_features", lines(&measured)).await;
    app.look().await;
    let topology = app.get("/v1/topology").await.json();
    let counts = ["nodes", "links", "demands"].map(|part| topology[part].as_array().map(Vec::len));
    assert_eq!(counts, [Some(5_000), Some(5_100), Some(100)]);
    let risk = good(&app, "/v1/predict", json!({"horizon_min": 60, "targets": [{"node_id": "R49P99"}]})).await;
    assert_eq!(risk["predictions"][0]["risk_band"], "MEDIUM");
    let failed = good(&app, "/v1/simulate", json!({"scenario": "x", "failures": ["R0P0"]})).await;
    assert!(failed["after"]["unreachable_flows"].as_u64() >= failed["before"]["unreachable_flows"].as_u64());
    let plan = json!({"objectives": ["minimize_risk", "balance_load"], "constraints": {"reserve_pct": 20}, "context": {}});
    let plan = good(&app, "/v1/plan", plan).await;
    assert!(plan["actions"].is_array() && plan["expected"]["after"].is_object(), "{plan:#}");
}
