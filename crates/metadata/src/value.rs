//! Values on their way into the database.

use std::{borrow::Cow, time::Duration};

use jiff::Timestamp;
use serde_json::Value;

/// An instant as the database keeps it.
pub fn instant(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// An instant as it comes back: what is below a microsecond is gone.
pub fn kept(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// Text from outside. PostgreSQL has no NUL in text, and an error message must not be lost because of one.
pub fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// Text from outside, if there is any.
pub fn optional_text(value: Option<&str>) -> Option<String> {
    value.map(|value| text(value).into_owned())
}

/// JSON as text. In it, a NUL is an escape.
pub fn json(value: &Value) -> String {
    value.to_string()
}

/// A count; there are none that do not fit.
pub fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A length of time in microseconds, at most a thousand years so that it can be added to an instant.
pub fn span(span: Duration) -> i64 {
    const THOUSAND_YEARS: i64 = 1_000 * 366 * 86_400 * 1_000_000;
    i64::try_from(span.as_micros()).unwrap_or(THOUSAND_YEARS).min(THOUSAND_YEARS)
}
