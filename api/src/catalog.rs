//! The tables that are asked for, each at the newest version that was seen.
//!
//! Their logs are looked at in the background, so that no request waits for a store to say that nothing has changed. A request
//! takes a table from here once and keeps it, so whatever it answers comes from that version.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use lakehouse_lake::{Lake, LakeError, LakeTable};
use lakehouse_spec::{DomainName, TableName};

/// How often the logs are looked at: how late a new version may be seen.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A table that nobody asked for in so long is not looked at any more.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(300);

type Id = (DomainName, TableName);

/// The tables that were asked for lately.
pub(crate) struct Catalog {
    lake: Lake,
    held: Mutex<HashMap<Id, Held>>,
}

#[derive(Clone)]
struct Held {
    table: Arc<LakeTable>,
    asked: Instant,
}

impl Catalog {
    /// A catalog that looks after its tables for as long as somebody has it.
    pub(crate) fn start(lake: Lake) -> Arc<Self> {
        let catalog = Arc::new(Self { lake, held: Mutex::default() });
        tokio::spawn(look_after(Arc::downgrade(&catalog)));
        catalog
    }

    /// The table at its newest version that was seen; `None` when it has not been made.
    pub(crate) async fn table(&self, domain: &DomainName, name: &TableName) -> Result<Option<Arc<LakeTable>>, LakeError> {
        let id = (domain.clone(), name.clone());
        if let Some(held) = self.held().get_mut(&id) {
            held.asked = Instant::now();
            return Ok(Some(held.table.clone()));
        }
        let loaded = self.lake.table(domain, name).await?.map(Arc::new);
        if let Some(table) = loaded.clone() {
            self.put(id, table);
        }
        Ok(loaded)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Id, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds a table, unless a newer version of it is held already.
    fn put(&self, id: Id, table: Arc<LakeTable>) {
        let mut held = self.held();
        if held.get(&id).is_none_or(|held| held.table.id != table.id || held.table.version < table.version) {
            held.insert(id, Held { table, asked: Instant::now() });
        }
    }

    async fn look(&self) {
        self.held().retain(|_, held| held.asked.elapsed() < FORGOTTEN_AFTER);
        let tables: Vec<Arc<LakeTable>> = self.held().values().map(|held| held.table.clone()).collect();
        for table in tables {
            if let Err(error) = self.renew(&table).await {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::warn!(error, "failed to look for a new version of `{}.{}`", table.domain, table.name);
            }
        }
    }

    async fn renew(&self, table: &LakeTable) -> Result<(), LakeError> {
        if self.lake.is_current(table).await? {
            return Ok(());
        }
        let id = (table.domain.clone(), table.name.clone());
        match self.lake.table(&id.0, &id.1).await? {
            Some(newer) => self.put(id, Arc::new(newer)),
            None => drop(self.held().remove(&id)),
        }
        Ok(())
    }
}

async fn look_after(catalog: Weak<Catalog>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        match catalog.upgrade() {
            Some(catalog) => catalog.look().await,
            None => return,
        }
    }
}
