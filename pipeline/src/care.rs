//! Caring for a domain's tables: fewer files, shorter logs, and nothing kept that nobody can go back to.
//!
//! Runs go on meanwhile: what care commits changes no rows, so nothing is made anew for it, and where a run replaces files that
//! care was about to put together, the run wins. Only one care of a domain goes on at a time.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use lakehouse_lake::{CompactionPlan, Lake, LakeError, LogLimits};
use lakehouse_metadata::{Metadata, MetadataError};
use lakehouse_settings::CareSettings;
use lakehouse_spec::{DomainName, TableName};
use metrics::{counter, describe_counter};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{error::with_causes, lease::RunLease};

/// What is cared for, and how.
#[derive(Debug, Clone)]
pub struct CareJob {
    /// Where the tables are.
    pub lake: Lake,
    /// Their domain.
    pub domain: DomainName,
    /// Only this one.
    pub table: Option<TableName>,
    /// How.
    pub options: CareOptions,
}

/// How tables are cared for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CareOptions {
    /// Bytes that compaction makes files.
    pub target_bytes: u64,
    /// When a log is cared for.
    pub log: LogLimits,
    /// How long files are kept that the present version does not need.
    pub retention: Duration,
    /// How long the records of runs are kept.
    pub history: Duration,
    /// How long the audit trail is kept.
    pub audit: Duration,
    /// Tell what would be done and do nothing.
    pub is_dry_run: bool,
}

impl CareOptions {
    /// As the settings have it.
    pub fn new(settings: &CareSettings) -> Self {
        let hours = |hours: u64| Duration::from_secs(hours.saturating_mul(3600));
        Self {
            target_bytes: settings.target_file_mb.saturating_mul(1 << 20),
            log: LogLimits { commits: settings.checkpoint_commits, retention: hours(settings.log_retention_hours) },
            retention: hours(settings.retention_hours),
            history: hours(settings.history_days.saturating_mul(24)),
            audit: hours(settings.audit_days.saturating_mul(24)),
            is_dry_run: false,
        }
    }
}

/// What was done for a table; in a dry run, what would be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableCare {
    /// The table.
    pub table: TableName,
    /// Small files that were put together.
    pub compacted: usize,
    /// Their bytes.
    pub compacted_bytes: u64,
    /// Files they became.
    pub into: usize,
    /// Small files that could not be, because no other small file of their partition is there to go with.
    pub alone: usize,
    /// Small files that a run replaced while they were put together.
    pub overtaken: usize,
    /// The version a checkpoint was written for.
    pub checkpoint: Option<u64>,
    /// Expired files of the log that were removed; not known to a dry run.
    pub expired_log_files: usize,
    /// Data files that were removed.
    pub removed: Removal,
    /// Wall time, seconds.
    pub seconds: f64,
    /// Why not all of it was done.
    pub error: Option<String>,
}

/// Data files that nobody can need.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Removal {
    /// How many.
    pub count: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Their names in the table's folder.
    pub files: Vec<String>,
}

/// Why tables were not cared for, or one was not restored.
#[derive(Debug, thiserror::Error)]
pub enum CareError {
    /// Somebody else is at work.
    #[error("a {what} of `{domain}` is under way in {holder}; wait for it, or until {expires_at} if it has died")]
    Busy {
        /// A run or a care.
        what: &'static str,
        /// The domain.
        domain: DomainName,
        /// Machine, process and start of the process.
        holder: String,
        /// When its lease ends unless it is renewed.
        expires_at: Timestamp,
    },
    /// There is no such table.
    #[error("`{domain}` has no table `{table}`")]
    UnknownTable {
        /// The domain.
        domain: DomainName,
        /// The table.
        table: TableName,
    },
    /// The lake failed.
    #[error("the lake failed")]
    Lake(#[from] LakeError),
    /// The metadata database failed.
    #[error("the metadata database failed")]
    Metadata(#[from] MetadataError),
    /// It was told to stop, or somebody else took over.
    #[error("stopped between two tables; the next care goes on from there")]
    Stopped,
}

/// Cares for every table, one after the other, and tells of each as it is done. What fails for one is in its report.
pub async fn care(
    job: &CareJob,
    metadata: &Metadata,
    stop: &CancellationToken,
    tell: impl Fn(&TableCare),
) -> Result<Vec<TableCare>, CareError> {
    let mut tables = job.lake.tables(&job.domain).await?;
    if let Some(wanted) = &job.table {
        tables.retain(|table| table == wanted);
        if tables.is_empty() {
            return Err(CareError::UnknownTable { domain: job.domain.clone(), table: wanted.clone() });
        }
    }
    let lease = lease(metadata, &job.domain, "care").await?;
    let mut done = Vec::new();
    for table in tables {
        if stop.is_cancelled() || lease.lost.is_cancelled() {
            break;
        }
        let cared = care_for(job, table).await;
        measure(&job.domain, &cared, job.options.is_dry_run);
        tell(&cared);
        done.push(cared);
    }
    let is_stopped = stop.is_cancelled() || lease.lost.is_cancelled();
    if !is_stopped && job.table.is_none() && !job.options.is_dry_run {
        forget_history(job, metadata).await?;
    }
    lease.release().await?;
    if is_stopped { Err(CareError::Stopped) } else { Ok(done) }
}

async fn forget_history(job: &CareJob, metadata: &Metadata) -> Result<(), CareError> {
    let now = Timestamp::now();
    if let Ok(before) = now.checked_sub(job.options.history) {
        let forgotten = metadata.forget_runs(&job.domain, before).await?;
        if forgotten > 0 {
            tracing::info!(domain = %job.domain, runs = forgotten, "old runs were forgotten");
        }
    }
    if let Ok(before) = now.checked_sub(job.options.audit) {
        let (entries, sessions) = (metadata.forget_audit(before).await?, metadata.forget_sessions(before).await?);
        if entries + sessions > 0 {
            tracing::info!(entries, sessions, "old entries of the audit trail and old sessions were forgotten");
        }
    }
    Ok(())
}

/// The lease on one kind of work on a domain.
pub(crate) async fn lease(metadata: &Metadata, domain: &DomainName, what: &'static str) -> Result<RunLease, CareError> {
    let taken = RunLease::acquire_named(metadata, &format!("{what}.{domain}")).await?;
    taken.map_err(|lease| CareError::Busy { what, domain: domain.clone(), holder: lease.holder, expires_at: lease.expires_at })
}

async fn care_for(job: &CareJob, table: TableName) -> TableCare {
    let started = Instant::now();
    let mut cared = TableCare {
        table,
        compacted: 0,
        compacted_bytes: 0,
        into: 0,
        alone: 0,
        overtaken: 0,
        checkpoint: None,
        expired_log_files: 0,
        removed: Removal::default(),
        seconds: 0.0,
        error: None,
    };
    if let Err(error) = steps(job, &mut cared).await {
        cared.error = Some(with_causes(&error));
    }
    cared.seconds = started.elapsed().as_secs_f64();
    cared
}

async fn steps(job: &CareJob, cared: &mut TableCare) -> Result<(), LakeError> {
    let CareJob { lake, domain, options, .. } = job;
    let name = cared.table.clone();
    // A folder without a log is what the first write to a table left when it was killed: only its files are looked at.
    if let Some(table) = lake.table(domain, &name).await? {
        let plan = CompactionPlan::new(&table, options.target_bytes);
        cared.alone = plan.alone;
        (cared.compacted, cared.compacted_bytes, cared.into) = (plan.files(), plan.bytes(), plan.groups.len());
        if !options.is_dry_run {
            let compacted = lake.compact(&table, &plan, options.target_bytes).await?;
            (cared.compacted, cared.into, cared.overtaken) = (compacted.removed, compacted.added, compacted.overtaken);
            cared.compacted_bytes = compacted.bytes;
        }
        let log = lake.care_for_log(domain, &name, options.log, options.is_dry_run).await?;
        (cared.checkpoint, cared.expired_log_files) = (log.checkpoint, log.removed);
    }
    let dead = lake.dead_files(domain, &name, options.retention).await?;
    cared.removed = Removal {
        count: dead.len(),
        bytes: dead.iter().map(|file| file.size).sum(),
        files: dead.iter().map(|file| file.name.clone()).collect(),
    };
    if !options.is_dry_run {
        lake.remove_dead(dead).await?;
    }
    Ok(())
}

fn measure(domain: &DomainName, cared: &TableCare, is_dry_run: bool) {
    const TABLES: &str = "care_tables_total";
    const COMPACTED: &str = "care_files_compacted_total";
    const REMOVED: &str = "care_bytes_removed_total";
    if is_dry_run {
        return;
    }
    describe_counter!(TABLES, "Tables that were cared for, by status");
    describe_counter!(COMPACTED, "Small files that were put together");
    describe_counter!(REMOVED, "Bytes of data files that were removed because no version within the retention needs them");
    let status = if cared.error.is_some() { "failure" } else { "success" };
    counter!(TABLES, "domain" => domain.to_string(), "status" => status).increment(1);
    counter!(COMPACTED, "domain" => domain.to_string()).increment(cared.compacted as u64);
    counter!(REMOVED, "domain" => domain.to_string()).increment(cared.removed.bytes);
}
