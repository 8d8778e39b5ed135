//! Keeping a domain's schedule: a run at every due instant, by one of those that keep it.

use std::{str::FromStr as _, time::Duration};

use jiff::{Timestamp, tz::TimeZone};
use jiff_cron::Schedule;
use lakehouse_metadata::{Metadata, RunTrigger};
use lakehouse_spec::{MissedRuns, ScheduleSpec};
use tokio_util::sync::CancellationToken;

use crate::{Alerts, Occasion, Progress, RunError, RunJob, error::with_causes, supervise};

/// Longest sleep: a clock that was set, or a machine that was asleep, is noticed after this long.
const NAP: Duration = Duration::from_secs(30);

/// A schedule that cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// The domain has none.
    #[error("`{0}` has no schedule: add [schedule] with `cron` to its domain.toml")]
    None(String),
    /// The expression is no cron expression, or never comes.
    #[error("`{0}` is no cron expression that comes again: write minute, hour, day of the month, month, day of the week")]
    Cron(String),
    /// There is no such time zone.
    #[error("`{0}` is no time zone of the IANA database, such as UTC or Europe/Paris")]
    Zone(String),
    /// The last run could not be looked up.
    #[error("the metadata database failed")]
    Metadata(#[from] lakehouse_metadata::MetadataError),
}

/// The due instants of a schedule.
pub(crate) struct Timetable {
    cron: Schedule,
    zone: TimeZone,
}

impl Timetable {
    pub(crate) fn new(spec: &ScheduleSpec) -> Result<Self, ScheduleError> {
        let zone = TimeZone::get(&spec.zone).map_err(|_| ScheduleError::Zone(spec.zone.clone()))?;
        let seconds = if spec.cron.split_whitespace().count() == 5 { "0 " } else { "" };
        let cron = Schedule::from_str(&format!("{seconds}{}", spec.cron)).map_err(|_| ScheduleError::Cron(spec.cron.clone()))?;
        Ok(Self { cron, zone })
    }

    /// The first due instant after `instant`.
    pub(crate) fn next(&self, instant: Timestamp) -> Option<Timestamp> {
        self.cron.after(instant.to_zoned(self.zone.clone())).next().map(|due| due.timestamp())
    }
}

/// Runs the domain whenever its schedule says so, until `stop`. A run that fails is on record and is told; the schedule goes on.
pub async fn keep_schedule(
    job: &RunJob,
    metadata: &Metadata,
    stop: &CancellationToken,
    alerts: &Alerts,
    progress: &Progress,
) -> Result<(), ScheduleError> {
    let name = &job.domain.name;
    let spec = job.domain.schedule.as_ref().ok_or_else(|| ScheduleError::None(name.to_string()))?;
    let timetable = Timetable::new(spec)?;
    let mut from = Timestamp::now();
    if spec.missed == MissedRuns::RunOnce
        && let Some(last) = metadata.last_run(name).await?
    {
        from = last.started_at;
    }
    loop {
        let due = timetable.next(from).ok_or_else(|| ScheduleError::Cron(spec.cron.clone()))?;
        tracing::info!(domain = %name, %due, "the next run");
        if !wait_until(due, stop).await {
            return Ok(());
        }
        let occasion = Occasion { trigger: RunTrigger::Schedule, due: Some(due) };
        match supervise(job, metadata, occasion, stop.clone(), alerts, progress).await {
            Ok(report) => tracing::info!(run = report.run, seconds = report.seconds, "run done"),
            Err(RunError::Stopped) => return Ok(()),
            Err(error @ (RunError::Busy { .. } | RunError::AlreadyRun { .. })) => tracing::info!(%error, "not run here"),
            Err(error) => tracing::error!(error = %with_causes(&error), "the run failed; the schedule goes on"),
        }
        // What came due meanwhile is made up for by the run that was just done.
        from = Timestamp::now().max(due);
    }
}

/// False when it was told to stop. Never returns early, as a sleep may by the clock on the wall: a run that started before it was
/// due would not be known as the one that was due.
async fn wait_until(due: Timestamp, stop: &CancellationToken) -> bool {
    loop {
        let left = Duration::try_from(due.duration_since(Timestamp::now())).unwrap_or_default();
        if left.is_zero() {
            return !stop.is_cancelled();
        }
        tokio::select! {
            () = stop.cancelled() => return false,
            () = tokio::time::sleep(left.min(NAP)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timetable(cron: &str, zone: &str) -> Result<Timetable, ScheduleError> {
        Timetable::new(&ScheduleSpec { cron: cron.to_owned(), zone: zone.to_owned(), missed: MissedRuns::RunOnce })
    }

    fn dues(timetable: &Timetable, after: &str, count: usize) -> Vec<String> {
        let first = timetable.next(after.parse().expect("an instant"));
        std::iter::successors(first, |due| timetable.next(*due)).take(count).map(|due| due.to_string()).collect()
    }

    #[test]
    fn a_night_run_stays_at_its_hour_when_the_clocks_change() {
        let nightly = timetable("30 3 * * *", "Europe/Paris").expect("a schedule");
        let dues = dues(&nightly, "2026-03-28T00:00:00Z", 3);
        assert_eq!(dues, ["2026-03-28T02:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T01:30:00Z"]);
    }

    #[test]
    fn six_fields_count_seconds() {
        let often = timetable("*/20 * * * * *", "UTC").expect("a schedule");
        assert_eq!(dues(&often, "2026-01-01T00:00:05Z", 2), ["2026-01-01T00:00:20Z", "2026-01-01T00:00:40Z"]);
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_its_text() {
        for (cron, zone) in [("", "UTC"), ("every night", "UTC"), ("61 * * * *", "UTC"), ("0 3 * * *", "Paris")] {
            let error = timetable(cron, zone).err().expect(cron).to_string();
            assert!(error.contains(&format!("`{}`", if zone == "UTC" { cron } else { zone })), "{error}");
        }
    }
}
