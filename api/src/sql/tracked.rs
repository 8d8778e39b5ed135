//! Queries by id: how they stand, what became of them, and stopping them.

use std::{
    collections::HashMap,
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use lakehouse_lake::Leash;
use lakehouse_service::Problem;
use serde::Serialize;
use tokio::task::AbortHandle;
use utoipa::ToSchema;

/// How long it is remembered what became of a query.
const REMEMBERED: Duration = Duration::from_secs(600);
/// Ended queries that are remembered at most.
const MOST_REMEMBERED: usize = 10_000;

/// Names a query; nobody can guess it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct QueryId(u128);

/// How a query stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct QueryStatus {
    /// running, succeeded, failed or stopped.
    status: &'static str,
    /// Rows given so far; only known at the end.
    rows: Option<usize>,
    /// Were there more rows than the limit?
    truncated: Option<bool>,
    /// Why it failed: the code of the problem.
    code: Option<&'static str>,
}

const STOPPED: QueryStatus = QueryStatus { status: "stopped", rows: None, truncated: None, code: None };

/// What a query came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub rows: usize,
    pub truncated: bool,
}

/// The queries that run and those that ended lately.
#[derive(Default)]
pub(super) struct Tracker(Mutex<HashMap<QueryId, Entry>>);

struct Entry {
    status: QueryStatus,
    ended: Option<Instant>,
    abort: Option<AbortHandle>,
    leash: Leash,
}

/// A query under way; one that is dropped without an outcome was stopped.
pub(super) struct Tracked {
    tracker: Arc<Tracker>,
    id: QueryId,
}

impl Tracker {
    pub(super) fn begin(self: &Arc<Self>, leash: Leash) -> (QueryId, Tracked) {
        let id = QueryId(rand::random());
        let status = QueryStatus { status: "running", rows: None, truncated: None, code: None };
        let mut entries = self.entries();
        if entries.len() >= MOST_REMEMBERED {
            forget_some(&mut entries);
        }
        entries.insert(id, Entry { status, ended: None, abort: None, leash });
        (id, Tracked { tracker: self.clone(), id })
    }

    pub(super) fn abort_with(&self, id: QueryId, abort: AbortHandle) {
        if let Some(entry) = self.entries().get_mut(&id) {
            entry.abort = Some(abort);
        }
    }

    pub(super) fn cancel(&self, id: QueryId) -> Result<(), Problem> {
        let mut entries = self.entries();
        let entry = entries.get_mut(&id).ok_or_else(unknown)?;
        entry.leash.pull();
        if let Some(abort) = &entry.abort {
            abort.abort();
        }
        entry.end(STOPPED);
        Ok(())
    }

    pub(super) fn status(&self, id: QueryId) -> Result<QueryStatus, Problem> {
        let entries = self.entries();
        let entry = entries.get(&id).filter(|entry| !entry.is_old());
        entry.map(|entry| entry.status.clone()).ok_or_else(unknown)
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<QueryId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, id: QueryId, status: QueryStatus) {
        if let Some(entry) = self.entries().get_mut(&id) {
            entry.end(status);
        }
    }
}

impl Entry {
    /// The first end counts.
    fn end(&mut self, status: QueryStatus) {
        if self.ended.is_none() {
            self.status = status;
            self.ended = Some(Instant::now());
            self.abort = None;
        }
    }

    fn is_old(&self) -> bool {
        self.ended.is_some_and(|ended| ended.elapsed() > REMEMBERED)
    }
}

/// Old ones first; if there are none, everything that has ended.
fn forget_some(entries: &mut HashMap<QueryId, Entry>) {
    entries.retain(|_, entry| !entry.is_old());
    if entries.len() >= MOST_REMEMBERED {
        entries.retain(|_, entry| entry.ended.is_none());
    }
}

impl Tracked {
    pub(super) fn end(self, outcome: &Result<Outcome, Problem>) {
        let status = match outcome {
            Ok(Outcome { rows, truncated }) => {
                QueryStatus { status: "succeeded", rows: Some(*rows), truncated: Some(*truncated), code: None }
            }
            Err(problem) => QueryStatus { status: "failed", rows: None, truncated: None, code: Some(problem.code()) },
        };
        self.tracker.end(self.id, status);
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.tracker.end(self.id, STOPPED);
    }
}

pub(super) fn unknown() -> Problem {
    Problem::not_found("no query has this id, or it ended long ago").with_code("unknown_query")
}

impl fmt::Display for QueryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for QueryId {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let id = if text.len() == 32 { u128::from_str_radix(text, 16).ok() } else { None };
        id.map(Self).ok_or_else(unknown)
    }
}
