//! Single values: each as text and in binary.

pub mod numeric;
pub mod time;

/// A double as PostgreSQL writes it: the shortest text that reads back as the same number.
pub fn float(value: f64, shortest: String) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e15).contains(&size) {
        // `1e16` here is `1e+16` there, with two digits at least.
        let Some((digits, exponent)) = shortest.split_once('e') else { return shortest };
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    value.to_string()
}

/// A double.
pub fn float8(value: f64) -> String {
    float(value, format!("{value:e}"))
}

/// A single float: its own shortest digits, not those of the double it also is.
pub fn float4(value: f32) -> String {
    let size = value.abs();
    let is_plain = value.is_finite() && (size == 0.0 || (1e-4..1e6).contains(&size));
    if is_plain { value.to_string() } else { float(f64::from(value), format!("{value:e}")) }
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

    /// What PostgreSQL 17 answers to `select 1e15::float8, …` with its default settings.
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
