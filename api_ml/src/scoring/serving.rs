//! Everything that answers at one instant.

use std::{cell::RefCell, sync::Arc};

use jiff::Timestamp;
use lakehouse_models::InputError;
use lakehouse_signals::{EventError, Key};
use metrics::gauge;

use super::{OnlineSignals, Prediction, Scorer, scorer::BindError};
use crate::{
    models::Champion,
    request::{Instant, Transaction},
};

/// What serves; immutable, replaced as a whole.
#[derive(Debug, Default)]
pub struct Serving {
    /// For transactions without a card.
    pub plain: Option<Arc<Scorer>>,
    /// For transactions with a card.
    pub card: Option<Arc<CardScorer>>,
}

/// A champion and the state of the signals it scores with.
#[derive(Debug)]
pub struct CardScorer {
    scorer: Scorer,
    signals: Arc<OnlineSignals>,
}

/// Why there is no score.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// There is no champion for transactions without a card.
    #[error("no model `fraud` has been promoted yet")]
    NoChampion,
    /// There is no champion, or no state, for transactions with a card.
    #[error(
        "a score for a card needs a promoted model `fraud_card` and the live signals it was trained with, and they are not \
         both there yet; without `card_id` the transaction is scored by its own fields"
    )]
    NoCardModel,
    /// A value is missing that the model requires.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The signals refused the event.
    #[error("failed to ask for the live signals")]
    Signals(#[source] EventError),
    /// A request panicked while it asked for signals.
    #[error("the live signals are out of order since a request panicked")]
    Broken,
}

/// A prediction and what it was made with.
pub struct Scored<'a> {
    /// The prediction.
    pub prediction: Prediction,
    /// What made it.
    pub scorer: &'a Scorer,
}

/// Room to work in, kept by each thread so that a prediction allocates nothing.
#[derive(Default)]
pub struct Scratch {
    pub numbers: Vec<f64>,
    pub keys: Vec<Key>,
    pub flags: Vec<bool>,
    pub signals: Vec<f64>,
    encoded: Vec<f64>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Serving {
    /// Scores a transaction with the model that goes with it.
    pub fn score(&self, transaction: &Transaction) -> Result<Scored<'_>, ScoreError> {
        SCRATCH.with_borrow_mut(|scratch| match transaction.card_id {
            None => {
                let scorer = self.plain.as_deref().ok_or(ScoreError::NoChampion)?;
                let prediction = scorer.score(transaction, &[], &mut scratch.encoded)?;
                Ok(Scored { prediction, scorer })
            }
            Some(_) => self.card.as_deref().ok_or(ScoreError::NoCardModel)?.score(transaction, scratch),
        })
    }

    /// Every scorer, with the state it asks.
    pub fn scorers(&self) -> impl Iterator<Item = (&Scorer, Option<&OnlineSignals>)> {
        let plain = self.plain.as_deref().map(|scorer| (scorer, None));
        let card = self.card.as_deref().map(|card| (&card.scorer, Some(&*card.signals)));
        plain.into_iter().chain(card)
    }

    /// Says in the metrics what serves.
    pub fn report(&self) {
        for (scorer, signals) in self.scorers() {
            scorer.tally().report();
            if let Some(signals) = signals {
                gauge!("online_state_number", "name" => "transactions").set(f64::from(signals.state.number.0));
            }
        }
    }
}

impl CardScorer {
    /// Puts a champion and a state together, if they go together.
    pub fn bind(champion: &Arc<Champion>, signals: &Arc<OnlineSignals>) -> Result<Self, BindError> {
        let scorer = Scorer::bind(Arc::clone(champion), &signals.outputs)?;
        Ok(Self { scorer, signals: Arc::clone(signals) })
    }

    pub fn scorer(&self) -> &Scorer {
        &self.scorer
    }

    pub fn champion(&self) -> &Arc<Champion> {
        self.scorer.champion()
    }

    pub fn signals(&self) -> &Arc<OnlineSignals> {
        &self.signals
    }

    fn score(&self, transaction: &Transaction, scratch: &mut Scratch) -> Result<Scored<'_>, ScoreError> {
        let time = transaction.timestamp.unwrap_or_else(|| Instant(Timestamp::now().as_microsecond()));
        // The model and the signals are to speak of the same instant.
        let transaction = Transaction { timestamp: Some(time), ..*transaction };
        self.signals.ask(&transaction, time.0, scratch)?;
        let prediction = self.scorer.score(&transaction, &scratch.signals, &mut scratch.encoded)?;
        Ok(Scored { prediction, scorer: &self.scorer })
    }
}
