//! Texts short enough to live inside a request without an allocation.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

/// The longest text of a field.
pub const MAX_TEXT_BYTES: usize = 64;

/// A text of at most [`MAX_TEXT_BYTES`].
#[derive(Clone, Copy)]
pub struct ShortText {
    bytes: [u8; MAX_TEXT_BYTES],
    length: u8,
}

impl ShortText {
    /// `None` when it is too long.
    pub fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; MAX_TEXT_BYTES];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { bytes, length: u8::try_from(text.len()).ok()? })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        // Copied whole from a text, so it is one.
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl Default for ShortText {
    fn default() -> Self {
        Self { bytes: [0; MAX_TEXT_BYTES], length: 0 }
    }
}

impl<'de> Deserialize<'de> for ShortText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ShortTextVisitor)
    }
}

struct ShortTextVisitor;

impl Visitor<'_> for ShortTextVisitor {
    type Value = ShortText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a text of at most {MAX_TEXT_BYTES} bytes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ShortText, E> {
        ShortText::new(text).ok_or_else(|| E::invalid_length(text.len(), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_up_to_its_limit() {
        for text in ["", "CA", "Émirats", &"x".repeat(64)] {
            assert_eq!(ShortText::new(text).expect(text).as_str(), text);
        }
        assert!(ShortText::new(&"x".repeat(65)).is_none());
        assert!(ShortText::new(&"x".repeat(300)).is_none());
    }
}
