//! Scoring that leaves a trace: the signals get the transaction, the journal the prediction.
//!
//! A transaction counts once, by its id or by the `Idempotency-Key` of its request; one that has neither counts as often as
//! it is sent. What is known here is in the journal, or on its way there: whoever is told so waits for the disk first.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use arc_swap::ArcSwap;
use hashbrown::HashSet;
use jiff::Timestamp;
use lakehouse_settings::{ApiMl, PredictionLog};
use metrics::counter;
use twox_hash::XxHash3_128;

use super::{CardTeam, OnlineSignals, Prediction, Role, ScoreError, Scored, Scorer, Scratch, Serving, serving::Asking};
use crate::{
    journal::{Entry, Fact, Journal, JournalError, StoredPrediction, StoredTransaction, Ticket},
    request::{ShortText, Transaction},
};

/// Clocks differ; what is said to happen later than this is no transaction that has been made.
const FUTURE_MICROS: i64 = 300_000_000;

/// Services that may share a folder of journals, each with a journal and live signals of its own.
const SERVICES_OF_A_MACHINE: u32 = 64;

/// Scores and keeps.
#[derive(Debug)]
pub struct Recorder {
    pub journal: Journal,
    serving: Arc<ArcSwap<Serving>>,
    mode: PredictionLog,
    /// Held from the look at what is known until the entry has its place: in between, the signals are one entry ahead.
    known: Mutex<Known>,
}

/// The transactions and verdicts of the journal, by the hash of their ids.
#[derive(Debug, Default)]
struct Known {
    made: HashSet<u128>,
    judged: HashSet<u128>,
}

/// What was done about a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    /// It counts from now on.
    New,
    /// It had been recorded before.
    Before,
}

/// Something that was recorded.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// New or not.
    pub recording: Recording,
    /// To be waited for before anybody is told.
    pub ticket: Option<Ticket>,
}

/// Why something was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There is no score.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// The journal does not take it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It has not been made yet.
    #[error("`timestamp` lies in the future: only what has been made can be recorded")]
    Future,
    /// It has nothing to be known by.
    #[error("a transaction that is to count needs a `transaction_id`, or an Idempotency-Key")]
    NoName,
}

impl Recorder {
    /// Opens the first journal of the folder that no other service of this machine has, and learns what has been recorded.
    pub fn open(settings: &ApiMl, serving: Arc<ArcSwap<Serving>>) -> Result<Self, JournalError> {
        for place in 0..SERVICES_OF_A_MACHINE {
            let opened = Self::open_in(&settings.journal.join(place.to_string()), settings.predictions, Arc::clone(&serving));
            if !matches!(opened, Err(JournalError::InUse(_))) {
                return opened;
            }
        }
        Err(JournalError::InUse(settings.journal.clone()))
    }

    fn open_in(folder: &Path, mode: PredictionLog, serving: Arc<ArcSwap<Serving>>) -> Result<Self, JournalError> {
        let mut known = Known::default();
        let journal = Journal::open(folder, |entry| {
            known.learn(entry);
        })?;
        Ok(Self { journal, serving, mode, known: Mutex::new(known) })
    }

    /// Scores a transaction, adds it to the signals if it has a card, and hands the prediction to the journal. `key` names the
    /// request; `answer` takes the answer while its model is sure to be there.
    pub fn predict<T>(
        &self,
        transaction: &Transaction,
        key: Option<&str>,
        answer: impl FnOnce(&Scorer, Prediction) -> T,
    ) -> Result<(T, Kept), RecordError> {
        let (timed, _) = transaction.timed();
        if transaction.card_id.is_none() {
            return self.predict_plain(&timed, key, answer);
        }
        refuse_future(&timed)?;
        let id = name_of(&timed, key);
        let mut known = self.known()?;
        let serving = self.serving.load();
        let hash = id.as_deref().map(hash_of);
        if hash.is_some_and(|hash| known.made.contains(&hash)) {
            let Scored { prediction, scorer, .. } = serving.score_as(&timed, Asking::Known)?;
            let kept = Kept { recording: Recording::Before, ticket: Some(self.journal.newest()) };
            return Ok((answer(scorer, prediction), kept));
        }
        self.refuse_if_stopped()?;
        let id = id.unwrap_or_else(unnamed);
        let scored = serving.score_as(&timed, Asking::Adding(&id))?;
        let over = serving.card.as_ref().map_or(0, |card| card.signals.state.number.0);
        let predictions = if self.mode == PredictionLog::Off { Vec::new() } else { stored(&scored) };
        let is_awaited = self.mode != PredictionLog::Fast;
        let ticket = self.append(&id, Fact::Made, over, &timed, predictions, is_awaited)?;
        if let Some(card) = &serving.card {
            card.signals.has_applied(ticket);
        }
        known.made.extend(hash);
        let kept = Kept { recording: Recording::New, ticket: is_awaited.then_some(ticket) };
        Ok((answer(scored.scorer, scored.prediction), kept))
    }

    fn predict_plain<T>(
        &self,
        transaction: &Transaction,
        key: Option<&str>,
        answer: impl FnOnce(&Scorer, Prediction) -> T,
    ) -> Result<(T, Kept), RecordError> {
        let serving = self.serving.load();
        let scored = serving.score_as(transaction, Asking::Known)?;
        let ticket = match self.mode {
            PredictionLog::Off => None,
            PredictionLog::Durable | PredictionLog::Fast => {
                let id = name_of(transaction, key).unwrap_or_else(unnamed);
                let is_awaited = self.mode == PredictionLog::Durable;
                let appended = self.append(&id, Fact::Asked, 0, transaction, stored(&scored), is_awaited);
                if is_awaited {
                    Some(appended?)
                } else {
                    // Fast means that answers never wait for the log, not even for room in it.
                    if appended.is_err() {
                        counter!("prediction_log_lost_total").increment(1);
                    }
                    None
                }
            }
        };
        Ok((answer(scored.scorer, scored.prediction), Kept { recording: Recording::New, ticket }))
    }

    /// Adds a transaction to the signals without scoring it.
    pub fn record(&self, transaction: &Transaction, key: Option<&str>) -> Result<Kept, RecordError> {
        self.keep(transaction, key, Fact::Made)
    }

    /// Tells the signals how a transaction turned out.
    pub fn judge(&self, transaction: &Transaction, key: Option<&str>) -> Result<Kept, RecordError> {
        self.keep(transaction, key, Fact::Judged)
    }

    fn keep(&self, transaction: &Transaction, key: Option<&str>, fact: Fact) -> Result<Kept, RecordError> {
        let (timed, _) = transaction.timed();
        refuse_future(&timed)?;
        let id = name_of(&timed, key).ok_or(RecordError::NoName)?;
        let mut known = self.known()?;
        let serving = self.serving.load();
        let CardTeam { signals, .. } = serving.card.as_deref().ok_or(ScoreError::NoCardModel)?;
        let names = match fact {
            Fact::Judged => &mut known.judged,
            Fact::Made | Fact::Asked => &mut known.made,
        };
        if names.contains(&hash_of(&id)) {
            return Ok(Kept { recording: Recording::Before, ticket: Some(self.journal.newest()) });
        }
        let ticket = self.append(&id, fact, signals.state.number.0, &timed, Vec::new(), true)?;
        Scratch::with(|scratch| match fact {
            Fact::Judged => signals.judge(&timed, &id, scratch),
            Fact::Made | Fact::Asked => signals.add(&timed, &id, scratch),
        })?;
        signals.has_applied(ticket);
        names.insert(hash_of(&id));
        Ok(Kept { recording: Recording::New, ticket: Some(ticket) })
    }

    /// Waits until it may be told.
    pub async fn wait(&self, Kept { ticket, .. }: Kept) -> Result<(), RecordError> {
        match ticket {
            Some(ticket) => Ok(self.journal.wait(ticket).await?),
            None => Ok(()),
        }
    }

    /// The same for who has no reactor.
    pub fn wait_blocking(&self, Kept { ticket, .. }: Kept) -> Result<(), RecordError> {
        match ticket {
            Some(ticket) => Ok(self.journal.wait_blocking(ticket)?),
            None => Ok(()),
        }
    }

    /// Lets new signals take in what the journal has on top of them, then has `serve` put them in place of the old ones. Only
    /// the last bit of it keeps requests waiting.
    pub fn replace_signals(&self, signals: &OnlineSignals, serve: impl FnOnce()) -> Result<(), RecordError> {
        self.follow(signals)?;
        let known = self.known()?;
        self.journal.wait_blocking(self.journal.newest())?;
        self.follow(signals)?;
        serve();
        drop(known);
        Ok(())
    }

    fn follow(&self, signals: &OnlineSignals) -> Result<(), RecordError> {
        let mut refused = None;
        self.journal.read_after(signals.applied(), |entry| {
            if let Err(error) = Scratch::with(|scratch| signals.follow(&entry, scratch)) {
                refused = refused.take().or(Some(error));
            }
            Ok(())
        })?;
        refused.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Forgets what a segment has that is about to be removed.
    pub fn forget(&self, entries: &[(String, Fact)]) -> Result<(), RecordError> {
        let mut known = self.known()?;
        for (id, fact) in entries {
            match fact {
                Fact::Judged => known.judged.remove(&hash_of(id)),
                Fact::Made | Fact::Asked => known.made.remove(&hash_of(id)),
            };
        }
        Ok(())
    }

    fn append(
        &self,
        id: &str,
        fact: Fact,
        over: u32,
        transaction: &Transaction,
        predictions: Vec<StoredPrediction>,
        is_awaited: bool,
    ) -> Result<Ticket, JournalError> {
        let made_at = Timestamp::now().as_microsecond();
        let transaction = StoredTransaction::from(transaction);
        let entry = Entry { number: 0, made_at, id: id.to_owned(), fact, over, transaction, predictions };
        self.journal.append(&entry, is_awaited)
    }

    /// Before the signals are touched: afterwards, an entry that is refused would be in them and nowhere else.
    fn refuse_if_stopped(&self) -> Result<(), JournalError> {
        self.journal.ready()
    }

    fn known(&self) -> Result<MutexGuard<'_, Known>, ScoreError> {
        self.known.lock().map_err(|_| ScoreError::Broken)
    }
}

impl Known {
    fn learn(&mut self, entry: &Entry) {
        match entry.fact {
            Fact::Made => self.made.insert(hash_of(&entry.id)),
            Fact::Judged => self.judged.insert(hash_of(&entry.id)),
            Fact::Asked => false,
        };
    }
}

fn stored(scored: &Scored<'_>) -> Vec<StoredPrediction> {
    let one = |scorer: &Scorer, prediction: Prediction, role: Role| {
        let promotion = &scorer.champion().promotion;
        StoredPrediction {
            model: promotion.model.to_string(),
            version: promotion.version.0,
            role: role.as_str().to_owned(),
            score: prediction.probability(),
            is_fraud: prediction.is_fraud(),
        }
    };
    let answered = one(scored.scorer, scored.prediction, scored.role);
    let shadow = scored.shadow.map(|(scorer, prediction)| one(scorer, prediction, Role::Shadow));
    [answered].into_iter().chain(shadow).collect()
}

fn refuse_future(transaction: &Transaction) -> Result<(), RecordError> {
    let latest = Timestamp::now().as_microsecond().saturating_add(FUTURE_MICROS);
    if transaction.timed().1 > latest { Err(RecordError::Future) } else { Ok(()) }
}

/// What the transaction is called, or else its request.
fn name_of(transaction: &Transaction, key: Option<&str>) -> Option<String> {
    let named = transaction.transaction_id.as_ref().map(ShortText::as_str).map(str::to_owned);
    named.or_else(|| key.map(|key| format!("key:{key}")))
}

fn unnamed() -> String {
    format!("unnamed:{:016x}", rand::random::<u64>())
}

fn hash_of(id: &str) -> u128 {
    XxHash3_128::oneshot(id.as_bytes())
}
