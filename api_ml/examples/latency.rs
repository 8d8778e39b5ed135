//! What a prediction costs inside the service, without a network: parsing, encoding, scoring, answering; as a question, and
//! recorded. One at a time, each recorded one waits for a write to the disk by itself.
//!
//! `cargo run --release -p lakehouse-api-ml --example latency -- REGISTRY_URI [REQUESTS]`
//! with the registry of a lake that has champions, such as `file:///srv/lake/registry/fraud`. Prints a JSON line per kind of request.
#![expect(clippy::print_stdout, reason = "an example prints what it measures")]

use std::{error::Error, time::Instant};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header::CONTENT_TYPE},
};
use lakehouse_api_ml::{AppState, Networks, router};
use lakehouse_registry::Registry;
use lakehouse_settings::{Overrides, Settings};
use tower::ServiceExt as _;

const PLAIN: &str = r#"{"amount":123.45,"card_brand":"VISA","card_type":"CREDIT","merchant_state":"NY","use_chip":"True","credit_limit":5000,
"per_capita_income":35000,"yearly_income":42000,"total_debt":1000,"credit_score":700,"num_credit_cards":2"#;
const CARD: &str = r#","card_id":CARD,"merchant_id":50783,"mcc":5411,"timestamp":"2019-10-31 23:59:00""#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let registry = arguments.next().ok_or("usage: latency REGISTRY_URI [REQUESTS]")?;
    let requests: usize = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let settings = Settings::load(None, Overrides { registry: Some(registry), ..Overrides::default() })?;
    let registry = Registry::open(settings.open_store(&settings.registry)?, &settings.registry)?;
    let networks = Networks { settings: settings.networks.clone(), sources: None, logs: None };
    let (state, mut watcher) = AppState::new(registry, &settings.api_ml, &settings.limits, networks)?;
    watcher.look().await;
    let service = router(state);
    // What waits for the disk is asked for less often.
    for (path, requests) in [("/predict?record=false", requests), ("/predict", requests.div_ceil(50))] {
        measure("plain", path, &service, requests, |_| format!("{PLAIN}}}")).await?;
        measure("card", path, &service, requests, |request| format!("{PLAIN}{}}}", card_fields(request))).await?;
    }
    Ok(())
}

fn card_fields(request: usize) -> String {
    CARD.replace("CARD", &(request % 5000).to_string())
}

async fn measure(
    name: &str,
    path: &str,
    service: &Router,
    requests: usize,
    body: impl Fn(usize) -> String,
) -> Result<(), Box<dyn Error>> {
    let mut nanoseconds = Vec::with_capacity(requests);
    for request in 0..requests {
        let asked = Request::post(path).header(CONTENT_TYPE, "application/json").body(Body::from(body(request)))?;
        let started = Instant::now();
        let answer = service.clone().oneshot(asked).await?;
        let status = answer.status();
        let answer = to_bytes(answer.into_body(), 1 << 20).await?;
        nanoseconds.push(started.elapsed().as_nanos() as u64);
        if status != StatusCode::OK {
            return Err(format!("{name}: {status}: {}", String::from_utf8_lossy(&answer)).into());
        }
    }
    nanoseconds.sort_unstable();
    let quantile = |share: f64| nanoseconds[((requests - 1) as f64 * share) as usize] as f64 / 1e3;
    let (p50, p99, p999) = (quantile(0.5), quantile(0.99), quantile(0.999));
    println!(
        r#"{{"request": "{name}", "path": "{path}", "requests": {requests}, "p50_us": {p50:.1}, "p99_us": {p99:.1}, "p999_us": {p999:.1}}}"#
    );
    Ok(())
}
