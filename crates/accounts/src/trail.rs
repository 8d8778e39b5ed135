//! The audit trail on its way into the database: many equal requests are one entry with their number, written every second.
//!
//! Nothing waits for it and nothing of it is dropped: when more different things are done than can be told apart in one second,
//! what comes after is told by its route.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use jiff::Timestamp;
use lakehouse_metadata::NewAudit;

use crate::Accounts;

const PAUSE: Duration = Duration::from_secs(1);
/// Different deeds between two writes.
const MOST: usize = 5_000;
/// Bytes of an object: a path, a statement.
const MOST_BYTES: usize = 2_000;

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Deed {
    /// Who.
    pub principal: String,
    /// With which method, or which verb.
    pub action: String,
    /// To what.
    pub object: String,
    /// How it was answered.
    pub outcome: u16,
}

struct Told {
    at: Timestamp,
    times: u64,
    request: Option<String>,
}

/// Collects deeds of one service and writes them.
pub struct Trail {
    service: &'static str,
    accounts: Arc<Accounts>,
    waiting: Mutex<HashMap<Deed, Told>>,
}

impl Trail {
    /// The trail of `service`.
    pub fn new(service: &'static str, accounts: Arc<Accounts>) -> Self {
        Self { service, accounts, waiting: Mutex::default() }
    }

    /// Notes a deed; `route` stands for its object when there is too much to tell apart.
    pub fn note(&self, mut deed: Deed, route: &str, request: Option<String>) {
        if deed.object.len() > MOST_BYTES {
            deed.object.truncate(deed.object.floor_char_boundary(MOST_BYTES));
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MOST && !waiting.contains_key(&deed) {
            deed.object = route.to_owned();
        }
        let told = waiting.entry(deed).or_insert(Told { at: Timestamp::MIN, times: 0, request: None });
        *told = Told { at: Timestamp::now(), times: told.times + 1, request };
    }

    /// Writes what waits. What cannot be written waits on.
    pub async fn write(&self) {
        let taken = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let entry = |(deed, told): (&Deed, &Told)| NewAudit {
            at: told.at,
            service: self.service.to_owned(),
            principal: deed.principal.clone(),
            action: deed.action.clone(),
            object: deed.object.clone(),
            outcome: deed.outcome,
            times: told.times,
            request: told.request.clone(),
        };
        let mut entries: Vec<NewAudit> = taken.iter().map(entry).collect();
        entries.sort_by_key(|entry| entry.at);
        if let Err(error) = self.accounts.metadata().append_audit(&entries).await {
            tracing::error!(%error, count = entries.len(), "the audit trail could not be written; it is tried again");
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            for (deed, told) in taken {
                let kept = waiting.entry(deed).or_insert(Told { at: told.at, times: 0, request: told.request });
                kept.times += told.times;
            }
        }
    }

    /// Writes every second, as long as there is such a trail. Whoever ends it writes once more.
    pub async fn keep(trail: Weak<Self>) {
        loop {
            tokio::time::sleep(PAUSE).await;
            match trail.upgrade() {
                Some(trail) => trail.write().await,
                None => return,
            }
        }
    }
}
