//! Keeping a table's log short: checkpoints, and no commits that are older than anybody may want to go back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use deltalake::{
    DeltaTable, DeltaTableError,
    protocol::checkpoints::{cleanup_expired_logs_for, create_checkpoint},
};
use futures::TryStreamExt as _;
use lakehouse_spec::{DomainName, TableName};
use object_store::path::Path;

use crate::{Lake, LakeError, log, store::qualified, table::root_of};

/// When a log is cared for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLimits {
    /// Commits since the last checkpoint that ask for the next one.
    pub commits: u64,
    /// How far back time travel goes: older commits may go.
    pub retention: Duration,
}

/// What was done for a log, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogCare {
    /// The version a checkpoint was written for.
    pub checkpoint: Option<u64>,
    /// Expired commits and checkpoints that were removed.
    pub removed: usize,
}

/// What a log's folder holds.
struct LogFolder {
    last_checkpoint: Option<u64>,
    /// The version that was current when the retention began; `None` when the table is younger.
    first_needed: Option<u64>,
}

impl Lake {
    /// Writes a checkpoint if enough commits came since the last one, and removes commits that have expired: never one that a
    /// version within the retention needs, nor the last writer's note. Tells what it would do if it is a dry run.
    pub async fn care_for_log(
        &self,
        domain: &DomainName,
        name: &TableName,
        limits: LogLimits,
        is_dry_run: bool,
    ) -> Result<LogCare, LakeError> {
        let failed = |source| LakeError::Log { table: qualified(domain, name), source: Box::new(source) };
        let Some(table) = self.load(domain, name).await? else { return Ok(LogCare::default()) };
        let version = table.version().unwrap_or_default();
        let folder = self.log_folder(&table, limits.retention).await?;
        let commits = folder.last_checkpoint.map_or(version + 1, |last| version.saturating_sub(last));
        let checkpoint = (commits >= limits.commits.max(1)).then_some(version);
        if is_dry_run {
            return Ok(LogCare { checkpoint, removed: 0 });
        }
        if checkpoint.is_some() {
            create_checkpoint(&table, None).await.map_err(failed)?;
        }
        let removed = match folder.first_needed {
            Some(first_needed) => expire(&table, first_needed, limits.retention).await.map_err(failed)?,
            None => 0,
        };
        Ok(LogCare { checkpoint, removed })
    }

    async fn log_folder(&self, table: &DeltaTable, retention: Duration) -> Result<LogFolder, LakeError> {
        let root = root_of(table)?.join("_delta_log");
        let failed = |source| LakeError::Store { path: root.to_string(), source };
        let began = SystemTime::now().checked_sub(retention).unwrap_or(UNIX_EPOCH);
        let mut folder = LogFolder { last_checkpoint: None, first_needed: None };
        let mut objects = self.store.list(Some(&root));
        while let Some(object) = objects.try_next().await.map_err(failed)? {
            match log_file(&object.location) {
                Some((version, "json")) if SystemTime::from(object.last_modified) < began => {
                    folder.first_needed = folder.first_needed.max(Some(version));
                }
                Some((version, kind)) if kind.starts_with("checkpoint") => {
                    folder.last_checkpoint = folder.last_checkpoint.max(Some(version));
                }
                _ => {}
            }
        }
        Ok(folder)
    }
}

/// Version and kind of a log's file.
fn log_file(path: &Path) -> Option<(u64, &str)> {
    let (version, kind) = path.filename()?.split_once('.')?;
    Some((version.parse().ok().filter(|_| version.len() == 20)?, kind))
}

/// The library keeps every version whose commit is younger than the retention. The one before them was current when it began,
/// and a note may be older still: both are kept here.
async fn expire(table: &DeltaTable, first_needed: u64, retention: Duration) -> Result<usize, DeltaTableError> {
    let log_store = table.log_store();
    let noted = log::tail(&log_store, table.version().unwrap_or_default()).await?.oldest;
    let since_1970 = SystemTime::now().checked_sub(retention).and_then(|began| began.duration_since(UNIX_EPOCH).ok());
    let began_ms = since_1970.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    cleanup_expired_logs_for(first_needed.min(noted), log_store.as_ref(), began_ms, None).await
}
