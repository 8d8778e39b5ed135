//! Minutes since 1970 as days and weeks.

/// Minutes of a day.
pub(super) const DAY: i64 = 1_440;

/// The hour-of-week of a minute since 1970: the weekday from Monday 0, and the minute of that day.
pub(super) fn weekday_and_minute(minute: i64) -> (i64, i64) {
    // 1970 began on a Thursday.
    ((minute.div_euclid(DAY) + 3).rem_euclid(7), minute.rem_euclid(DAY))
}

#[cfg(test)]
mod tests {
    use lakehouse_generate::Date;

    use super::{DAY, weekday_and_minute};

    #[test]
    fn weeks_begin_on_monday() {
        let monday = Date::parse("2025-02-03").unwrap();
        assert_eq!(weekday_and_minute(monday.days() * DAY + 61), (0, 61));
        assert_eq!(weekday_and_minute(monday.days() * DAY - 1), (6, DAY - 1));
    }
}
