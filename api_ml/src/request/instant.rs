//! The instant of a purchase, read as the sources are read.

use std::fmt;

use lakehouse_spec::parse_timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected, Visitor},
};

/// Microseconds since 1970.
#[derive(Clone, Copy)]
pub struct Instant(pub i64);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(InstantVisitor)
    }
}

struct InstantVisitor;

impl Visitor<'_> for InstantVisitor {
    type Value = Instant;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an instant such as 2019-10-31T23:59:00Z or 2019-10-31 23:59:00 (UTC)")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Instant, E> {
        parse_timestamp(text.as_bytes()).map(Instant).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}
