//! Every event into an index of Elasticsearch or OpenSearch, by its bulk interface.

use std::{sync::atomic::Ordering, time::Duration};

use lakehouse_settings::AlertSettings;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::{sync::mpsc::Receiver, time::Instant};

use super::{
    AlertError, Told,
    queue::{Queue, deliver},
    webhook::client,
};

/// Events of a request, and how long the first of them may wait for the others.
const BATCH: usize = 100;
const WAIT: Duration = Duration::from_secs(5);
const SINK: &str = "elasticsearch";

/// Why a batch was not taken as a whole.
#[derive(Debug, thiserror::Error)]
enum BulkError {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("the index took {taken} of {all} events, then {reason}")]
    Partly { taken: usize, all: usize, reason: Value },
}

/// Starts the sink.
pub(super) fn start(settings: &AlertSettings) -> Result<Queue, AlertError> {
    let failed = |source| AlertError::Setting { key: "elasticsearch_url", source };
    let (client, base) = client("elasticsearch_url", settings.elasticsearch_url.expose())?;
    let url = base.join("_bulk").map_err(|error| failed(Box::new(error)))?;
    let index = settings.elasticsearch_index.clone();
    Ok(Queue::start(SINK, move |mut told, lost| async move {
        while let Some(batch) = gather(&mut told).await {
            let body = lines(&index, &batch);
            let send = || async {
                let request = client.post(url.clone()).header(CONTENT_TYPE, "application/x-ndjson").body(body.clone());
                let answer = request.send().await.and_then(reqwest::Response::error_for_status);
                check(&answer.map_err(reqwest::Error::without_url)?.json().await?)
            };
            let is_final = |error: &BulkError| matches!(error, BulkError::Http(error) if super::webhook::is_final(error));
            if !deliver(SINK, is_final, send).await {
                lost.fetch_add(batch.len() as u64, Ordering::Relaxed);
            }
        }
    }))
}

/// What is there within the wait, up to a batch; `None` at the end.
async fn gather(told: &mut Receiver<Told>) -> Option<Vec<Told>> {
    let mut batch = vec![told.recv().await?];
    let deadline = Instant::now() + WAIT;
    while batch.len() < BATCH {
        match tokio::time::timeout_at(deadline, told.recv()).await {
            Ok(Some(next)) => batch.push(next),
            Ok(None) | Err(_) => break,
        }
    }
    Some(batch)
}

/// The identifier makes a repeated batch the same documents.
fn lines(index: &str, batch: &[Told]) -> String {
    let line = |told: &Told| {
        let document = told.json();
        let id = format!("{}-{}-{}", told.run, told.at.as_nanosecond(), told.event.name());
        format!("{}\n{document}\n", json!({ "index": { "_index": index, "_id": id } }))
    };
    batch.iter().map(line).collect()
}

fn check(answer: &Value) -> Result<(), BulkError> {
    if answer["errors"] != json!(true) {
        return Ok(());
    }
    let items = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let refused: Vec<&Value> = items.iter().map(|item| &item["index"]["error"]).filter(|error| !error.is_null()).collect();
    let reason = refused.first().map_or(Value::Null, |error| error["reason"].clone());
    Err(BulkError::Partly { taken: items.len() - refused.len(), all: items.len(), reason })
}
