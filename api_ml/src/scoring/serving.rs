//! Everything that answers at one instant.

use std::{cell::RefCell, sync::Arc};

use lakehouse_models::{Contributions, ExplanationError, InputError};
use lakehouse_signals::{EventError, Key};
use metrics::gauge;

use super::{
    OnlineSignals, Prediction, Scorer,
    team::{Role, Team},
};
use crate::request::{Identifier, Transaction};

/// What serves; immutable, replaced as a whole.
#[derive(Debug, Default, Clone)]
pub struct Serving {
    /// For transactions without a card.
    pub plain: Option<Arc<Team>>,
    /// For transactions with a card.
    pub card: Option<Arc<CardTeam>>,
}

/// Models and the state of the signals they score with.
#[derive(Debug)]
pub struct CardTeam {
    pub team: Team,
    pub signals: Arc<OnlineSignals>,
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
    /// The model cannot say where its score comes from.
    #[error("failed to explain the score")]
    Explanation(#[source] ExplanationError),
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
    /// As what.
    pub role: Role,
    /// Who scored in the shadow, if somebody did.
    pub shadow: Option<(&'a Scorer, Prediction)>,
}

/// A prediction and where it comes from.
pub struct Explained<'a> {
    /// The prediction.
    pub prediction: Prediction,
    /// What every input adds to it.
    pub contributions: Contributions,
    /// What made it.
    pub scorer: &'a Scorer,
}

/// What asking does to the signals.
#[derive(Debug, Clone, Copy)]
pub enum Asking<'a> {
    /// Nothing, and nobody scores in the shadow.
    Only,
    /// Nothing: they have the transaction already, or need not.
    Known,
    /// They get the transaction, under this name.
    Adding(&'a str),
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

impl Scratch {
    /// This thread's.
    pub fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        SCRATCH.with_borrow_mut(work)
    }
}

impl Serving {
    /// Scores a transaction with the model that goes with it.
    pub fn score(&self, transaction: &Transaction) -> Result<Scored<'_>, ScoreError> {
        self.score_as(transaction, Asking::Only)
    }

    /// The same. The model and the signals speak of the same instant: a transaction without one is to be given one before.
    pub fn score_as(&self, transaction: &Transaction, asking: Asking<'_>) -> Result<Scored<'_>, ScoreError> {
        Scratch::with(|scratch| {
            let Some(Identifier(card)) = transaction.card_id else {
                let team = self.plain.as_deref().ok_or(ScoreError::NoChampion)?;
                scratch.signals.clear();
                let entity = transaction.transaction_id.map(|id| Key::from_text(id.as_str()));
                return team_score(team, entity, transaction, asking, scratch);
            };
            let CardTeam { team, signals } = self.card.as_deref().ok_or(ScoreError::NoCardModel)?;
            let (transaction, _) = transaction.timed();
            signals.ask(&transaction, scratch)?;
            let scored = team_score(team, Some(card), &transaction, asking, scratch)?;
            // Only what was scored is added: a request that fails leaves nothing.
            if let Asking::Adding(id) = asking {
                signals.add(&transaction, id, scratch)?;
            }
            Ok(scored)
        })
    }

    /// Scores a transaction and says where the score comes from.
    pub fn explain(&self, transaction: &Transaction) -> Result<Explained<'_>, ScoreError> {
        let (transaction, _) = transaction.timed();
        let Scored { prediction, scorer, .. } = self.score(&transaction)?;
        // The signals that were asked for are those of this thread's last score.
        let contributions = Scratch::with(|scratch| scorer.explain(&transaction, &scratch.signals));
        Ok(Explained { prediction, contributions: contributions.map_err(ScoreError::Explanation)?, scorer })
    }

    /// Every scorer, what it is, and the state it asks.
    pub fn scorers(&self) -> impl Iterator<Item = (&Scorer, Role, Option<&OnlineSignals>)> {
        let plain = self.plain.iter().flat_map(|team| team.scorers()).map(|(scorer, role)| (scorer, role, None));
        let of_cards = self.card.iter().flat_map(|card| {
            let signals = Some(&*card.signals);
            card.team.scorers().map(move |(scorer, role)| (scorer, role, signals))
        });
        plain.chain(of_cards)
    }

    /// Says in the metrics what serves.
    pub fn report(&self) {
        for (scorer, role, signals) in self.scorers() {
            scorer.tally().report(role);
            if let Some(signals) = signals {
                gauge!("online_state_number", "name" => "transactions").set(f64::from(signals.state.number.0));
            }
        }
    }
}

fn team_score<'a>(
    team: &'a Team,
    entity: Option<Key>,
    transaction: &Transaction,
    asking: Asking<'_>,
    scratch: &mut Scratch,
) -> Result<Scored<'a>, ScoreError> {
    let ((scorer, role), shadow) = team.order(entity);
    let Scratch { signals, encoded, .. } = scratch;
    let prediction = scorer.score(transaction, signals, encoded, role)?;
    let shadow = shadow.filter(|_| !matches!(asking, Asking::Only));
    // A challenger that cannot score is its own problem: its answer is missing from the log, and the request is answered.
    let shadow = shadow.and_then(|shadow| Some((shadow, shadow.score(transaction, signals, encoded, Role::Shadow).ok()?)));
    Ok(Scored { prediction, scorer, role, shadow })
}
