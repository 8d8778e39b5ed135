//! Who looks at a lake: a lake that is seen by somebody has only the tables, columns and rows that its domains show to that one.

use std::{collections::BTreeMap, fmt, fmt::Write as _, sync::Arc};

use arrow::datatypes::{Field, Schema, SchemaRef};
use lakehouse_spec::{AccessSpec, Domain, DomainName, Role, TableAccess, TableName, UserName};
use sha2::{Digest as _, Sha256};

use crate::{Lake, LakeTable, guarded::Guard};

/// What the domains show to whom, made once for all viewers.
#[derive(Clone)]
pub struct Showing {
    domains: BTreeMap<DomainName, Arc<AccessSpec>>,
    /// Keys the digests of masked values, so that nobody can tell a value by trying.
    secret: [u8; 32],
    /// Tells one set of rules from another, also after a restart.
    fingerprint: String,
}

impl Showing {
    /// As the domains have it.
    pub fn new(domains: &[Domain], secret: [u8; 32]) -> Arc<Self> {
        let domains: BTreeMap<_, _> = domains.iter().map(|domain| (domain.name.clone(), domain.access.clone())).collect();
        let mut digest = Sha256::new();
        digest.update(secret);
        digest.update(format!("{domains:?}"));
        let fingerprint = hex::encode(&digest.finalize()[..8]);
        Arc::new(Self { domains, secret, fingerprint })
    }

    /// A viewer.
    pub fn to(self: &Arc<Self>, role: Role, user: UserName) -> Viewer {
        let mut key = format!("{role}-{}", self.fingerprint);
        if self.domains.values().any(|access| access.names_users()) {
            let _ = write!(key, "-{user}");
        }
        Viewer { showing: self.clone(), role, user, key }
    }
}

/// Who looks.
#[derive(Clone)]
pub struct Viewer {
    showing: Arc<Showing>,
    role: Role,
    user: UserName,
    key: String,
}

impl fmt::Debug for Viewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Viewer").field(&self.user).field(&self.role).finish()
    }
}

impl Viewer {
    /// How the viewer sees a table; `None`: not at all.
    fn access(&self, domain: &DomainName, table: &TableName) -> Option<TableAccess> {
        match self.showing.domains.get(domain) {
            Some(access) => access.of(self.role, &self.user, table),
            // A domain that nobody told of grants nothing.
            None => AccessSpec::default().of(self.role, &self.user, table),
        }
    }
}

impl Lake {
    /// The same lake as `viewer` sees it. Whatever is read through it is guarded: queries, pages, time travel.
    pub fn seen_by(&self, viewer: &Viewer) -> Self {
        Self { viewer: Some(Arc::new(viewer.clone())), ..self.clone() }
    }

    /// Two lakes with the same key show the same rows of the same versions: a part of every name of an answer.
    pub fn access_key(&self) -> &str {
        self.viewer.as_ref().map_or("", |viewer| &viewer.key)
    }

    /// Is there such a table for whoever looks?
    pub(crate) fn is_shown(&self, domain: &DomainName, table: &TableName) -> bool {
        self.viewer.as_ref().is_none_or(|viewer| viewer.access(domain, table).is_some())
    }

    /// Is all of a table shown to whoever looks? `None`: nothing of it.
    pub fn shows_whole(&self, domain: &DomainName, table: &TableName) -> Option<bool> {
        match &self.viewer {
            Some(viewer) => Some(viewer.access(domain, table)?.is_whole()),
            None => Some(true),
        }
    }

    /// A table as whoever looks sees it. One whose rules do not fit its columns is not shown at all.
    pub fn shown(&self, table: LakeTable) -> Option<LakeTable> {
        let Some(viewer) = &self.viewer else { return Some(table) };
        let access = viewer.access(&table.domain, &table.name)?;
        if access.is_whole() {
            return Some(table);
        }
        let guard = Guard::new(&access, &scan_order(&table), viewer.showing.secret);
        match guard {
            Ok(guard) => Some(LakeTable { schema: guard.shown.clone(), guard: Some(Arc::new(guard)), ..table }),
            Err(fault) => {
                tracing::error!(domain = %table.domain, table = %table.name, fault, "the access rules do not fit the table: it is not shown");
                None
            }
        }
    }
}

/// The columns in the order of a scan: those that files are partitioned by come last.
fn scan_order(table: &LakeTable) -> SchemaRef {
    let is_partition = |field: &&Arc<Field>| table.partition_columns.contains(field.name());
    let (last, first): (Vec<_>, Vec<_>) = table.schema.fields().iter().partition(is_partition);
    Arc::new(Schema::new(first.into_iter().chain(last).cloned().collect::<Vec<_>>()))
}
