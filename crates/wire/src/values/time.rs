//! Days and instants. PostgreSQL counts from 2000-01-01.

/// From 1970 to 2000.
pub const MICROS_TO_2000: i64 = 946_684_800_000_000;
/// The same in days.
pub const DAYS_TO_2000: i32 = 10_957;
const DAY: i64 = 86_400_000_000;

/// Year, month and day of a day since 1970 (`civil_from_days` of Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// A day, as `2000-02-29`; before the year 1 with ` BC`.
pub fn date(days: i64) -> String {
    with_era(days, "")
}

/// An instant in microseconds since 1970, as `2000-02-29 12:00:00.5`, with `zone` after it.
pub fn timestamp(micros: i64, zone: &str) -> String {
    with_era(micros.div_euclid(DAY), &format!(" {}{zone}", time(micros.rem_euclid(DAY))))
}

/// A time of day, as `12:00:00.5`.
pub fn time(micros: i64) -> String {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if fraction == 0 { clock } else { format!("{clock}.{fraction:06}").trim_end_matches('0').to_owned() }
}

fn with_era(days: i64, rest: &str) -> String {
    let (year, month, day) = civil(days);
    if year > 0 {
        format!("{year:04}-{month:02}-{day:02}{rest}")
    } else {
        format!("{:04}-{month:02}-{day:02}{rest} BC", 1 - year)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15 shows them in UTC.
    #[test]
    fn days_and_instants_are_written_as_postgresql_writes_them() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(11_016), "2000-02-29");
        assert_eq!(date(-719_163), "0001-12-31 BC");
        assert_eq!(date(2_932_897), "10000-01-01");
        assert_eq!(timestamp(MICROS_TO_2000 - 1, "+00"), "1999-12-31 23:59:59.999999+00");
        assert_eq!(timestamp(1_500_000, ""), "1970-01-01 00:00:01.5");
        assert_eq!(time(86_399_000_010), "23:59:59.00001");
    }
}
