//! When something is due: a cron expression in a time zone.

use std::str::FromStr as _;

use jiff::{Timestamp, tz::TimeZone};
use jiff_cron::Schedule;

use crate::ScheduleError;

/// The due instants of a schedule.
pub(crate) struct Timetable {
    cron: Schedule,
    zone: TimeZone,
}

impl Timetable {
    pub(crate) fn new(cron: &str, zone: &str) -> Result<Self, ScheduleError> {
        let zone = TimeZone::get(zone).map_err(|_| ScheduleError::Zone(zone.to_owned()))?;
        let seconds = if cron.split_whitespace().count() == 5 { "0 " } else { "" };
        let cron = Schedule::from_str(&format!("{seconds}{cron}")).map_err(|_| ScheduleError::Cron(cron.to_owned()))?;
        Ok(Self { cron, zone })
    }

    /// The first due instant after `instant`.
    pub(crate) fn next(&self, instant: Timestamp) -> Result<Timestamp, ScheduleError> {
        let due = self.cron.after(instant.to_zoned(self.zone.clone())).next().map(|due| due.timestamp());
        due.ok_or_else(|| ScheduleError::Cron(self.cron.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dues(timetable: &Timetable, after: &str, count: usize) -> Vec<String> {
        let first = timetable.next(after.parse().expect("an instant")).ok();
        std::iter::successors(first, |due| timetable.next(*due).ok()).take(count).map(|due| due.to_string()).collect()
    }

    #[test]
    fn a_night_run_stays_at_its_hour_when_the_clocks_change() {
        let nightly = Timetable::new("30 3 * * *", "Europe/Paris").expect("a schedule");
        let dues = dues(&nightly, "2026-03-28T00:00:00Z", 3);
        assert_eq!(dues, ["2026-03-28T02:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T01:30:00Z"]);
    }

    #[test]
    fn six_fields_count_seconds() {
        let often = Timetable::new("*/20 * * * * *", "UTC").expect("a schedule");
        assert_eq!(dues(&often, "2026-01-01T00:00:05Z", 2), ["2026-01-01T00:00:20Z", "2026-01-01T00:00:40Z"]);
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_its_text() {
        for (cron, zone) in [("", "UTC"), ("every night", "UTC"), ("61 * * * *", "UTC"), ("0 3 * * *", "Paris")] {
            let error = Timetable::new(cron, zone).err().expect(cron).to_string();
            assert!(error.contains(&format!("`{}`", if zone == "UTC" { cron } else { zone })), "{error}");
        }
    }
}
