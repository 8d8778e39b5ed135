//! A table's log read back, newest commit first.

use std::pin::pin;

use deltalake::{
    DeltaTableError,
    kernel::{Action, Add, CommitInfo, Remove},
    logstore::{LogStoreRef, get_actions},
};
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use serde_json::Value;

use crate::CommitNote;

/// Commits read at the same time, when the newest does not tell enough.
const READ_AHEAD: usize = 16;

/// How far back the note of a table's last writer is looked for. Maintenance of ours carries it along; that of others does not.
const NOTE_SEARCH_DEPTH: u64 = 64;

/// Where a commit says which one is meant by the table's data version, when it is not that one itself.
pub(crate) const DATA_VERSION_KEY: &str = "lakehouseDataVersion";

/// A commit as it stands in the log.
pub(crate) struct Commit {
    pub version: u64,
    actions: Vec<Action>,
}

impl Commit {
    /// What the writer added, under `key`.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.info()?.info.get(key)
    }

    /// When the writer says it was made, milliseconds since 1970.
    pub fn timestamp_ms(&self) -> Option<i64> {
        self.info()?.timestamp
    }

    pub fn adds(&self) -> impl Iterator<Item = &Add> {
        self.actions.iter().filter_map(|action| if let Action::Add(add) = action { Some(add) } else { None })
    }

    pub fn removes(&self) -> impl Iterator<Item = &Remove> {
        self.actions.iter().filter_map(|action| if let Action::Remove(remove) = action { Some(remove) } else { None })
    }

    /// The last commit until this one that changed rows or columns, where this one tells.
    fn data_version(&self) -> Option<u64> {
        let is_change = self.adds().any(|add| add.data_change)
            || self.removes().any(|remove| remove.data_change)
            || self.actions.iter().any(|action| matches!(action, Action::Metadata(_)));
        if is_change { Some(self.version) } else { self.value(DATA_VERSION_KEY)?.as_u64() }
    }

    fn info(&self) -> Option<&CommitInfo> {
        self.actions.iter().find_map(|action| if let Action::CommitInfo(info) = action { Some(info) } else { None })
    }
}

/// The commits from `newest` down to `oldest`, as far as the log still has them without a gap.
pub(crate) fn commits(
    log_store: &LogStoreRef,
    newest: u64,
    oldest: u64,
) -> impl Stream<Item = Result<Commit, DeltaTableError>> + Send + use<> {
    let first = stream::iter((oldest <= newest).then_some(newest));
    let rest = stream::iter((oldest..newest).rev());
    let (store, same_store) = (log_store.clone(), log_store.clone());
    let first = first.then(move |version| read(store.clone(), version));
    let rest = rest.map(move |version| read(same_store.clone(), version)).buffered(READ_AHEAD);
    first
        .chain(rest)
        .try_take_while(|commit| std::future::ready(Ok(commit.is_some())))
        .try_filter_map(|commit| async { Ok(commit) })
}

async fn read(log_store: LogStoreRef, version: u64) -> Result<Option<Commit>, DeltaTableError> {
    let Some(bytes) = log_store.read_commit_entry(version).await? else { return Ok(None) };
    Ok(Some(Commit { version, actions: get_actions(version, &bytes)? }))
}

/// What the newest commits of a version say of it.
pub(crate) struct Tail {
    /// The last version that changed rows or columns: the versions since then are the same table in other files.
    pub data_version: u64,
    /// What the last writer noted.
    pub note: Option<CommitNote>,
    /// The oldest version that was read for this.
    pub oldest: u64,
}

/// Reads as far back as it takes: almost always one commit.
pub(crate) async fn tail(log_store: &LogStoreRef, version: u64) -> Result<Tail, DeltaTableError> {
    let mut commits = pin!(commits(log_store, version, 0));
    let (mut data_version, mut note, mut oldest) = (None, None, version + 1);
    while let Some(commit) = commits.try_next().await? {
        oldest = commit.version;
        data_version = data_version.or_else(|| commit.data_version());
        note = note.or_else(|| commit.value(CommitNote::KEY).map(|note| serde_json::from_value(note.clone()).ok()));
        if data_version.is_some() && (note.is_some() || version - oldest >= NOTE_SEARCH_DEPTH) {
            break;
        }
    }
    // What is not in the log any more may have changed anything.
    Ok(Tail { data_version: data_version.unwrap_or(oldest.saturating_sub(1)), note: note.flatten(), oldest })
}

/// A file's place in its store, from its place in the log.
pub(crate) fn data_path(root: &Path, in_log: &str) -> Path {
    let relative = Path::parse(in_log).unwrap_or_else(|_| Path::from(in_log));
    root.parts().chain(relative.parts()).collect()
}
