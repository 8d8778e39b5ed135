use std::fs;

use serde_json::{Value, json};

use crate::app::App;

#[tokio::test]
async fn the_greeting_says_where_the_files_are() {
    let app = App::start().await;
    let greeting: Value = app.get("/").await.json().await.expect("json");
    assert_eq!(greeting, json!({"message": "Lakehouse sources API: the files are at /files", "docs": "/docs"}));
    app.stop().await;
}

#[tokio::test]
async fn files_are_listed_by_name() {
    let app = App::start().await;
    assert_eq!(app.get("/files").await.text().await.expect("body"), "[]");
    let app = app.with_file("users_data.csv", "a").with_file("Cards.csv", "a").with_file("mcc_codes.json", "{}");
    assert_eq!(app.get("/files").await.text().await.expect("body"), r#"["Cards.csv","mcc_codes.json","users_data.csv"]"#);
    app.stop().await;
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_not_listed() {
    let app = App::start().await.with_file("good.csv", "a").with_file(".hidden", "a").with_file("with space.csv", "a");
    fs::create_dir(app.path("folder.csv")).expect("folder");
    std::os::unix::fs::symlink(app.outside("secret.csv"), app.path("out.csv")).expect("link");
    std::os::unix::fs::symlink("good.csv", app.path("in.csv")).expect("link");
    std::os::unix::fs::symlink("nowhere", app.path("dangling.csv")).expect("link");
    assert_eq!(app.get("/files").await.text().await.expect("body"), r#"["good.csv","in.csv"]"#);
    app.stop().await;
}

#[tokio::test]
async fn the_service_is_ready_as_long_as_its_folder_is_there() {
    let app = App::start().await;
    assert_eq!(app.get("/health/ready").await.status(), 200);
    fs::rename(app.path(""), app.outside("moved")).expect("move");
    let answer = app.get("/health/ready").await;
    assert_eq!(answer.status(), 503);
    assert!(answer.text().await.expect("body").contains("not ready: the sources folder"));
    fs::rename(app.outside("moved"), app.path("")).expect("move");
    app.stop().await;
}
