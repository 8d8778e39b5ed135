//! Values that clients send for parameters.

use crate::{
    Kind,
    values::{
        numeric,
        time::{DAYS_TO_2000, MICROS_TO_2000},
    },
};

/// A value for a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number; of a `numeric` as many digits as a double has.
    Float(f64),
    /// A text; also a day or an instant that was written as one.
    Text(String),
    /// A day, counted from 1970-01-01.
    Day(i32),
    /// An instant, in microseconds since 1970 in UTC.
    Instant(i64),
    /// A date and time without a zone, in microseconds since 1970.
    LocalInstant(i64),
}

/// A value is not of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the value is no {} in this format", .0.base.sql)]
pub struct BadParameter(pub Kind);

/// Reads a value in the text or the binary format.
pub fn parameter(kind: Kind, is_binary: bool, bytes: &[u8]) -> Result<Value, BadParameter> {
    let read = if is_binary { binary(kind.base.oid, bytes) } else { text(kind.base.oid, bytes) };
    read.filter(|_| !kind.is_array).ok_or(BadParameter(kind))
}

fn text(oid: u32, bytes: &[u8]) -> Option<Value> {
    let text = str::from_utf8(bytes).ok()?;
    let trimmed = text.trim();
    Some(match oid {
        16 => Value::Bool(match trimmed.to_ascii_lowercase().as_str() {
            "t" | "true" | "y" | "yes" | "on" | "1" => true,
            "f" | "false" | "n" | "no" | "off" | "0" => false,
            _ => return None,
        }),
        20 | 21 | 23 => Value::Integer(trimmed.parse().ok()?),
        700 | 701 | 1700 => Value::Float(trimmed.parse().ok()?),
        17 => return None,
        _ => Value::Text(text.to_owned()),
    })
}

fn binary(oid: u32, bytes: &[u8]) -> Option<Value> {
    let long = || bytes.try_into().ok().map(i64::from_be_bytes);
    let int = || bytes.try_into().ok().map(i32::from_be_bytes);
    Some(match oid {
        16 => Value::Bool(<[u8; 1]>::try_from(bytes).ok()? != [0]),
        20 => Value::Integer(long()?),
        21 => Value::Integer(bytes.try_into().ok().map(i16::from_be_bytes)?.into()),
        23 => Value::Integer(int()?.into()),
        700 => Value::Float(bytes.try_into().ok().map(f32::from_be_bytes)?.into()),
        701 => Value::Float(bytes.try_into().ok().map(f64::from_be_bytes)?),
        1700 => Value::Float(numeric::decode(bytes)?.parse().ok()?),
        1082 => Value::Day(int()?.checked_add(DAYS_TO_2000)?),
        1114 => Value::LocalInstant(long()?.checked_add(MICROS_TO_2000)?),
        1184 => Value::Instant(long()?.checked_add(MICROS_TO_2000)?),
        25 => Value::Text(str::from_utf8(bytes).ok()?.to_owned()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(oid: u32, is_binary: bool, bytes: &[u8]) -> Option<Value> {
        parameter(Kind::of_oid(oid).expect("a type"), is_binary, bytes).ok()
    }

    #[test]
    fn values_are_read_in_both_formats() {
        assert_eq!(read(20, false, b" 42 "), Some(Value::Integer(42)));
        assert_eq!(read(23, true, &7_i32.to_be_bytes()), Some(Value::Integer(7)));
        assert_eq!(read(701, false, b"-1.5e3"), Some(Value::Float(-1500.0)));
        assert_eq!(read(1700, true, &[0, 2, 0, 0, 0, 0, 0, 1, 0, 1, 0x13, 0x88]), Some(Value::Float(1.5)));
        assert_eq!(read(16, false, b"t"), Some(Value::Bool(true)));
        assert_eq!(read(0, false, "é".as_bytes()), Some(Value::Text("é".into())));
        assert_eq!(read(1184, true, &0_i64.to_be_bytes()), Some(Value::Instant(MICROS_TO_2000)));
        assert_eq!(read(1082, true, &0_i32.to_be_bytes()), Some(Value::Day(DAYS_TO_2000)));
        assert_eq!(read(1114, false, b"2020-01-01"), Some(Value::Text("2020-01-01".into())));
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for (oid, is_binary, bytes) in [
            (20, false, &b"4 2"[..]),
            (20, true, b"42"),
            (16, false, b"perhaps"),
            (25, true, b"\xff"),
            (1184, true, &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            (17, true, b"bytes"),
        ] {
            assert_eq!(read(oid, is_binary, bytes), None, "{oid}");
        }
    }
}
