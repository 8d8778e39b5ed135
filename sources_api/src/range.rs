//! The part of a file that a client asks for (RFC 9110, section 14).

use std::ops::Range;

/// What a `Range` header means for a file of some length.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it: there is no header, or none that has to be understood. Several ranges at once are among those: a server
    /// may answer with everything, and clients that resume or read footers ask for one.
    Whole,
    /// These bytes.
    Bytes(Range<u64>),
    /// Bytes it does not have.
    Outside,
}

/// Reads `bytes=a-b`, `bytes=a-` and `bytes=-n`.
pub fn part(header: Option<&str>, length: u64) -> Part {
    let Some((first, last)) = header.and_then(|text| text.strip_prefix("bytes=")?.trim().split_once('-')) else {
        return Part::Whole;
    };
    match (number(first), number(last)) {
        (Number::None, Number::Some(count)) if count > 0 && length > 0 => Part::Bytes(length.saturating_sub(count)..length),
        (Number::None, Number::Some(_)) => Part::Outside,
        (Number::Some(first), Number::Some(last)) if last < first => Part::Whole,
        (Number::Some(first), _) if first >= length => Part::Outside,
        (Number::Some(first), Number::Some(last)) => Part::Bytes(first..last.saturating_add(1).min(length)),
        (Number::Some(first), Number::None) => Part::Bytes(first..length),
        _ => Part::Whole,
    }
}

enum Number {
    None,
    Some(u64),
    Invalid,
}

fn number(text: &str) -> Number {
    if text.is_empty() {
        Number::None
    } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit: as far as anyone can count.
        Number::Some(text.parse().unwrap_or(u64::MAX))
    } else {
        Number::Invalid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_the_file() {
        for (header, bytes) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-5", 2..6),
            ("bytes=8-", 8..10),
            ("bytes=8-99999999999999999999999", 8..10),
            ("bytes=-3", 7..10),
            ("bytes=-30", 0..10),
        ] {
            assert_eq!(part(Some(header), 10), Part::Bytes(bytes), "{header}");
        }
    }

    #[test]
    fn a_range_outside_of_the_file_is_refused_and_what_is_no_range_is_ignored() {
        for header in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(part(Some(header), 10), Part::Outside, "{header}");
        }
        for header in ["bytes=5-2", "bytes=-", "bytes=a-b", "bytes=1-2,4-5", "bytes=+1-2", "items=1-2", "bytes", ""] {
            assert_eq!(part(Some(header), 10), Part::Whole, "{header}");
        }
        assert_eq!(part(None, 10), Part::Whole);
        assert_eq!(part(Some("bytes=0-"), 0), Part::Outside);
    }
}
