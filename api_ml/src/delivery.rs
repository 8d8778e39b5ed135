//! Predictions on their way to the lake: from closed segments of the journal to the landing place, where the pipeline finds
//! them like rows that anybody pushed.
//!
//! A segment is one push, named for the journal and the segment: delivered twice, it is one. What both landing and the state of
//! the signals have is removed from the journal after a day, until when a transaction that is sent again is recognised.

use std::{sync::Arc, time::Duration};

use lakehouse_landing::{Landing, LandingError, PushKey, PushRows};
use lakehouse_models::FeatureDrift;
use lakehouse_settings::{Settings, SettingsError};
use lakehouse_spec::{DomainName, InvalidName, SourceContract, SourceName, SpecError, find_domain};
use metrics::{counter, gauge};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::{
    task::{JoinError, spawn_blocking},
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use twox_hash::XxHash3_64;
use url::Url;

use crate::{
    AppState,
    journal::{Entry, JournalError, Segment, StoredTransaction},
    scoring::{ClosedWindow, OnlineSignals, RecordError, Recorder},
};

/// How long what is done with stays in the journal.
const KEPT: Duration = Duration::from_hours(24);
/// How long a service that stops goes on to deliver.
const LAST_DELIVERY: Duration = Duration::from_secs(5);
const SOURCE: &str = "predictions";
const DRIFT: &str = "drift";

/// Brings predictions to the landing place.
pub struct Delivery {
    state: AppState,
    settings: Settings,
    lake: Url,
    contract: SourceContract,
    domain: DomainName,
    source: SourceName,
    drift_contract: SourceContract,
    drift_source: SourceName,
}

/// Why predictions wait a little longer.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The domain has no such source.
    #[error("failed to read the contract of predictions")]
    Contract(#[from] SpecError),
    /// Its name is none.
    #[error("failed to name the source of predictions")]
    Name(#[from] InvalidName),
    /// The domain does not want them.
    #[error("the domain has no source `{0}`")]
    NoSource(SourceName),
    /// The lake's store cannot be opened.
    #[error("failed to open the lake's store")]
    Settings(#[from] SettingsError),
    /// Landing does not take them.
    #[error("failed to bring predictions to the landing place")]
    Landing(#[from] LandingError),
    /// The journal cannot be read.
    #[error("failed to read the journal")]
    Journal(#[from] JournalError),
    /// What was known could not be forgotten.
    #[error("failed to forget what is done with")]
    Record(#[from] RecordError),
    /// It panicked.
    #[error("the delivery broke off")]
    Broken(#[from] JoinError),
}

impl Delivery {
    /// Of a service's predictions.
    pub fn new(state: &AppState, settings: &Settings) -> Result<Self, DeliveryError> {
        let domain = find_domain(state.names.domain.as_str(), None)?;
        let (source, drift_source): (SourceName, SourceName) = (SOURCE.parse()?, DRIFT.parse()?);
        let contract = |source: &SourceName| {
            let found = domain.sources.get(source).cloned();
            found.ok_or_else(|| DeliveryError::NoSource(source.clone()))
        };
        let (contract, drift_contract) = (contract(&source)?, contract(&drift_source)?);
        let (state, settings, lake) = (state.clone(), settings.clone(), settings.lake.clone());
        Ok(Self { state, lake, contract, domain: domain.name, source, drift_contract, drift_source, settings })
    }

    /// Delivers now and then until `stop` is cancelled, and once more then.
    pub async fn keep_up(self, stop: CancellationToken) {
        let mut ticks = interval(Duration::from_secs(self.settings.api_ml.delivery_seconds));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_over = stop.run_until_cancelled(ticks.tick()).await.is_none();
            if is_over {
                // What a slow store does not take now, the next start delivers.
                let _ = timeout(LAST_DELIVERY, self.try_to_deliver()).await;
                return;
            }
            self.try_to_deliver().await;
        }
    }

    async fn try_to_deliver(&self) {
        if let Err(error) = self.deliver().await {
            counter!("prediction_delivery_failures_total").increment(1);
            tracing::warn!(error = &error as &dyn std::error::Error, "predictions wait in the journal");
        }
    }

    /// Delivers every closed segment, and removes those that are done with; tells how many predictions went.
    pub async fn deliver(&self) -> Result<u64, DeliveryError> {
        let recorder = Arc::clone(&self.state.recorder);
        let segments = spawn_blocking(move || recorder.journal.closed_segments()).await??;
        let mut delivered = 0;
        let mut waiting = 0_u32;
        for segment in segments {
            if !segment.is_shipped() {
                delivered += self.deliver_segment(&segment).await?;
            }
            if segment.age() < KEPT || !self.removed(segment).await? {
                waiting += 1;
            }
        }
        self.deliver_drift().await?;
        gauge!("journal_segments").set(f64::from(waiting));
        counter!("predictions_delivered_total").increment(delivered);
        Ok(delivered)
    }

    async fn deliver_segment(&self, segment: &Segment) -> Result<u64, DeliveryError> {
        let (recorder, contract, segment) = (Arc::clone(&self.state.recorder), self.contract.clone(), segment.clone());
        let percent = self.settings.api_ml.inputs_percent;
        let read = {
            let (recorder, segment) = (Arc::clone(&recorder), segment.clone());
            spawn_blocking(move || read_rows(&recorder, &segment, contract, percent)).await??
        };
        if let Some((mut rows, sha256, count)) = read {
            let key = PushKey::of(&format!("{}/{:020}", recorder.journal.name(), segment.first));
            let mut push = self.landing()?.inbox(&self.domain, &self.source).push(key);
            while let Some(bytes) = rows.ready_bytes() {
                push.put(bytes).await?;
            }
            push.finish(rows, sha256).await?;
            segment.mark_shipped()?;
            return Ok(count);
        }
        segment.mark_shipped()?;
        Ok(0)
    }

    /// Brings the windows of drift that have closed since. They tell of predictions that are kept elsewhere, so a crash may
    /// take one with it.
    async fn deliver_drift(&self) -> Result<(), DeliveryError> {
        let serving = self.state.serving.load_full();
        for (scorer, ..) in serving.scorers() {
            let windows = scorer.drift().take_untold();
            if let Err(error) = self.push_drift(&windows).await {
                scorer.drift().put_back(windows);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn push_drift(&self, windows: &[ClosedWindow]) -> Result<(), DeliveryError> {
        let Some(first) = windows.first() else { return Ok(()) };
        let mut rows = PushRows::new(self.drift_contract.clone())?;
        for row in windows.iter().flat_map(drift_rows) {
            let texts = rows.contract().texts_of(&row);
            rows.take(&texts.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
        }
        let key =
            PushKey::of(&format!("{}/{}/{}/{}", self.state.recorder.journal.name(), first.model, first.version, first.ended_at));
        let mut push = self.landing()?.inbox(&self.domain, &self.drift_source).push(key);
        while let Some(bytes) = rows.ready_bytes() {
            push.put(bytes).await?;
        }
        push.finish(rows, hex::encode(Sha256::digest(first.ended_at.to_string()))).await?;
        Ok(())
    }

    /// Opened when there is something to deliver: a service without a lake scores as well.
    fn landing(&self) -> Result<Landing, DeliveryError> {
        Ok(Landing::open(self.settings.open_store(&self.lake)?, &self.lake)?)
    }

    /// Removes a delivered segment if the state of the signals has all of it.
    async fn removed(&self, segment: Segment) -> Result<bool, DeliveryError> {
        let serving = self.state.serving.load_full();
        let Some(card) = serving.card.clone() else { return Ok(false) };
        let recorder = Arc::clone(&self.state.recorder);
        spawn_blocking(move || remove_if_done(&recorder, &segment, &card.signals)).await?
    }
}

fn remove_if_done(recorder: &Recorder, segment: &Segment, signals: &OnlineSignals) -> Result<bool, DeliveryError> {
    let (mut entries, mut is_needed) = (Vec::new(), false);
    recorder.journal.read_segment(segment, |entry| {
        is_needed |= signals.needs(&entry);
        entries.push((entry.id, entry.fact));
    })?;
    if is_needed {
        return Ok(false);
    }
    segment.remove()?;
    recorder.forget(&entries)?;
    Ok(true)
}

/// The rows of a segment's predictions, their hash and their count; `None` without any.
fn read_rows(
    recorder: &Recorder,
    segment: &Segment,
    contract: SourceContract,
    inputs_percent: u8,
) -> Result<Option<(PushRows, String, u64)>, DeliveryError> {
    let mut rows = PushRows::new(contract)?;
    let (mut hash, mut count, mut refused) = (Sha256::new(), 0, None);
    recorder.journal.read_segment(segment, |entry| {
        for row in rows_of(&entry, recorder.journal.name(), inputs_percent) {
            let texts = rows.contract().texts_of(&row);
            let fields: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
            fields.iter().for_each(|field| hash.update(field));
            count += 1;
            if let Err(error) = rows.take(&fields) {
                refused = Some(error);
            }
        }
    })?;
    match refused {
        Some(error) => Err(error.into()),
        None if count == 0 => Ok(None),
        None => Ok(Some((rows, hex::encode(hash.finalize()), count))),
    }
}

fn rows_of(entry: &Entry, journal: &str, inputs_percent: u8) -> Vec<serde_json::Map<String, serde_json::Value>> {
    // A transaction is in the sample for all models or for none.
    let is_sampled = XxHash3_64::oneshot(entry.id.as_bytes()) % 100 < u64::from(inputs_percent);
    let is_named = !entry.id.starts_with("unnamed:") && !entry.id.starts_with("key:");
    let instant = |micros: i64| jiff::Timestamp::from_microsecond(micros).ok().map(|instant| instant.to_string());
    let row = |(place, prediction): (usize, &crate::journal::StoredPrediction)| {
        let mut row = serde_json::Map::new();
        row.insert("prediction_id".to_owned(), json!(format!("{journal}-{:020}-{place}", entry.number)));
        row.insert("predicted_at".to_owned(), json!(instant(entry.made_at)));
        row.insert("transaction_id".to_owned(), json!(is_named.then_some(&entry.id)));
        row.insert("made_at".to_owned(), json!(instant(entry.transaction.time)));
        row.insert("model".to_owned(), json!(prediction.model));
        row.insert("model_version".to_owned(), json!(prediction.version));
        row.insert("role".to_owned(), json!(prediction.role));
        row.insert("fraud_probability".to_owned(), json!(prediction.score));
        row.insert("is_fraud".to_owned(), json!(prediction.is_fraud));
        row.insert("inputs".to_owned(), json!(is_sampled.then(|| inputs(&entry.transaction))));
        row
    };
    entry.predictions.iter().enumerate().map(row).collect()
}

fn drift_rows(window: &ClosedWindow) -> Vec<serde_json::Map<String, serde_json::Value>> {
    let row = |drift: &FeatureDrift| {
        let row = json!({
            "window_id": format!("{}-{}-{}-{}", window.model, window.version, window.ended_at, drift.feature),
            "model": window.model,
            "model_version": window.version,
            "started_at": window.started_at.to_string(),
            "ended_at": window.ended_at.to_string(),
            "row_count": window.report.rows,
            "feature": drift.feature,
            "stability_index": drift.stability_index,
            "jensen_shannon": drift.jensen_shannon,
            "kolmogorov_smirnov": drift.kolmogorov_smirnov,
            "p_value": drift.p_value,
            "absent_share": drift.absent_share,
            "new_text_share": drift.new_text_share,
            "is_drifted": drift.is_drifted,
        });
        if let serde_json::Value::Object(row) = row { row } else { serde_json::Map::new() }
    };
    window.report.features.iter().map(row).collect()
}

/// What the request said, as a text of JSON. Whose card and which merchant it was, is found by the transaction.
fn inputs(transaction: &StoredTransaction) -> String {
    let [credit_limit, per_capita_income, yearly_income, total_debt] = transaction.money;
    json!({
        "amount": transaction.amount,
        "card_brand": transaction.card_brand,
        "card_type": transaction.card_type,
        "merchant_state": transaction.merchant_state,
        "use_chip": transaction.use_chip,
        "credit_limit": credit_limit,
        "per_capita_income": per_capita_income,
        "yearly_income": yearly_income,
        "total_debt": total_debt,
        "credit_score": transaction.credit_score,
        "num_credit_cards": transaction.num_credit_cards,
        "is_failed_verification": transaction.is_failed_verification,
    })
    .to_string()
}
