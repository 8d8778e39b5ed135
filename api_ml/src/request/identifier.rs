//! What names a card, a merchant or a category: a text or an integer, only ever compared.

use std::fmt;

use lakehouse_signals::Key;
use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected, Visitor},
};
use utoipa::openapi::{
    OneOfBuilder, RefOr, Schema,
    schema::{ObjectBuilder, Type},
};

use super::text::{MAX_TEXT_BYTES, ShortText};

/// An identifier, kept as the key the signals know it by: `42` and `"42"` are one card.
#[derive(Clone, Copy)]
pub struct Identifier(pub Key);

impl<'de> Deserialize<'de> for Identifier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdentifierVisitor)
    }
}

struct IdentifierVisitor;

impl Visitor<'_> for IdentifierVisitor {
    type Value = Identifier;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an integer of 64 bits, or a text of 1 to {MAX_TEXT_BYTES} bytes")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Identifier, E> {
        Ok(Identifier(Key::from_integer(number)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Identifier, E> {
        let found = |_| E::invalid_value(Unexpected::Unsigned(number), &self);
        i64::try_from(number).map(|number| Identifier(Key::from_integer(number))).map_err(found)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Identifier, E> {
        if (1..=MAX_TEXT_BYTES).contains(&text.len()) {
            Ok(Identifier(Key::from_text(text)))
        } else {
            Err(E::invalid_length(text.len(), &self))
        }
    }
}

/// What a transaction is called: a text, or an integer in decimal.
pub fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ShortText>, D::Error> {
    deserializer.deserialize_option(NameVisitor)
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Option<ShortText>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        IdentifierVisitor.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<Option<ShortText>, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<ShortText>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<ShortText>, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Option<ShortText>, E> {
        Ok(ShortText::new(&number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<ShortText>, E> {
        Ok(ShortText::new(&number.to_string()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<ShortText>, E> {
        let name = ShortText::new(text).filter(|_| !text.is_empty());
        name.map(Some).ok_or_else(|| E::invalid_length(text.len(), &self))
    }
}

/// The name of a transaction, for the description of the service.
pub fn name_schema() -> RefOr<Schema> {
    schema("What the transaction is called: it counts once, however often it is sent, and its prediction is found under it.")
}

/// An identifier that has to be there.
pub fn required_schema() -> RefOr<Schema> {
    let kind = |kind: Type| ObjectBuilder::new().schema_type(kind);
    let text = kind(Type::String).min_length(Some(1)).max_length(Some(MAX_TEXT_BYTES));
    RefOr::T(Schema::OneOf(OneOfBuilder::new().item(text).item(kind(Type::Integer)).description(Some("The card.")).build()))
}

/// The card, for the description of the service.
pub fn card_schema() -> RefOr<Schema> {
    schema("The card: asks for a score with live signals.")
}

/// The merchant.
pub fn merchant_schema() -> RefOr<Schema> {
    schema("With `card_id`: the merchant.")
}

/// The merchant's category.
pub fn category_schema() -> RefOr<Schema> {
    schema("With `card_id`: the merchant category code.")
}

fn schema(description: &str) -> RefOr<Schema> {
    let kind = |kind: Type| ObjectBuilder::new().schema_type(kind);
    let text = kind(Type::String).min_length(Some(1)).max_length(Some(MAX_TEXT_BYTES));
    let one_of = OneOfBuilder::new().item(text).item(kind(Type::Integer)).item(kind(Type::Null));
    RefOr::T(Schema::OneOf(one_of.description(Some(description)).build()))
}
