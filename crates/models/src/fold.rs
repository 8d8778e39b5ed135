//! Texts compared without case, character by character and without allocating.
//!
//! Nearly all texts are ASCII, and those are compared byte by byte. `str::to_lowercase` is not used because it looks at
//! neighbours (the Greek final sigma): two ways of folding would disagree.

use std::cmp::Ordering;

/// The text as it is stored and compared: each character in lower case.
pub(crate) fn fold(text: &str) -> String {
    folded(text).collect()
}

/// Compares a folded text with one in any case.
pub(crate) fn compare(folded_text: &str, text: &str) -> Ordering {
    if text.is_ascii() {
        // In UTF-8, bytes are in the order of characters.
        return folded_text.bytes().cmp(text.bytes().map(|byte| byte.to_ascii_lowercase()));
    }
    folded_text.chars().cmp(folded(text))
}

/// Does `text`, in any case, contain the folded text `part`?
pub(crate) fn contains(text: &str, part: &str) -> bool {
    if text.is_ascii() && !part.is_empty() {
        return text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()));
    }
    text.char_indices().any(|(start, _)| {
        let mut rest = text.get(start..).into_iter().flat_map(folded);
        part.chars().all(|expected| rest.next() == Some(expected))
    })
}

fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_ignored_everywhere() {
        assert_eq!(fold("ÉTÉ ΣΑΣ"), "été σασ");
        assert_eq!(compare("visa", "VISA"), Ordering::Equal);
        assert_eq!(compare("amex", "Visa"), Ordering::Less);
        assert_eq!(compare("été", "ETE"), Ordering::Greater);
        assert_eq!(compare("kelvin", "\u{212a}elvin"), Ordering::Equal);
        assert!(contains("Chip Transaction", "chip"));
        assert!(contains("MICROCHIP", "chip"));
        assert!(!contains("Swipe", "chip"));
        assert!(!contains("", "chip"));
        assert!(!contains("chi", "chip"));
    }
}
