//! Numbers as text, without the formatting machinery: rows are written by the million.

/// Appends a whole number.
pub(crate) fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0_u8; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// Appends a number below 100 in two digits.
pub(crate) fn push_two_digits(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&[b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]);
}

/// Appends cents as dollars: `$-77.00`.
pub(crate) fn push_dollars(out: &mut Vec<u8>, amount_cents: i64) {
    out.push(b'$');
    if amount_cents < 0 {
        out.push(b'-');
    }
    let cents = amount_cents.unsigned_abs();
    push_number(out, cents / 100);
    out.push(b'.');
    push_two_digits(out, cents % 100);
}

/// Appends hundredths the way a script prints a float: `34.15`, `-90.6`, `29.0`.
pub(crate) fn push_hundredths(out: &mut Vec<u8>, hundredths: i64) {
    if hundredths < 0 {
        out.push(b'-');
    }
    let value = hundredths.unsigned_abs();
    push_number(out, value / 100);
    out.push(b'.');
    if value.is_multiple_of(10) {
        push_number(out, value / 10 % 10);
    } else {
        push_two_digits(out, value % 100);
    }
}

/// Appends a month as `MM/YYYY`.
pub(crate) fn push_month(out: &mut Vec<u8>, month: u64, year: u64) {
    push_two_digits(out, month);
    out.push(b'/');
    push_number(out, year);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_look_like_the_real_files() {
        assert_eq!(text(|out| push_number(out, 0)), "0");
        assert_eq!(text(|out| push_number(out, u64::MAX)), u64::MAX.to_string());
        assert_eq!(text(|out| push_dollars(out, -7_700)), "$-77.00");
        assert_eq!(text(|out| push_dollars(out, 5)), "$0.05");
        assert_eq!(text(|out| push_dollars(out, 134_162)), "$1341.62");
        assert_eq!(text(|out| push_hundredths(out, -9_060)), "-90.6");
        assert_eq!(text(|out| push_hundredths(out, 2_900)), "29.0");
        assert_eq!(text(|out| push_hundredths(out, 3_405)), "34.05");
        assert_eq!(text(|out| push_month(out, 9, 2002)), "09/2002");
    }
}
