use serde_json::Value;

use crate::app::App;

#[tokio::test]
async fn the_description_is_the_one_that_was_agreed_on() {
    let app = App::start().await;
    let mut openapi: Value = app.get("/openapi.json").await.json().await.expect("json");
    openapi["info"]["version"] = "any".into();
    insta::assert_json_snapshot!("openapi", openapi);
    app.stop().await;
}
