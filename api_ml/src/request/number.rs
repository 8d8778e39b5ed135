//! Numbers as clients send them: JSON numbers inside a range, never texts. The range is the answer when one is outside.

use std::fmt;

use serde::{
    Deserializer,
    de::{Error, Unexpected, Visitor},
};

const AMOUNT: NumberRange = NumberRange { low: 0.0, high: 1e9, is_whole: false };
const MONEY: NumberRange = NumberRange { low: -1e12, high: 1e12, is_whole: false };
const CREDIT_SCORE: NumberRange = NumberRange { low: 0.0, high: 1000.0, is_whole: false };
const CARD_COUNT: NumberRange = NumberRange { low: 0.0, high: 1000.0, is_whole: true };

/// The amount of a purchase, in US dollars.
pub fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    deserializer.deserialize_f64(AMOUNT)
}

/// Income, limit or debt, in US dollars.
pub fn money<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    deserializer.deserialize_f64(MONEY)
}

/// A credit score, if known.
pub fn credit_score<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    deserializer.deserialize_option(Nullable(CREDIT_SCORE))
}

/// How many cards, if known. `3.0` is three: clients whose column has gaps send their integers like this.
pub fn card_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    deserializer.deserialize_option(Nullable(CARD_COUNT))
}

#[derive(Clone, Copy)]
struct NumberRange {
    low: f64,
    high: f64,
    is_whole: bool,
}

impl NumberRange {
    fn check<E: Error>(self, number: f64, found: Unexpected<'_>) -> Result<f64, E> {
        let is_inside = (self.low..=self.high).contains(&number) && (!self.is_whole || number.fract() == 0.0);
        if is_inside { Ok(number) } else { Err(E::invalid_value(found, &self)) }
    }
}

impl Visitor<'_> for NumberRange {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_whole { "a whole number" } else { "a number" };
        write!(f, "{kind} from {} to {}", self.low, self.high)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<f64, E> {
        self.check(number, Unexpected::Float(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<f64, E> {
        self.check(number as f64, Unexpected::Signed(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<f64, E> {
        self.check(number as f64, Unexpected::Unsigned(number))
    }
}

/// The same, or null.
struct Nullable(NumberRange);

impl<'de> Visitor<'de> for Nullable {
    type Value = Option<f64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)?;
        f.write_str(" or null")
    }

    fn visit_none<E: Error>(self) -> Result<Option<f64>, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<f64>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<f64>, D::Error> {
        deserializer.deserialize_f64(self.0).map(Some)
    }
}
