//! Lengths of time as domain files write them: `1h`, `24h`, `30d`.

use serde::{Deserialize, Serialize};

/// A positive length of time with whole seconds, written as a number and one of `s m h d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span {
    seconds: u32,
}

impl Span {
    /// The length in microseconds, the unit of event times.
    pub fn micros(self) -> i64 {
        i64::from(self.seconds) * 1_000_000
    }

    /// The length in seconds.
    pub fn seconds(self) -> u32 {
        self.seconds
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let fault = || format!("`{text}` is not a length of time: write a whole number and one of s, m, h, d, as in `24h`");
        let unit = text.chars().last().ok_or_else(fault)?;
        let seconds_per_unit = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(fault()),
        };
        let count: u32 = text[..text.len() - 1].parse().map_err(|_| fault())?;
        match count.checked_mul(seconds_per_unit) {
            Some(seconds) if seconds > 0 => Ok(Self { seconds }),
            _ => Err(fault()),
        }
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        let (count, unit) = match span.seconds {
            s if s % 86_400 == 0 => (s / 86_400, 'd'),
            s if s % 3_600 == 0 => (s / 3_600, 'h'),
            s if s % 60 == 0 => (s / 60, 'm'),
            s => (s, 's'),
        };
        format!("{count}{unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn a_length_of_time_reads_and_prints_the_same() {
        for text in ["45s", "90m", "1h", "30d"] {
            let span = Span::try_from(text.to_owned()).expect(text);
            assert_eq!(String::from(span), text);
        }
        assert_eq!(Span::try_from("24h".to_owned()).map(Span::micros), Ok(86_400_000_000));
    }

    #[test]
    fn a_length_without_unit_sign_or_room_is_refused() {
        for text in ["", "h", "24", "-1h", "0d", "1.5h", "1é", "99999999d"] {
            assert!(Span::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
