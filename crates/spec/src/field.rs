//! How the text of one field becomes a value. The only place where money, instants and booleans are read.

/// Why a field's text is not a value of its column's type. Holds no part of the text: it may be personal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum FieldError {
    /// Not a whole number of 64 bits.
    #[error("is not a whole number")]
    Integer,
    /// Not a finite number.
    #[error("is not a finite number")]
    Number,
    /// Not an amount of money.
    #[error("is not an amount of money")]
    Money,
    /// Not an instant.
    #[error("is not a date and time")]
    Timestamp,
    /// Not a month.
    #[error("is not a month (MM/YYYY)")]
    Month,
    /// Not a boolean.
    #[error("is not yes or no")]
    Boolean,
}

/// Reads a whole number of 64 bits.
pub fn parse_integer(text: &[u8]) -> Result<i64, FieldError> {
    let (is_negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 19 {
        return Err(FieldError::Integer);
    }
    let mut value: i64 = 0;
    for byte in digits {
        let digit = i64::from(byte.wrapping_sub(b'0'));
        if digit > 9 {
            return Err(FieldError::Integer);
        }
        value = value.checked_mul(10).and_then(|v| v.checked_sub(digit)).ok_or(FieldError::Integer)?;
    }
    if is_negative { Ok(value) } else { value.checked_neg().ok_or(FieldError::Integer) }
}

/// Reads a finite double.
pub fn parse_number(text: &[u8]) -> Result<f64, FieldError> {
    let text = std::str::from_utf8(text).map_err(|_| FieldError::Number)?;
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(FieldError::Number),
    }
}

/// Reads `$1,234.50`, `$-77.00`, `-$77.00` or a plain number as a finite double.
pub fn parse_money(text: &[u8]) -> Result<f64, FieldError> {
    let mut plain = [0_u8; 32];
    let mut length = 0;
    for &byte in text {
        match byte {
            b'$' | b',' => continue,
            b'0'..=b'9' | b'.' | b'-' | b'+' if length < plain.len() => plain[length] = byte,
            _ => return Err(FieldError::Money),
        }
        length += 1;
    }
    parse_number(&plain[..length]).map_err(|_| FieldError::Money)
}

/// Reads `YYYY-MM-DD[ T]HH:MM:SS[.f…]` with an optional offset (UTC when none) as microseconds since 1970.
pub fn parse_timestamp(text: &[u8]) -> Result<i64, FieldError> {
    if let Some(micros) = parse_plain_timestamp(text) {
        return Ok(micros);
    }
    let text = std::str::from_utf8(text).map_err(|_| FieldError::Timestamp)?;
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Ok(instant.as_microsecond());
    }
    let civil: jiff::civil::DateTime = text.parse().map_err(|_| FieldError::Timestamp)?;
    let instant = civil.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| FieldError::Timestamp)?;
    Ok(instant.timestamp().as_microsecond())
}

/// The common form `YYYY-MM-DD HH:MM:SS`, without the general parser's cost; `None` for anything else.
fn parse_plain_timestamp(text: &[u8]) -> Option<i64> {
    let is_separator = |at: usize, byte: u8| text[at] == byte;
    if text.len() != 19
        || !(is_separator(4, b'-') && is_separator(7, b'-') && is_separator(13, b':') && is_separator(16, b':'))
        || !(is_separator(10, b' ') || is_separator(10, b'T'))
    {
        return None;
    }
    let digits = |from: usize, to: usize| -> Option<i64> {
        text[from..to].iter().try_fold(0_i64, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
    };
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some((days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second) * 1_000_000)
}

/// Reads `MM/YYYY` as days from 1970-01-01 to the first of that month.
pub fn parse_month(text: &[u8]) -> Result<i32, FieldError> {
    let slash = text.iter().position(|byte| *byte == b'/').ok_or(FieldError::Month)?;
    let month = parse_integer(&text[..slash]).map_err(|_| FieldError::Month)?;
    let year = parse_integer(&text[slash + 1..]).map_err(|_| FieldError::Month)?;
    if !(1..=12).contains(&month) || !(1800..=9999).contains(&year) {
        return Err(FieldError::Month);
    }
    i32::try_from(days_since_1970(year, month, 1)).map_err(|_| FieldError::Month)
}

/// Reads `yes/no`, `true/false`, `1/0`, in any case.
pub fn parse_boolean(text: &[u8]) -> Result<bool, FieldError> {
    let is_any = |words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
    if is_any(["yes", "true", "1"]) {
        Ok(true)
    } else if is_any(["no", "false", "0"]) {
        Ok(false)
    } else {
        Err(FieldError::Boolean)
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar; Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_read_with_sign_symbol_and_separators() {
        for (text, value) in [("$-77.00", -77.0), ("$1,234.50", 1234.5), ("-$3.10", -3.1), ("24295", 24295.0), ("$0.00", 0.0)] {
            assert_eq!(parse_money(text.as_bytes()), Ok(value), "{text}");
        }
        for text in ["", "$", "abc", "NaN", "inf", "1e5", "$1.2.3", "12-", "99999999999999999999999999999999999"] {
            assert_eq!(parse_money(text.as_bytes()), Err(FieldError::Money), "{text}");
        }
    }

    #[test]
    fn whole_numbers_cover_all_of_64_bits_and_nothing_more() {
        for value in [0, 7, -7, i64::MAX, i64::MIN] {
            assert_eq!(parse_integer(value.to_string().as_bytes()), Ok(value));
        }
        for text in ["", "-", "1.0", " 1", "9223372036854775808", "-9223372036854775809", "١"] {
            assert_eq!(parse_integer(text.as_bytes()), Err(FieldError::Integer), "{text}");
        }
    }

    #[test]
    fn instants_agree_with_the_general_parser() {
        for text in ["2010-01-01 00:01:00", "2019-10-31T23:59:59", "2000-02-29 12:00:00", "1969-12-31 23:59:59"] {
            let general: jiff::civil::DateTime = text.parse().expect(text);
            let expected = general.to_zoned(jiff::tz::TimeZone::UTC).expect(text).timestamp().as_microsecond();
            assert_eq!(parse_timestamp(text.as_bytes()), Ok(expected), "{text}");
        }
        assert_eq!(parse_timestamp(b"2020-01-01T00:00:00.000001+01:00"), Ok(1_577_833_200_000_001));
        for text in ["", "2010-13-01 00:00:00", "2011-02-29 00:00:00", "2010-01-01 24:00:00", "01/02/2010", "2010-01-01 00:0a:00"]
        {
            assert_eq!(parse_timestamp(text.as_bytes()), Err(FieldError::Timestamp), "{text}");
        }
    }

    #[test]
    fn months_and_booleans() {
        assert_eq!(parse_month(b"01/1970"), Ok(0));
        assert_eq!(parse_month(b"09/2002"), Ok(11_931));
        assert_eq!(parse_month(b"13/2002"), Err(FieldError::Month));
        assert_eq!(parse_month(b"2002"), Err(FieldError::Month));
        assert_eq!(parse_boolean(b"YES"), Ok(true));
        assert_eq!(parse_boolean(b"No"), Ok(false));
        assert_eq!(parse_boolean(b""), Err(FieldError::Boolean));
    }
}
