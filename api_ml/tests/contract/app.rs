//! A service over a registry of its own, asked without a network.

use std::path::PathBuf;

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use lakehouse_api_ml::{AppState, Delivery, LogStore, NetworkState, Networks, Watcher, router};
use lakehouse_settings::{ApiMl, NetworkSettings, Settings};
use serde_json::{Value, json};
use tower::ServiceExt;
use url::Url;

use crate::shelf::Shelf;

pub struct App {
    pub shelf: Shelf,
    pub router: Router,
    pub delivery: Delivery,
    watcher: Watcher,
    networks: NetworkState,
}

impl App {
    pub fn start() -> Self {
        Self::over(Shelf::new(), |_| {})
    }

    /// With a folder of firewall logs, where samples of networks go too.
    pub fn start_with(sources: Option<PathBuf>) -> Self {
        Self::with(Shelf::new(), |_| {}, sources)
    }

    /// A service over a shelf, with other settings than the usual ones. The journal goes on where an earlier one stopped.
    pub fn over(shelf: Shelf, change: impl FnOnce(&mut ApiMl)) -> Self {
        Self::with(shelf, |settings| change(&mut settings.api_ml), None)
    }

    /// With other settings of networks.
    pub fn start_with_networks(change: impl FnOnce(&mut NetworkSettings)) -> Self {
        Self::with(Shelf::new(), |settings| change(&mut settings.networks), None)
    }

    fn with(shelf: Shelf, change: impl FnOnce(&mut Settings), sources: Option<PathBuf>) -> Self {
        let mut settings = shelf.settings();
        change(&mut settings);
        let logs = sources.as_ref().map(|folder| {
            settings.networks.logs = Url::from_file_path(folder).expect("url");
            LogStore::open(&settings).expect("a folder")
        });
        let networks = Networks { settings: settings.networks.clone(), sources, logs };
        let (state, watcher) = AppState::new(shelf.registry(), &settings.api_ml, &settings.limits, networks).expect("a journal");
        let networks = state.network.clone();
        let delivery = Delivery::new(&state, &settings).expect("contract");
        Self { router: router(state), delivery, shelf, watcher, networks }
    }

    /// Stops it, and starts another one in its place.
    pub fn restart(self) -> Self {
        Self::over(self.stop(), |_| {})
    }

    /// Stops it.
    pub fn stop(self) -> Shelf {
        let Self { shelf, router, delivery, watcher, networks } = self;
        drop((router, delivery, watcher, networks));
        shelf
    }

    /// The service looks at the registry, as it does by itself every few seconds.
    pub async fn look(&mut self) {
        self.watcher.look().await;
        self.networks.look().await;
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(&self.router, Request::get(path).body(Body::empty()).expect("request")).await
    }

    pub async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        send(&self.router, post(path, body)).await
    }

    /// The status of an answer whose body nobody reads.
    pub async fn status(&self, request: Request<Body>) -> u16 {
        self.router.clone().oneshot(request).await.expect("a router always answers").status().as_u16()
    }

    /// The body of an answer that is no text.
    pub async fn bytes(&self, request: Request<Body>) -> Bytes {
        let response = self.router.clone().oneshot(request).await.expect("a router always answers");
        assert_eq!(response.status(), 200);
        to_bytes(response.into_body(), usize::MAX).await.expect("body")
    }

    pub async fn predict(&self, transaction: &Value) -> Answer {
        self.post("/predict", transaction.to_string()).await
    }

    /// The probability that a transaction would get.
    pub async fn question(&self, transaction: &Value) -> f64 {
        let answer = self.post("/predict?record=false", transaction.to_string()).await;
        answer.json()["fraud_probability"].as_f64().expect("probability")
    }

    /// The probability that a transaction gets.
    pub async fn probability(&self, transaction: &Value) -> f64 {
        let answer = self.predict(transaction).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["fraud_probability"].as_f64().expect("probability")
    }
}

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("the answer is not JSON")
    }

    /// The status, code and detail of what has to be a problem.
    pub fn problem(&self) -> (u16, String, String) {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.text);
        let problem = self.json();
        let text = |member: &str| problem[member].as_str().expect(member).to_owned();
        (self.status.as_u16(), text("code"), text("detail"))
    }

    /// The model and version that scored.
    pub fn model(&self) -> (&str, &str) {
        let header = |name: &str| self.headers[name].to_str().expect("text");
        (header("x-model"), header("x-model-version"))
    }
}

pub fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::post(path).header("content-type", "application/json");
    request.body(body.into()).expect("request")
}

pub async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.expect("a router always answers");
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.expect("body");
    Answer { status: head.status, headers: head.headers, text: String::from_utf8(bytes.to_vec()).expect("text") }
}

/// The request of the old service's clients.
pub fn transaction() -> Value {
    json!({
        "amount": 812.5, "card_brand": "Visa", "card_type": "Credit", "merchant_state": "CA", "use_chip": "False",
        "credit_limit": 9100, "per_capita_income": 21000.0, "yearly_income": 43000, "total_debt": 61000.0,
        "credit_score": 702, "num_credit_cards": 3,
    })
}

/// The same with other values; null values are sent as null.
pub fn transaction_with(changes: Value) -> Value {
    let mut transaction = transaction();
    let (Value::Object(fields), Value::Object(changes)) = (&mut transaction, changes) else { panic!("objects") };
    fields.extend(changes);
    transaction
}
