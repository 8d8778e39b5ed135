//! What handlers share.

use std::{ops::Deref, sync::Arc};

use lakehouse_lake::{Lake, LakeTable};
use lakehouse_service::Problem;
use lakehouse_settings::{Limits, Settings};
use lakehouse_spec::{Domain, Schema, StageModel, TableName};

use crate::{catalog::Catalog, marts::Marts, records::Records, seen::Gallery, sql::Queries};

/// What handlers share, and the lake as one of them sees it. Every request has a clone.
#[derive(Clone)]
pub(crate) struct ApiState {
    /// As it is seen by whoever asks, in a [`crate::seen::Seen`]; else as it is seen by anybody.
    pub(crate) lake: Arc<Lake>,
    shared: Arc<Shared>,
}

/// What handlers share.
pub(crate) struct Shared {
    pub(crate) domains: Arc<[Domain]>,
    pub(crate) limits: Limits,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) marts: Arc<Marts>,
    pub(crate) records: Records,
    pub(crate) queries: Queries,
    pub(crate) gallery: Gallery,
}

impl Deref for ApiState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl ApiState {
    pub(crate) fn new(lake: Lake, domains: Vec<Domain>, settings: &Settings) -> std::io::Result<Self> {
        let domains: Arc<[Domain]> = domains.into();
        let catalog = Catalog::start(lake.clone());
        let (gallery, closed) = Gallery::open(lake.clone(), &domains, settings)?;
        let shared = Shared {
            gallery,
            queries: Queries::new(&lake, catalog.clone(), domains.clone(), settings)?,
            marts: Arc::new(Marts::new(lake, catalog.clone(), settings.limits.mart_mb << 20)),
            records: Records::new(settings.database_url.clone()),
            catalog,
            domains,
            limits: settings.limits,
        };
        Ok(Self { lake: Arc::new(closed), shared: Arc::new(shared) })
    }

    /// The same as whoever sees this much of the lake sees it.
    pub(crate) fn with_lake(&self, lake: Arc<Lake>) -> Self {
        Self { lake, shared: self.shared.clone() }
    }

    pub(crate) fn domain(&self, name: &str) -> Result<&Domain, Problem> {
        let known = self.domains.iter().find(|domain| domain.name.as_str() == name);
        known.ok_or_else(|| Problem::not_found(format!("no domain is called `{name}`")))
    }

    /// A datamart that a domain declares.
    pub(crate) fn datamart(&self, domain: &str, table: &str) -> Result<Datamart<'_>, Problem> {
        let domain = self.domain(domain)?;
        let unknown = || Problem::not_found(format!("`{}` has no datamart `{table}`", domain.name));
        let name = TableName::new(Schema::Gold, table).map_err(|_| unknown())?;
        let (model, _) = domain.datamarts.get(&name).ok_or_else(unknown)?;
        Ok(Datamart { domain, name, model })
    }

    /// The newest version of a table that was seen, if it has been made, as it is shown to whoever asks.
    pub(crate) async fn table(&self, domain: &Domain, name: &TableName) -> Result<Option<LakeTable>, Problem> {
        let table = self.catalog.table(&domain.name, name).await.map_err(Problem::internal)?;
        Ok(table.and_then(|table| self.lake.shown(LakeTable::clone(&table))))
    }
}

/// A datamart as its domain declares it.
pub(crate) struct Datamart<'a> {
    pub domain: &'a Domain,
    pub name: TableName,
    pub model: &'a StageModel,
}

impl Datamart<'_> {
    /// Its current version.
    pub(crate) async fn now(&self, state: &ApiState) -> Result<LakeTable, Problem> {
        state.table(self.domain, &self.name).await?.ok_or_else(|| self.not_made())
    }

    /// An earlier version, if all of it is still there.
    pub(crate) async fn at(&self, state: &ApiState, version: u64) -> Result<LakeTable, Problem> {
        let now = self.now(state).await?;
        if now.version == version {
            return Ok(now);
        }
        let gone = || Problem::gone(format!("version {version} is not kept any more; begin again")).with_code("version_expired");
        let then =
            state.lake.table_at(&self.domain.name, &self.name, version).await.map_err(Problem::internal)?.ok_or_else(gone)?;
        let is_readable = state.lake.is_readable(&then).await.map_err(Problem::internal)?;
        if is_readable { Ok(then) } else { Err(gone()) }
    }

    pub(crate) fn not_made(&self) -> Problem {
        Problem::unavailable(format!("`{}.{}` has not been made yet; run the pipeline", self.domain.name, self.name))
    }
}
