//! Texts compared without case, character by character and without allocating.
//!
//! `str::to_lowercase` is not used because it looks at neighbours (the Greek final sigma): two ways of folding would disagree.

use std::cmp::Ordering;

/// The text as it is stored and compared: each character in lower case.
pub(crate) fn fold(text: &str) -> String {
    folded(text).collect()
}

/// Compares a folded text with one in any case.
pub(crate) fn compare(folded_text: &str, text: &str) -> Ordering {
    folded_text.chars().cmp(folded(text))
}

/// Does `text`, in any case, contain the folded text `part`?
pub(crate) fn contains(text: &str, part: &str) -> bool {
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
        assert!(contains("Chip Transaction", "chip"));
        assert!(contains("MICROCHIP", "chip"));
        assert!(!contains("Swipe", "chip"));
        assert!(!contains("", "chip"));
        assert!(!contains("chi", "chip"));
    }
}
