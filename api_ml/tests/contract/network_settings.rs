//! What of the risks of networks is a setting: the mode, the bands, the limits.

use lakehouse_settings::RiskMode;
use serde_json::{Value, json};

use crate::{
    app::App,
    networks::{good, inputs, post, put_square},
    shelf::constant_of,
};

async fn square_with(mode: RiskMode, bands: [f64; 3], cpu_limit: f64) -> App {
    let mut app = App::start_with_networks(|networks| {
        networks.mode = mode;
        [networks.medium_from, networks.high_from, networks.critical_from] = bands;
        networks.cpu_limit = cpu_limit;
    });
    put_square(&mut app).await;
    app
}

fn of(answer: &Value, member: &str) -> Vec<Value> {
    answer["predictions"].as_array().expect("predictions").iter().map(|prediction| prediction[member].clone()).collect()
}

fn all() -> Value {
    json!({"horizon_min": 60, "targets": [{"node_id": "A"}, {"node_id": "C"}, {"node_id": "B"}]})
}

#[tokio::test]
async fn bands_begin_where_the_settings_say() {
    let app = square_with(RiskMode::Rule, [0.1, 0.4, 0.7], 0.85).await;
    let told = good(&app, "/v1/predict", all()).await;
    assert_eq!(of(&told, "risk_score"), [0.1, 0.4, 0.7]);
    assert_eq!(of(&told, "risk_band"), ["MEDIUM", "HIGH", "CRITICAL"], "a band begins at its setting");
    let usual = square_with(RiskMode::Rule, [0.3, 0.6, 0.85], 0.85).await;
    assert_eq!(of(&good(&usual, "/v1/predict", all()).await, "risk_band"), ["LOW", "MEDIUM", "HIGH"]);
}

#[tokio::test]
async fn limits_of_rules_are_settings_and_told() {
    let app = square_with(RiskMode::Rule, [0.3, 0.6, 0.85], 0.45).await;
    let told = good(&app, "/v1/explain?entity_id=A", json!({})).await;
    assert_eq!(told["rule"]["violations"], json!([{"metric": "cpu", "value": 0.5, "threshold": 0.45, "excess": 0.5 - 0.45}]));
}

#[tokio::test]
async fn the_mode_of_the_settings_holds_where_a_request_says_none() {
    for (mode, expected) in [(RiskMode::Rule, [0.1, 0.4, 0.7]), (RiskMode::Ml, [0.5; 3]), (RiskMode::Hybrid, [0.5, 0.5, 0.7])] {
        let mut app = square_with(mode, [0.3, 0.6, 0.85], 0.85).await;
        if mode == RiskMode::Ml {
            let (status, code, _) = post(&app, "/v1/predict", all()).await.problem();
            assert_eq!((status, code.as_str()), (503, "no_champion"));
        }
        app.shelf.promote(&constant_of("outage_60m", &inputs(), 0.5)).await;
        app.look().await;
        let told = good(&app, "/v1/predict", all()).await;
        assert_eq!(of(&told, "risk_score"), expected, "{mode:?}");
        assert_eq!(told["mode"], serde_json::to_value(mode).expect("a word"));
        let mut other = all();
        other["mode"] = "rule".into();
        assert_eq!(of(&good(&app, "/v1/predict", other).await, "risk_score"), [0.1, 0.4, 0.7], "a request may say another");
    }
}
