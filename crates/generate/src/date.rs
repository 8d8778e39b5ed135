//! Days of the Gregorian calendar, counted from 1970.

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// From 1970.
    pub year: i64,
    /// From 1.
    pub month: u8,
    /// From 1.
    pub day: u8,
}

impl Date {
    /// Reads `2025-02-03`; none if that is no day between 1970 and 9000.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-').map(|part| part.parse::<u16>().ok());
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        let date = Self { year: i64::from(year), month: month.try_into().ok()?, day: day.try_into().ok()? };
        let is_real = (1970..9000).contains(&year) && Self::from_days(date.days()) == date;
        is_real.then_some(date)
    }

    /// The date of a number of days since 1970, by Howard Hinnant's algorithm: years begin in March, eras are 400 of them.
    pub fn from_days(days: i64) -> Self {
        let shifted = days + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        Self { year: year_of_era + era * 400 + i64::from(month <= 2), month: month as u8, day: day as u8 }
    }

    /// The days since 1970.
    pub const fn days(self) -> i64 {
        let year = self.year - (self.month <= 2) as i64;
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let march_month = (self.month as i64 + 9) % 12;
        let day_of_year = (153 * march_month + 2) / 5 + self.day as i64 - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    /// Three letters: `feb`.
    pub fn month_name(self) -> &'static str {
        MONTHS.get(usize::from(self.month).wrapping_sub(1)).copied().unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn dates_go_out_and_back() {
        for days in (0..200_000).step_by(17) {
            assert_eq!(Date::from_days(days).days(), days);
        }
        let monday = Date::parse("2025-02-03").unwrap();
        assert_eq!((monday.days(), monday.month_name()), (20_122, "feb"));
        assert_eq!(Date::parse("2024-02-29").unwrap().days() + 1, Date::parse("2024-03-01").unwrap().days());
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in ["", "2025-02-30", "2025-13-01", "2025-1", "1969-12-31", "tomorrow", "2025-02-03T00", "-1-1-1", "2025-00-10"]
        {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }
}
