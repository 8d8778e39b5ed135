//! A transaction to be scored.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    errors::TerminalErrors,
    identifier::{self, Identifier},
    instant::Instant,
    number,
    text::ShortText,
};

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
}
