//! `numeric`: decimal numbers of any length.

/// Digits of a group of the binary form.
const GROUP: usize = 4;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xc000;

/// The binary form of a number that is written as `-12.50`: groups of four digits, counted from the point.
pub fn encode(text: &str, out: &mut Vec<u8>) {
    let (sign, digits) = text.strip_prefix('-').map_or((0, text), |digits| (NEGATIVE, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let mut padded = vec![b'0'; whole.len().next_multiple_of(GROUP) - whole.len()];
    padded.extend_from_slice(whole.as_bytes());
    let mut weight = (padded.len() / GROUP) as i16 - 1;
    padded.extend_from_slice(fraction.as_bytes());
    padded.resize(padded.len().next_multiple_of(GROUP), b'0');
    let mut groups: Vec<u16> = padded.chunks(GROUP).map(group).collect();
    while groups.last() == Some(&0) {
        groups.pop();
    }
    let leading = groups.iter().take_while(|group| **group == 0).count();
    groups.drain(..leading);
    weight = if groups.is_empty() { 0 } else { weight - leading as i16 };
    for part in [groups.len() as u16, weight as u16, sign, fraction.len() as u16].iter().chain(&groups) {
        out.extend_from_slice(&part.to_be_bytes());
    }
}

fn group(digits: &[u8]) -> u16 {
    digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'))
}

/// The text of a number in binary; `None` if it is none.
pub fn decode(bytes: &[u8]) -> Option<String> {
    let mut parts = bytes.chunks(2).map(|pair| <[u8; 2]>::try_from(pair).ok().map(u16::from_be_bytes));
    let mut next = || parts.next().flatten();
    let (count, weight, sign, scale) = (next()?, next()? as i16, next()?, usize::from(next()?));
    if sign == NAN {
        return Some("NaN".to_owned());
    }
    let groups = (0..count).map(|_| next().filter(|group| *group < 10_000)).collect::<Option<Vec<u16>>>()?;
    let at = |place: i32| usize::try_from(place).ok().and_then(|place| groups.get(place)).copied().unwrap_or(0);
    let weight = i32::from(weight);
    // No number that anybody means has more digits; one that says so would take memory for them.
    if bytes.len() != 8 + 2 * groups.len() || !(-100..100).contains(&weight) || scale > 400 {
        return None;
    }
    let whole: String = (0..=weight).map(|place| format!("{:04}", at(place))).collect();
    let fraction: String = (0..scale.div_ceil(GROUP) as i32).map(|place| format!("{:04}", at(weight + 1 + place))).collect();
    let whole = whole.trim_start_matches('0');
    let mut text = if sign == NEGATIVE { "-".to_owned() } else { String::new() };
    text.push_str(if whole.is_empty() { "0" } else { whole });
    if scale > 0 {
        text.push('.');
        text.push_str(&fraction[..scale]);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `select numeric_send(…)` of PostgreSQL 15 gives.
    #[test]
    fn numbers_have_the_bytes_of_postgresql() {
        let cases = [
            ("12345.6700", "0003 0001 0000 0004 0001 0929 1a2c"),
            ("-0.0005", "0001 ffff 4000 0004 0005"),
            ("0", "0000 0000 0000 0000"),
            ("0.00", "0000 0000 0000 0002"),
            ("100000000", "0001 0002 0000 0000 0001"),
            ("1.5", "0002 0000 0000 0001 0001 1388"),
        ];
        for (text, expected) in cases {
            let mut out = Vec::new();
            encode(text, &mut out);
            let hex: Vec<String> = out.chunks(2).map(|pair| format!("{:02x}{:02x}", pair[0], pair[1])).collect();
            assert_eq!(hex.join(" "), expected, "{text}");
            assert_eq!(decode(&out).as_deref(), Some(text));
        }
        assert_eq!(decode(&[0, 0, 0, 0, 0xc0, 0, 0, 0]).as_deref(), Some("NaN"));
        for bytes in [&b""[..], b"\0\x01\0\0\0\0\0\0", b"\0\0\x7f\xff\0\0\xff\xff", b"\0"] {
            assert_eq!(decode(bytes), None);
        }
    }
}
