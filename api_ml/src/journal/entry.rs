//! One fact that must not be forgotten.

use lakehouse_signals::Key;
use serde::{Deserialize, Serialize};

use crate::request::{Identifier, Instant, ShortText, TerminalErrors, Transaction};

/// An entry of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place; given by the journal, which writes it in front of the rest.
    #[serde(rename = "n", skip_serializing)]
    pub number: u64,
    /// When it was made, in microseconds.
    #[serde(rename = "at")]
    pub made_at: i64,
    /// What the client calls the transaction, or a name of ours.
    pub id: String,
    /// What happened.
    pub fact: Fact,
    /// The number of the signals' state it happened on; 0 when it did not touch them.
    pub over: u32,
    /// The transaction, at its instant.
    #[serde(rename = "tx")]
    pub transaction: StoredTransaction,
    /// The answer first, then those of models in the shadow.
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    pub predictions: Vec<StoredPrediction>,
}

/// What an entry says of its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// It was made: the signals have it from then on.
    Made,
    /// It turned out to be fraud, or not.
    Judged,
    /// It was only asked about.
    Asked,
}

/// A prediction, by whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredPrediction {
    /// The model.
    #[serde(rename = "m")]
    pub model: String,
    /// Its version.
    #[serde(rename = "v")]
    pub version: u32,
    /// `champion`, `canary` or `shadow`.
    #[serde(rename = "r")]
    pub role: String,
    /// The probability.
    #[serde(rename = "s")]
    pub score: f64,
    /// Was it called fraud?
    #[serde(rename = "f")]
    pub is_fraud: bool,
}

/// A transaction as the journal keeps it. Identifiers are kept as the keys the signals know them by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredTransaction {
    #[serde(rename = "t")]
    pub time: i64,
    #[serde(rename = "a")]
    pub amount: Option<f64>,
    #[serde(rename = "b")]
    pub card_brand: String,
    #[serde(rename = "k")]
    pub card_type: String,
    #[serde(rename = "st")]
    pub merchant_state: String,
    #[serde(rename = "ch")]
    pub use_chip: String,
    /// Limit, income of the area, income, debt; null is absent.
    #[serde(rename = "m")]
    pub money: [Option<f64>; 4],
    #[serde(rename = "cs")]
    pub credit_score: Option<f64>,
    #[serde(rename = "nc")]
    pub num_credit_cards: Option<f64>,
    #[serde(rename = "c")]
    pub card: Option<u64>,
    #[serde(rename = "me")]
    pub merchant: Option<u64>,
    #[serde(rename = "mc")]
    pub category: Option<u64>,
    #[serde(rename = "e")]
    pub is_failed_verification: Option<bool>,
    #[serde(rename = "l")]
    pub is_fraud: Option<bool>,
}

impl From<&Transaction> for StoredTransaction {
    fn from(transaction: &Transaction) -> Self {
        let key = |identifier: Option<Identifier>| identifier.map(|identifier| identifier.0.to_bits());
        let present = |number: f64| number.is_finite().then_some(number);
        let Transaction { credit_limit, per_capita_income, yearly_income, total_debt, .. } = *transaction;
        Self {
            time: transaction.timestamp.map_or(0, |instant| instant.0),
            amount: present(transaction.amount),
            card_brand: transaction.card_brand.as_str().to_owned(),
            card_type: transaction.card_type.as_str().to_owned(),
            merchant_state: transaction.merchant_state.as_str().to_owned(),
            use_chip: transaction.use_chip.as_str().to_owned(),
            money: [credit_limit, per_capita_income, yearly_income, total_debt].map(present),
            credit_score: transaction.credit_score,
            num_credit_cards: transaction.num_credit_cards,
            card: key(transaction.card_id),
            merchant: key(transaction.merchant_id),
            category: key(transaction.mcc),
            is_failed_verification: transaction.errors.map(|errors| errors.is_failed_verification),
            is_fraud: transaction.is_fraud,
        }
    }
}

impl From<&StoredTransaction> for Transaction {
    fn from(stored: &StoredTransaction) -> Self {
        let identifier = |bits: Option<u64>| bits.map(|bits| Identifier(Key::from_bits(bits)));
        let text = |text: &str| ShortText::new(text).unwrap_or_default();
        let [credit_limit, per_capita_income, yearly_income, total_debt] = stored.money.map(|money| money.unwrap_or(f64::NAN));
        Self {
            transaction_id: None,
            amount: stored.amount.unwrap_or(f64::NAN),
            card_brand: text(&stored.card_brand),
            card_type: text(&stored.card_type),
            merchant_state: text(&stored.merchant_state),
            use_chip: text(&stored.use_chip),
            credit_limit,
            per_capita_income,
            yearly_income,
            total_debt,
            credit_score: stored.credit_score,
            num_credit_cards: stored.num_credit_cards,
            card_id: identifier(stored.card),
            merchant_id: identifier(stored.merchant),
            mcc: identifier(stored.category),
            timestamp: Some(Instant(stored.time)),
            errors: stored.is_failed_verification.map(|is_failed_verification| TerminalErrors { is_failed_verification }),
            is_fraud: stored.is_fraud,
        }
    }
}
