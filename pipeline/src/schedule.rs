//! Keeping a domain's schedule: a run at every due instant, by one of those that keep it.

use std::{str::FromStr as _, time::Duration};

use jiff::{Timestamp, tz::TimeZone};
use jiff_cron::Schedule;
use lakehouse_metadata::{Metadata, RunTrigger};
use lakehouse_spec::{MissedRuns, ScheduleSpec};
use tokio_util::sync::CancellationToken;

use crate::{Alerts, Occasion, Progress, RunError, RunJob, RunReport, error::with_causes, resumable, supervise};

/// Longest sleep: requests are seen after this long, and a clock that was set, or a machine that was asleep, as well.
const NAP: Duration = Duration::from_secs(2);

/// A schedule that cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
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
    pub(crate) fn next(&self, instant: Timestamp) -> Result<Timestamp, ScheduleError> {
        let due = self.cron.after(instant.to_zoned(self.zone.clone())).next().map(|due| due.timestamp());
        due.ok_or_else(|| ScheduleError::Cron(self.cron.to_string()))
    }
}

/// Runs the domain whenever its schedule says so or somebody asks for it, until `stop`. A run that fails is on record and is told;
/// the schedule goes on.
pub async fn keep_schedule(
    job: &RunJob,
    metadata: &Metadata,
    stop: &CancellationToken,
    alerts: &Alerts,
    progress: &Progress,
) -> Result<(), ScheduleError> {
    let name = &job.domain.name;
    let timetable = job.domain.schedule.as_ref().map(Timetable::new).transpose()?;
    if timetable.is_none() {
        tracing::info!(domain = %name, "`{name}` has no [schedule] in its domain.toml: it runs when somebody asks for it");
    }
    let mut from = Timestamp::now();
    if job.domain.schedule.as_ref().is_some_and(|spec| spec.missed == MissedRuns::RunOnce)
        && let Some(last) = metadata.last_run(name).await?
    {
        from = last.started_at;
    }
    loop {
        let due = timetable.as_ref().map(|timetable| timetable.next(from)).transpose()?;
        let Some(occasion) = next_occasion(job, metadata, due, stop).await else { return Ok(()) };
        let was_due = occasion.due;
        match run_on(job, metadata, occasion, stop, alerts, progress).await {
            Ok(report) => tracing::info!(run = report.run, seconds = report.seconds, "run done"),
            Err(RunError::Stopped) => return Ok(()),
            Err(error @ (RunError::Busy { .. } | RunError::AlreadyRun { .. })) => {
                tracing::info!(%error, "not run here");
                // A request that waits for another run's end is looked at again.
                tokio::time::sleep(NAP).await;
            }
            Err(error) => tracing::error!(error = %with_causes(&error), "the run failed; the schedule goes on"),
        }
        // What came due meanwhile is made up for by the run that was just done.
        from = Timestamp::now().max(was_due.unwrap_or(Timestamp::MIN));
    }
}

/// Waits until a run is due or asked for; `None` when it was told to stop. Never returns early, as a sleep may by the clock on the
/// wall: a run that started before it was due would not be known as the one that was due.
async fn next_occasion(job: &RunJob, metadata: &Metadata, due: Option<Timestamp>, stop: &CancellationToken) -> Option<Occasion> {
    if let Some(due) = due {
        tracing::info!(domain = %job.domain.name, %due, "the next run");
    }
    while !stop.is_cancelled() {
        match metadata.waiting_request(&job.domain.name).await {
            Ok(Some(asked)) => return Some(Occasion { trigger: RunTrigger::Api, due: None, request: Some(asked) }),
            Ok(None) => {}
            Err(error) => tracing::warn!(error = %with_causes(&error), "requests for runs could not be read yet"),
        }
        let left = due.map_or(NAP, |due| Duration::try_from(due.duration_since(Timestamp::now())).unwrap_or_default());
        if left.is_zero() {
            return Some(Occasion { trigger: RunTrigger::Schedule, due, request: None });
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(left.min(NAP)) => {}
        }
    }
    None
}

/// Runs as the occasion asks. A request that cannot be met is answered with the reason.
async fn run_on(
    job: &RunJob,
    metadata: &Metadata,
    mut occasion: Occasion,
    stop: &CancellationToken,
    alerts: &Alerts,
    progress: &Progress,
) -> Result<RunReport, RunError> {
    let mut job = job.clone();
    if let Some(asked) = &occasion.request {
        let is_asked = |parameter: &str| asked.parameters[parameter].as_bool().unwrap_or_default();
        job.skip_training |= is_asked("skip_training");
        if is_asked("resume") {
            match resumable(&job, metadata).await {
                Ok(resumed) => job.resumes = Some(resumed),
                Err(error @ RunError::NothingToResume(_)) => {
                    metadata.refuse_request(&asked.request, &error.to_string()).await?;
                    return Err(error);
                }
                Err(error) => return Err(error),
            }
            occasion.trigger = RunTrigger::Resume;
        }
    }
    supervise(&job, metadata, occasion, stop.clone(), alerts, progress).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timetable(cron: &str, zone: &str) -> Result<Timetable, ScheduleError> {
        Timetable::new(&ScheduleSpec { cron: cron.to_owned(), zone: zone.to_owned(), missed: MissedRuns::RunOnce })
    }

    fn dues(timetable: &Timetable, after: &str, count: usize) -> Vec<String> {
        let first = timetable.next(after.parse().expect("an instant")).ok();
        std::iter::successors(first, |due| timetable.next(*due).ok()).take(count).map(|due| due.to_string()).collect()
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
