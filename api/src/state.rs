//! What handlers share.

use std::sync::Arc;

use lakehouse_lake::{Lake, LakeTable};
use lakehouse_service::Problem;
use lakehouse_settings::{Limits, Settings};
use lakehouse_spec::{Domain, TableName};

use crate::{marts::Marts, records::Records, sql::Queries};

/// What handlers share. Cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    pub(crate) lake: Lake,
    pub(crate) domains: Arc<[Domain]>,
    pub(crate) limits: Limits,
    pub(crate) marts: Arc<Marts>,
    pub(crate) records: Arc<Records>,
    pub(crate) queries: Arc<Queries>,
}

impl ApiState {
    pub(crate) fn new(lake: Lake, domains: Vec<Domain>, settings: &Settings) -> std::io::Result<Self> {
        let domains: Arc<[Domain]> = domains.into();
        Ok(Self {
            queries: Arc::new(Queries::new(lake.clone(), domains.clone(), settings)?),
            marts: Arc::new(Marts::new(lake.clone())),
            records: Arc::new(Records::new(settings.database_url.clone())),
            lake,
            domains,
            limits: settings.limits,
        })
    }

    pub(crate) fn domain(&self, name: &str) -> Result<&Domain, Problem> {
        let known = self.domains.iter().find(|domain| domain.name.as_str() == name);
        known.ok_or_else(|| Problem::not_found(format!("no domain is called `{name}`")))
    }

    /// The current version of a table, if it has been made.
    pub(crate) async fn table(&self, domain: &Domain, name: &TableName) -> Result<Option<LakeTable>, Problem> {
        self.lake.table(&domain.name, name).await.map_err(Problem::internal)
    }
}
