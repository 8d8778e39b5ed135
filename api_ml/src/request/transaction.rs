//! A transaction to be scored.

use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    errors::TerminalErrors,
    identifier::{self, Identifier},
    instant::Instant,
    number,
    text::ShortText,
};

/// The fields of a transaction and the type of tensor each is by itself; a field that may be absent may be left out.
pub const FIELDS: [(&str, &str); 17] = [
    ("amount", "FP64"),
    ("card_brand", "BYTES"),
    ("card_type", "BYTES"),
    ("merchant_state", "BYTES"),
    ("use_chip", "BYTES"),
    ("credit_limit", "FP64"),
    ("per_capita_income", "FP64"),
    ("yearly_income", "FP64"),
    ("total_debt", "FP64"),
    ("credit_score", "FP64"),
    ("num_credit_cards", "FP64"),
    ("card_id", "BYTES"),
    ("merchant_id", "BYTES"),
    ("mcc", "BYTES"),
    ("timestamp", "BYTES"),
    ("errors", "BYTES"),
    ("transaction_id", "BYTES"),
];

/// A purchase. Without `card_id` it is scored by what stands here; with it, also by what the card, the merchant and the
/// merchant's category have done up to that instant. Fields that are not listed are ignored.
#[derive(Clone, Copy, Deserialize, ToSchema)]
pub struct Transaction {
    /// US dollars.
    #[serde(deserialize_with = "number::amount")]
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 812.5)]
    pub amount: f64,
    /// The network.
    #[schema(value_type = String, max_length = 64, example = "Visa")]
    pub card_brand: ShortText,
    /// Credit, debit or prepaid.
    #[schema(value_type = String, max_length = 64, example = "Credit")]
    pub card_type: ShortText,
    /// A US state, a country abroad, or ONLINE; empty means ONLINE.
    #[schema(value_type = String, max_length = 64, example = "ONLINE")]
    pub merchant_state: ShortText,
    /// Was the chip read? "True", "1", "yes" and "Chip Transaction" mean yes; anything else means no.
    #[schema(value_type = String, max_length = 64, example = "False")]
    pub use_chip: ShortText,
    /// US dollars.
    #[serde(deserialize_with = "number::money")]
    #[schema(minimum = -1_000_000_000_000_i64, maximum = 1_000_000_000_000_i64, example = 9100)]
    pub credit_limit: f64,
    /// US dollars a year, of the client's area.
    #[serde(deserialize_with = "number::money")]
    #[schema(minimum = -1_000_000_000_000_i64, maximum = 1_000_000_000_000_i64, example = 21000)]
    pub per_capita_income: f64,
    /// US dollars a year, of the client.
    #[serde(deserialize_with = "number::money")]
    #[schema(minimum = -1_000_000_000_000_i64, maximum = 1_000_000_000_000_i64, example = 43000)]
    pub yearly_income: f64,
    /// US dollars, of the client.
    #[serde(deserialize_with = "number::money")]
    #[schema(minimum = -1_000_000_000_000_i64, maximum = 1_000_000_000_000_i64, example = 61000)]
    pub total_debt: f64,
    /// Null when unknown.
    #[serde(default, deserialize_with = "number::credit_score")]
    #[schema(minimum = 0, maximum = 1000, example = 702)]
    pub credit_score: Option<f64>,
    /// Null when unknown.
    #[serde(default, deserialize_with = "number::card_count")]
    #[schema(value_type = Option<u16>, minimum = 0, maximum = 1000, example = 3)]
    pub num_credit_cards: Option<f64>,
    /// The card: asks for a score with live signals.
    #[serde(default)]
    #[schema(schema_with = identifier::card_schema)]
    pub card_id: Option<Identifier>,
    /// With `card_id`: the merchant.
    #[serde(default)]
    #[schema(schema_with = identifier::merchant_schema)]
    pub merchant_id: Option<Identifier>,
    /// With `card_id`: the merchant category code.
    #[serde(default)]
    #[schema(schema_with = identifier::category_schema)]
    pub mcc: Option<Identifier>,
    /// With `card_id`: the instant, RFC 3339 or `YYYY-MM-DD HH:MM:SS` in UTC; now when absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "2019-10-31 23:59:00")]
    pub timestamp: Option<Instant>,
    /// With `card_id`: what failed at the terminal, comma-joined, as in "Bad PIN".
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 256)]
    pub errors: Option<TerminalErrors>,
    /// What the transaction is called: it counts once, however often it is sent, and its prediction is found under it.
    #[serde(default, deserialize_with = "identifier::name")]
    #[schema(schema_with = identifier::name_schema)]
    pub transaction_id: Option<ShortText>,
    /// The verdict, where one is known: never part of a request for a score.
    #[serde(skip)]
    #[schema(ignore)]
    pub is_fraud: Option<bool>,
}

impl Transaction {
    /// One of which nothing is known.
    pub fn unknown() -> Self {
        Self {
            amount: f64::NAN,
            card_brand: ShortText::default(),
            card_type: ShortText::default(),
            merchant_state: ShortText::default(),
            use_chip: ShortText::default(),
            credit_limit: f64::NAN,
            per_capita_income: f64::NAN,
            yearly_income: f64::NAN,
            total_debt: f64::NAN,
            credit_score: None,
            num_credit_cards: None,
            card_id: None,
            merchant_id: None,
            mcc: None,
            timestamp: None,
            errors: None,
            transaction_id: None,
            is_fraud: None,
        }
    }

    /// The transaction at its instant, which is now when it has none; and that instant, in microseconds.
    pub fn timed(&self) -> (Self, i64) {
        let Instant(time) = self.timestamp.unwrap_or_else(|| Instant(Timestamp::now().as_microsecond()));
        (Self { timestamp: Some(Instant(time)), ..*self }, time)
    }
}

#[cfg(test)]
mod tests {
    use utoipa::{
        PartialSchema as _,
        openapi::{RefOr, Schema},
    };

    use super::*;

    #[test]
    fn every_field_is_listed() {
        let RefOr::T(Schema::Object(schema)) = Transaction::schema() else { panic!("an object") };
        let (mut listed, mut described) = (FIELDS.map(|(name, _)| name), schema.properties.keys().collect::<Vec<_>>());
        listed.sort_unstable();
        described.sort_unstable();
        assert_eq!(described, listed);
    }
}
