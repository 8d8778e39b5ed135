//! Single values: each as text and in binary.

pub mod numeric;
pub mod time;

/// A double as PostgreSQL writes it: the shortest text that reads back as the same number.
pub fn float8(value: f64) -> String {
    let is_plain = value == 0.0 || (1e-4..1e15).contains(&value.abs());
    if is_plain { value.to_string() } else { scientific(value, &format!("{value:e}")) }
}

/// A single float: its own shortest digits, not those of the double it also is.
pub fn float4(value: f32) -> String {
    let is_plain = value == 0.0 || (1e-4..1e6).contains(&value.abs());
    if is_plain { value.to_string() } else { scientific(value.into(), &format!("{value:e}")) }
}

/// `1e16` here is `1e+16` there, with two digits at least.
fn scientific(value: f64, shortest: &str) -> String {
    match shortest.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None if value.is_nan() => "NaN".to_owned(),
        None => if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
    }
}

/// Bytes as `\x` and two digits each.
pub fn bytea(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"\\x");
    out.extend(bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What PostgreSQL 15 answers to `select 1e15::float8, …` with its default settings.
    #[test]
    fn doubles_are_written_as_postgresql_writes_them() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (0.1, "0.1"),
            (1e14, "100000000000000"),
            (1e15, "1e+15"),
            (1e16, "1e+16"),
            (1.25e-5, "1.25e-05"),
            (0.0001, "0.0001"),
            (1e300, "1e+300"),
            (5e-324, "5e-324"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, text) in cases {
            assert_eq!(float8(value), text);
        }
        assert_eq!(float4(0.1), "0.1");
        assert_eq!(float4(1e10), "1e+10");
        let mut out = Vec::new();
        bytea(b"\x00\xffa", &mut out);
        assert_eq!(out, b"\\x00ff61");
    }
}
