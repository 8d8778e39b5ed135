//! Stable 64-bit keys for entities and for values that are only compared.
//!
//! A key is the same on every platform and in every version: it is written into snapshots and rebuilt from requests.

use twox_hash::XxHash3_64;

/// What an entity or a compared value is known by.
///
/// Integers keep apart: no two of them share a key, save for one pair out of all 64-bit integers. Texts are hashed, so two
/// of them meet with a chance of one in 2⁶⁴. A text that is the canonical decimal form of an integer has that integer's key,
/// so a column of integers and a request that quotes them agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Key(u64);

impl Key {
    /// The key of an absent value.
    pub const NULL: Self = Self(0);

    /// The key of an integer.
    pub fn from_integer(value: i64) -> Self {
        Self::present(mix(value.cast_unsigned()))
    }

    /// The key of a text; `"42"` has the key of the integer 42, `"042"` and `"+42"` do not.
    pub fn from_text(text: &str) -> Self {
        match canonical_integer(text) {
            Some(value) => Self::from_integer(value),
            None => Self::present(XxHash3_64::oneshot(text.as_bytes())),
        }
    }

    /// The key of a floating point number; a whole number has the key of the integer, NaN is absent.
    pub fn from_number(value: f64) -> Self {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if value.is_nan() {
            Self::NULL
        } else if value.fract() == 0.0 && value.abs() <= EXACT {
            Self::from_integer(value as i64)
        } else {
            Self::present(XxHash3_64::oneshot(&value.to_bits().to_le_bytes()))
        }
    }

    /// Is it the key of an absent value?
    pub fn is_null(self) -> bool {
        self == Self::NULL
    }

    /// The key with these bits, as [`to_bits`](Self::to_bits) gave them.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Its bits, to be kept: the same on every platform and in every version.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// Zero is taken by the absent value, so whatever hashes to it moves aside.
    fn present(bits: u64) -> Self {
        Self(if bits == 0 { 0x9e37_79b9_7f4a_7c15 } else { bits })
    }
}

/// The finaliser of splitmix64: a bijection that spreads neighbouring integers.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The integer whose decimal form is exactly this text.
fn canonical_integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_canonical = match digits.as_bytes() {
        [b'0'] => digits.len() == text.len(),
        [first, rest @ ..] => matches!(first, b'1'..=b'9') && rest.iter().all(u8::is_ascii_digit),
        [] => false,
    };
    if is_canonical { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn an_integer_and_its_decimal_text_have_one_key() {
        for value in [0, 7, -7, 4_561, i64::MAX, i64::MIN] {
            assert_eq!(Key::from_text(&value.to_string()), Key::from_integer(value), "{value}");
        }
        assert_eq!(Key::from_number(4_561.0), Key::from_integer(4_561));
    }

    #[test]
    fn a_text_that_only_looks_like_an_integer_keeps_its_own_key() {
        for text in ["007", "+7", "-0", " 7", "7 ", "7.0", "", "-", "99999999999999999999"] {
            let value = text.trim().parse::<f64>().map_or(0, |number| number as i64);
            assert_ne!(Key::from_text(text), Key::from_integer(value), "`{text}`");
        }
    }

    #[test]
    fn no_value_has_the_key_of_an_absent_one() {
        let mixes_to_zero = -7_046_029_254_386_353_131_i64;
        assert!(!Key::from_integer(mixes_to_zero).is_null());
        assert!(!Key::from_integer(0).is_null());
        assert!(!Key::from_text("").is_null());
        assert!(Key::from_number(f64::NAN).is_null());
    }

    /// Snapshots on disk hold these values: a change here needs a new snapshot version.
    #[test]
    fn keys_do_not_change_between_versions() {
        let bits = [Key::from_integer(1), Key::from_text("CA"), Key::from_number(0.5)].map(Key::to_bits);
        assert_eq!(bits, [10_451_216_379_200_822_465, 2_989_608_819_685_083_118, 6_749_144_845_479_239_217]);
    }
}
