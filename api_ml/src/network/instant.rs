//! Instants as clients write them: with an offset, or in UTC.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// Reads `2025-02-03T00:00:00Z`, any other offset, or none for UTC.
pub fn parse(text: &str) -> Option<Timestamp> {
    let naive = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    text.parse().ok().or_else(naive)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn offsets_count_and_none_is_utc() {
        let same = ["2025-02-03T01:00:00Z", "2025-02-03T02:00:00+01:00", "2025-02-03T01:00:00", "2025-02-03 01:00:00"];
        let read: Vec<_> = same.iter().map(|text| parse(text).expect(text)).collect();
        assert!(read.windows(2).all(|pair| pair[0] == pair[1]));
        assert!(["", "yesterday", "2025-02-30T00:00:00Z"].iter().all(|text| parse(text).is_none()));
    }
}
