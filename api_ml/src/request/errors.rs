//! What failed at the terminal, as the source writes it.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

/// All the source's kinds of failure together are far shorter.
pub const MAX_ERRORS_BYTES: usize = 256;
/// A failed verification, in the words of `signals/transactions.sql`.
const FAILED_VERIFICATION: [&str; 2] = ["Bad PIN", "Bad CVV"];

/// Comma-joined failures; only what the signals ask of them is kept.
#[derive(Clone, Copy)]
pub struct TerminalErrors {
    /// Was the PIN or the CVV wrong?
    pub is_failed_verification: bool,
}

impl<'de> Deserialize<'de> for TerminalErrors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ErrorsVisitor)
    }
}

struct ErrorsVisitor;

impl Visitor<'_> for ErrorsVisitor {
    type Value = TerminalErrors;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a text of at most {MAX_ERRORS_BYTES} bytes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<TerminalErrors, E> {
        if text.len() > MAX_ERRORS_BYTES {
            return Err(E::invalid_length(text.len(), &self));
        }
        Ok(TerminalErrors { is_failed_verification: FAILED_VERIFICATION.iter().any(|failure| text.contains(failure)) })
    }
}
