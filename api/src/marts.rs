//! Datamarts held in memory by key, at their newest version that was seen.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lakehouse_lake::{Lake, LakeError, LakeTable};
use lakehouse_spec::{DomainName, TableName};

use crate::{catalog::Catalog, mart::Mart};

/// When more are held, those are let go and read again that are not shown whole: there may be one a user.
const MANY: usize = 64;

/// Domain, table, and to whom it is shown; nothing where all of it is.
type Id = (DomainName, TableName, String);

struct Held {
    mart: Arc<Mart>,
    is_renewed: bool,
}

/// All datamarts that were asked for.
pub(crate) struct Marts {
    lake: Lake,
    catalog: Arc<Catalog>,
    /// What the text of one's rows may have.
    most_bytes: usize,
    held: Mutex<HashMap<Id, Held>>,
}

impl Marts {
    pub(crate) fn new(lake: Lake, catalog: Arc<Catalog>, most_bytes: usize) -> Self {
        Self { lake, catalog, most_bytes, held: Mutex::default() }
    }

    /// The datamart as `seen` shows it; `None` when it has not been made, or is not shown. While a new version is read, the one before
    /// is given.
    pub(crate) async fn get(
        self: &Arc<Self>,
        seen: &Lake,
        domain: &DomainName,
        name: &TableName,
        key: &str,
    ) -> Result<Option<Arc<Mart>>, LakeError> {
        let Some(is_whole) = seen.shows_whole(domain, name) else { return Ok(None) };
        let Some(table) = self.catalog.table(domain, name).await? else { return Ok(None) };
        let shown_to = if is_whole { "" } else { seen.access_key() };
        let id = (domain.clone(), name.clone(), shown_to.to_owned());
        if let Some(held) = self.held().get(&id).filter(|held| held.mart.is_of(&table)) {
            return Ok(Some(held.mart.clone()));
        }
        let Some(shown) = seen.shown(LakeTable::clone(&table)) else { return Ok(None) };
        if let Some(held) = self.held().get_mut(&id) {
            if !std::mem::replace(&mut held.is_renewed, true) {
                tokio::spawn(renew(self.clone(), id, shown, key.to_owned()));
            }
            return Ok(Some(held.mart.clone()));
        }
        self.read(id, shown, key).await.map(Some)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Id, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a version and holds it.
    async fn read(&self, id: Id, table: LakeTable, key: &str) -> Result<Arc<Mart>, LakeError> {
        let mart = Arc::new(Mart::read(&self.lake, table, key, &id.2, self.most_bytes).await?);
        let mut held = self.held();
        if held.len() > MANY {
            held.retain(|(.., shown_to), _| shown_to.is_empty());
        }
        held.insert(id, Held { mart: mart.clone(), is_renewed: false });
        Ok(mart)
    }
}

async fn renew(marts: Arc<Marts>, id: Id, table: LakeTable, key: String) {
    let name = format!("{}.{}", id.0, id.1);
    if let Err(error) = marts.read(id.clone(), table, &key).await {
        let error: &(dyn std::error::Error + 'static) = &error;
        tracing::warn!(error, "failed to read the new version of `{name}`; the one before is served");
        if let Some(held) = marts.held().get_mut(&id) {
            held.is_renewed = false;
        }
    }
}
