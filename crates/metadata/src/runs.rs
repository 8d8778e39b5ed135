//! Runs: started once, ended once.

use jiff::Timestamp;
use lakehouse_spec::DomainName;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::any::AnyRow;

use crate::{
    Metadata, MetadataError, RunOutcome, RunStatus, RunTrigger,
    metadata::failed,
    record::Record,
    requests::TAKE,
    value::{instant, json, kept, optional_text},
};

/// A run that starts.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Its name; never used twice.
    pub run: String,
    /// The domain.
    pub domain: DomainName,
    /// What started it.
    pub trigger: RunTrigger,
    /// When.
    pub started_at: Timestamp,
    /// The fence of the lease it holds.
    pub fence: i64,
    /// What it was asked to do.
    pub parameters: Value,
    /// The request that it answers, if somebody asked for it.
    pub request: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEnd {
    /// In which way.
    pub outcome: RunOutcome,
    /// When.
    pub finished_at: Timestamp,
    /// What went wrong.
    pub error: Option<String>,
    /// What was done.
    pub report: Option<Value>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its name.
    pub run: String,
    /// The domain.
    pub domain: DomainName,
    /// What started it.
    pub trigger: RunTrigger,
    /// How it stands.
    pub status: RunStatus,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended; `None` while it runs.
    pub finished_at: Option<Timestamp>,
    /// What went wrong.
    pub error: Option<String>,
    /// The fence of the lease it held.
    pub fence: i64,
    /// What was done.
    pub report: Option<Value>,
    /// What it was asked to do.
    pub parameters: Value,
}

impl RunRecord {
    /// The place of this run among the newest first.
    pub fn cursor(&self) -> RunCursor {
        RunCursor { started_at: self.started_at, run: self.run.clone() }
    }
}

/// A place among runs, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCursor {
    /// When the run there started.
    pub started_at: Timestamp,
    /// Its name.
    pub run: String,
}

/// Which runs to list.
#[derive(Debug, Clone, PartialEq)]
pub struct RunFilter {
    /// Only those of this domain.
    pub domain: Option<DomainName>,
    /// Only those that stand so.
    pub status: Option<RunStatus>,
    /// Only those after this place, which is a page's last run; `None` starts at the newest.
    pub before: Option<RunCursor>,
    /// At most so many.
    pub limit: u32,
}

macro_rules! select_runs {
    ($rest:literal) => {
        concat!(
            "select run, domain, trigger, status, started_at, finished_at, error, fence, report, parameters from runs ",
            $rest
        )
    };
}

const INSERT: &str = "insert into runs (run, domain, trigger, status, started_at, fence, parameters)
    values ($1, $2, $3, 'running', $4, $5, $6)";

const FINISH: &str = "update runs set status = $1, finished_at = $2, error = $3, report = $4
    where run = $5 and status = 'running'";

const ONE: &str = select_runs!("where run = $1");

const NEWEST: &str = select_runs!(
    "where ($1 is null or status = $1) and (started_at, run) < ($2, $3)
    order by started_at desc, run desc limit $4"
);

/// With the domain outside of an alternative, so that its index is used.
const NEWEST_OF_DOMAIN: &str = select_runs!(
    "where ($1 is null or status = $1) and (started_at, run) < ($2, $3) and domain = $5
    order by started_at desc, run desc limit $4"
);

/// Of the oldest first, so that a history of years goes in pieces that nobody waits for.
const OLD: &str =
    "select run from runs where domain = $1 and status <> 'running' and started_at < $2 order by started_at limit 100";

const FORGET: [&str; 4] = [
    "delete from events where run = $1",
    "delete from steps where run = $1",
    "delete from run_requests where run = $1",
    "delete from runs where run = $1",
];

const ABANDON: &str = "update runs set status = 'abandoned', finished_at = $1, error = $2
    where domain = $3 and status = 'running' and fence < $4 returning run";

const ABANDON_STEPS: &str = "update steps set status = 'failed', finished_at = $1, error = $2
    where run = $3 and status = 'running'";

const ABANDONED: &str = "its process stopped without a word; a later run found it";

impl Metadata {
    /// Records that a run starts, and that it answers its request. A name that was used before is [`MetadataError::RunExists`], a
    /// request that another run answers [`MetadataError::RequestTaken`]; then nothing is recorded.
    pub async fn start_run(&self, new: &NewRun) -> Result<(), MetadataError> {
        let insert = sqlx::query(INSERT)
            .bind(&new.run)
            .bind(new.domain.as_str())
            .bind(new.trigger.as_str())
            .bind(instant(new.started_at))
            .bind(new.fence)
            .bind(json(&new.parameters));
        let failed = || failed("start run", &new.run);
        let mut transaction = self.begin().await.map_err(failed())?;
        match insert.execute(&mut *transaction).await {
            Ok(_) => {}
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                return Err(MetadataError::RunExists(new.run.clone()));
            }
            Err(source) => return Err(failed()(source)),
        }
        if let Some(request) = &new.request {
            let take = sqlx::query(TAKE).bind(&new.run).bind(request);
            if take.execute(&mut *transaction).await.map_err(failed())?.rows_affected() == 0 {
                return Err(MetadataError::RequestTaken(request.clone()));
            }
        }
        transaction.commit().await.map_err(failed())
    }

    /// Records how a run ended. One that has ended otherwise, or was given up by a later run, stays as it is and is
    /// [`MetadataError::RunEnded`]; saying the same again changes nothing.
    pub async fn finish_run(&self, run: &str, end: &RunEnd) -> Result<(), MetadataError> {
        let status = RunStatus::from(end.outcome);
        let update = sqlx::query(FINISH)
            .bind(status.as_str())
            .bind(instant(end.finished_at))
            .bind(optional_text(end.error.as_deref()))
            .bind(end.report.as_ref().map(json))
            .bind(run);
        let done = update.execute(&self.writer).await.map_err(failed("finish run", run))?;
        if done.rows_affected() > 0 {
            return Ok(());
        }
        let Some(ended) = self.run(run).await? else { return Err(MetadataError::UnknownRun(run.to_owned())) };
        let is_repeated = ended.status == status && ended.finished_at == Some(kept(end.finished_at));
        if is_repeated { Ok(()) } else { Err(MetadataError::RunEnded { run: ended.run, status: ended.status }) }
    }

    /// A run.
    pub async fn run(&self, run: &str) -> Result<Option<RunRecord>, MetadataError> {
        let row = sqlx::query(ONE).bind(run).fetch_optional(&self.reader).await.map_err(failed("read run", run))?;
        row.as_ref().map(read).transpose()
    }

    /// Runs, newest first. Of those that started in the same microsecond the order is the same on every page.
    pub async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, MetadataError> {
        let (started_at, run) = match &filter.before {
            Some(cursor) => (instant(cursor.started_at), cursor.run.as_str()),
            None => (i64::MAX, ""),
        };
        let text = if filter.domain.is_some() { NEWEST_OF_DOMAIN } else { NEWEST };
        let mut query =
            sqlx::query(text).bind(filter.status.map(RunStatus::as_str)).bind(started_at).bind(run).bind(i64::from(filter.limit));
        if let Some(domain) = &filter.domain {
            query = query.bind(domain.as_str());
        }
        let rows = query.fetch_all(&self.reader).await.map_err(failed("list", "runs"))?;
        rows.iter().map(read).collect()
    }

    /// The run of `domain` that started last.
    pub async fn last_run(&self, domain: &DomainName) -> Result<Option<RunRecord>, MetadataError> {
        let filter = RunFilter { domain: Some(domain.clone()), status: None, before: None, limit: 1 };
        Ok(self.runs(&filter).await?.pop())
    }

    /// Removes runs of `domain` that started before `before` and have ended, with their steps, events and requests. Tells how many.
    pub async fn forget_runs(&self, domain: &DomainName, before: Timestamp) -> Result<u64, MetadataError> {
        let failed = || failed("forget old runs of", domain);
        let mut forgotten = 0;
        loop {
            let mut transaction = self.begin().await.map_err(failed())?;
            let old = sqlx::query(OLD).bind(domain.as_str()).bind(instant(before)).fetch_all(&mut *transaction).await;
            let old = old.map_err(failed())?;
            for row in &old {
                let run = Record { table: "runs", row }.text("run")?;
                for delete in FORGET {
                    sqlx::query(delete).bind(&run).execute(&mut *transaction).await.map_err(failed())?;
                }
            }
            transaction.commit().await.map_err(failed())?;
            if old.is_empty() {
                return Ok(forgotten);
            }
            forgotten += old.len() as u64;
        }
    }

    /// Gives up the runs of `domain` that are still running under an older fence than `fence`: whoever held it is gone. Their
    /// running steps have failed. Names what was given up.
    pub async fn abandon_stale(&self, domain: &DomainName, fence: i64, at: Timestamp) -> Result<Vec<String>, MetadataError> {
        let failed = || failed("abandon the runs of", domain);
        let mut transaction = self.begin().await.map_err(failed())?;
        let update = sqlx::query(ABANDON).bind(instant(at)).bind(ABANDONED).bind(domain.as_str()).bind(fence);
        let rows = update.fetch_all(&mut *transaction).await.map_err(failed())?;
        let names = rows.iter().map(|row| Record { table: "runs", row }.text("run")).collect::<Result<Vec<_>, _>>()?;
        for run in &names {
            let update = sqlx::query(ABANDON_STEPS).bind(instant(at)).bind(ABANDONED).bind(run);
            update.execute(&mut *transaction).await.map_err(failed())?;
        }
        transaction.commit().await.map_err(failed())?;
        Ok(names)
    }
}

fn read(row: &AnyRow) -> Result<RunRecord, MetadataError> {
    let record = Record { table: "runs", row };
    Ok(RunRecord {
        run: record.text("run")?,
        domain: record.word("domain")?,
        trigger: record.word("trigger")?,
        status: record.word("status")?,
        started_at: record.instant("started_at")?,
        finished_at: record.optional_instant("finished_at")?,
        error: record.optional_text("error")?,
        fence: record.number("fence")?,
        report: record.optional_json("report")?,
        parameters: record.json("parameters")?,
    })
}
