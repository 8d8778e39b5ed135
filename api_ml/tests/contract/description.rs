use serde_json::json;

use crate::{
    app::{App, transaction},
    shelf::constant,
};

#[tokio::test]
async fn the_description_is_the_one_that_was_agreed_on() {
    let app = App::start();
    let mut openapi = app.get("/openapi.json").await.json();
    openapi["info"]["version"] = "any".into();
    insta::assert_json_snapshot!("openapi", openapi);
}

#[tokio::test]
async fn the_models_that_serve_are_described() {
    let mut app = App::start();
    app.shelf.promote(&constant("fraud", 0.25)).await;
    app.shelf.promote(&constant("fraud_card", 0.25)).await;
    app.shelf.put_state(&[]).await;
    app.look().await;
    let mut info = app.get("/model/info").await.json();
    let [plain, card] = info["models"].as_array_mut().expect("models").as_mut_slice() else { panic!("two models") };
    assert!(plain["promoted_at"].as_str().expect("instant").ends_with('Z'));
    assert_eq!(plain["name"], "fraud");
    assert_eq!(
        (&plain["version"], &plain["family"], &plain["alias"]),
        (&json!(1), &json!("gradient_boosting"), &json!("champion"))
    );
    assert_eq!(plain["inputs"].as_array().expect("inputs").len(), 11);
    assert_eq!(plain["inputs"][0], json!({"name": "amount", "kind": "number", "nullable": false}));
    assert_eq!(plain["inputs"][9], json!({"name": "credit_score", "kind": "number", "nullable": true}));
    assert_eq!(plain["metrics"]["average_precision"], 1.0);
    assert_eq!(plain["online_state"], json!(null));
    assert_eq!(card["name"], "fraud_card");
    assert_eq!(card["inputs"].as_array().expect("inputs").len(), 26, "each column once, however many features it gives");
    assert_eq!(card["online_state"]["number"], 1);
}

#[tokio::test]
async fn what_was_predicted_is_counted() {
    let mut app = App::start();
    for _ in 0..7 {
        app.shelf.promote(&constant("fraud", 0.25)).await;
        app.shelf.promote(&constant("fraud", 0.75)).await;
    }
    app.look().await;
    let version = app.predict(&transaction()).await.model().1.to_owned();
    let metrics = app.get("/metrics").await.text;
    for line in [
        format!("predictions_total{{model=\"fraud\",version=\"{version}\",is_fraud=\"true\"}} "),
        "model_version{model=\"fraud\"} ".to_owned(),
        format!("prediction_score_count{{model=\"fraud\",version=\"{version}\"}} "),
    ] {
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn with_a_champion_the_service_is_ready() {
    let mut app = App::start();
    app.shelf.promote(&constant("fraud", 0.25)).await;
    app.look().await;
    assert_eq!(app.get("/health/ready").await.status, 200);
    assert_eq!(app.get("/").await.json()["status"], "ready");
    std::fs::remove_dir_all(app.shelf.folder.path()).expect("remove");
    std::fs::write(app.shelf.folder.path(), "no folder").expect("write");
    assert_eq!(app.get("/health/ready").await.problem().2, "not ready: the model registry");
    assert_eq!(app.predict(&transaction()).await.status, 200, "what is loaded goes on serving");
    std::fs::remove_file(app.shelf.folder.path()).expect("remove");
}
