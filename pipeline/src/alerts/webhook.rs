//! A POST about every run that ended.

use std::{sync::atomic::Ordering, time::Duration};

use lakehouse_settings::AlertSettings;

use super::{
    AlertError,
    queue::{Queue, deliver},
};

const TIMEOUT: Duration = Duration::from_secs(10);
const SINK: &str = "webhook";

/// A client for a sink, and its address. Errors of the client are shown without the address, which may hold a token.
pub(super) fn client(key: &'static str, url: &str) -> Result<(reqwest::Client, reqwest::Url), AlertError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| AlertError::Setting { key, source };
    let url = reqwest::Url::parse(url).map_err(|error| failed(error.into()))?;
    let client = reqwest::Client::builder().timeout(TIMEOUT).build().map_err(|error| failed(error.into()))?;
    Ok((client, url))
}

/// Will another try fail the same way?
pub(super) fn is_final(error: &reqwest::Error) -> bool {
    let is_told_to_wait = |status: reqwest::StatusCode| status == reqwest::StatusCode::TOO_MANY_REQUESTS;
    error.status().is_some_and(|status| status.is_client_error() && !is_told_to_wait(status))
}

/// Starts the sink.
pub(super) fn start(settings: &AlertSettings) -> Result<Queue, AlertError> {
    let (client, url) = client("webhook_url", settings.webhook_url.expose())?;
    Ok(Queue::start(SINK, move |mut told, lost| async move {
        while let Some(told) = told.recv().await {
            if !told.is_end() {
                continue;
            }
            let body = told.json();
            let post = || async {
                let answer = client.post(url.clone()).json(&body).send().await;
                answer.and_then(reqwest::Response::error_for_status).map(|_| ()).map_err(reqwest::Error::without_url)
            };
            if !deliver(SINK, is_final, post).await {
                lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }))
}
