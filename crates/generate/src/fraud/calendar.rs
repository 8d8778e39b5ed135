//! The period of a sample: its days, their dates, and how many transactions fall on each.

use crate::Date;
use crate::random::Random;
use crate::text::{push_number, push_two_digits};

pub(crate) const MINUTES_PER_DAY: u32 = 24 * 60;

/// The density of the real data.
const TRANSACTIONS_PER_DAY: u64 = 3_700;

/// Smaller samples are thinner rather than shorter, or no card would have a past.
const FEWEST_DAYS: u64 = 20;

/// 2010-01-01 to 2019-10-31, the real period. Larger samples are denser rather than longer.
const MOST_DAYS: u64 = 3_591;

/// 2019-11-01, the day after the last, counted from 1970-01-01.
const END: i64 = Date { year: 2019, month: 11, day: 1 }.days();

/// Monday to Sunday.
const WEEKDAY_WEIGHTS: [u64; 7] = [960, 955, 975, 1_000, 1_070, 1_090, 950];

/// The days of a sample, numbered from 0.
pub(crate) struct Calendar {
    quotas: Vec<u64>,
}

impl Calendar {
    /// Lays out `transactions` over a period that ends with 2019-10-31. The days' quotas sum up to exactly that many.
    pub(crate) fn new(transactions: u64, random: &mut Random) -> Self {
        let days = (transactions / TRANSACTIONS_PER_DAY).clamp(FEWEST_DAYS, MOST_DAYS) as i64;
        let weights: Vec<u64> = (END - days..END).map(|date| day_weight(date) * random.between(960, 1_040) as u64).collect();
        let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
        let mut weight_so_far = 0;
        let mut quota_so_far = 0;
        let quotas = weights.iter().map(|weight| {
            weight_so_far += u128::from(*weight);
            let quota = (u128::from(transactions) * weight_so_far / total) as u64 - quota_so_far;
            quota_so_far += quota;
            quota
        });
        Self { quotas: quotas.collect() }
    }

    /// How many days there are.
    pub(crate) fn days(&self) -> u32 {
        self.quotas.len() as u32
    }

    /// How many transactions fall on a day.
    pub(crate) fn quota(&self, day: u32) -> u64 {
        self.quotas[day as usize]
    }

    /// The day's number counted from 1970-01-01.
    pub(crate) fn date(&self, day: u32) -> i64 {
        END - self.quotas.len() as i64 + i64::from(day)
    }
}

/// Weekends and December are busy.
fn day_weight(date: i64) -> u64 {
    // 1970-01-01 was a Thursday.
    let weekday = (date + 3).rem_euclid(7) as usize;
    let (_, month, _) = civil(date);
    WEEKDAY_WEIGHTS[weekday] * if month == 12 { 112 } else { 100 }
}

/// The year, month and day of a day counted from 1970-01-01.
pub(crate) fn civil(date: i64) -> (u64, u64, u64) {
    let Date { year, month, day } = Date::from_days(date);
    (year as u64, month.into(), day.into())
}

/// Appends a date as `YYYY-MM-DD`.
pub(crate) fn push_date(out: &mut Vec<u8>, date: i64) {
    let (year, month, day) = civil(date);
    push_number(out, year);
    out.push(b'-');
    push_two_digits(out, month);
    out.push(b'-');
    push_two_digits(out, day);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_period_ends_with_october_2019_whatever_its_length() {
        for (transactions, days) in [(1, 20), (2_000, 20), (100_000, 27), (1_000_000, 270), (13_305_915, 3_591)] {
            let calendar = Calendar::new(transactions, &mut Random::new(1, 1));
            assert_eq!(calendar.days(), days);
            assert_eq!((0..days).map(|day| calendar.quota(day)).sum::<u64>(), transactions);
            assert_eq!(civil(calendar.date(days - 1)), (2019, 10, 31));
        }
        assert_eq!(civil(END - MOST_DAYS as i64), (2010, 1, 1));
    }
}
