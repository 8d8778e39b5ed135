//! From a question to a plan: every table that is named is pinned once, at one version, before anything runs.

use std::fmt::Write as _;

use axum::http::HeaderValue;
use lakehouse_lake::{Lake, LakeError, LakeTable, PreparedQuery, Session};
use lakehouse_service::Problem;
use tokio::sync::OwnedSemaphorePermit;

use super::request::Job;
use crate::{catalog::Catalog, principal::Principal, query::problem, tags::tag};

/// A query whose tables are pinned.
pub(super) struct Pinned {
    pub(super) job: Job,
    session: Session,
    /// Names the answer, if the same question has the same one again.
    pub(super) name: Option<HeaderValue>,
}

/// A query over pinned tables.
pub(crate) struct Planned {
    pub(super) job: Job,
    pub(super) query: PreparedQuery,
    /// Names the answer, where the same question to the same versions has the same one.
    pub etag: Option<HeaderValue>,
    pub(super) _turn: OwnedSemaphorePermit,
}

impl Planned {
    /// The columns, each with its Arrow type.
    pub(crate) fn columns(&self) -> Vec<(String, String)> {
        let schema = self.query.schema();
        schema.fields().iter().map(|field| (field.name().clone(), field.data_type().to_string())).collect()
    }
}

/// Pins the tables that a query names.
pub(super) async fn pin(catalog: &Catalog, memory: usize, principal: &Principal, job: Job) -> Result<Pinned, Problem> {
    let lake = principal.lake();
    let session = lake.client_session(&job.domain, memory);
    let tables = match job.at {
        Some(at) => session.register_references_at(lake, &job.sql, at).await,
        None => register(&session, catalog, lake, &job.sql).await,
    };
    let name = name(&job, principal, &tables.map_err(problem)?);
    Ok(Pinned { job, session, name })
}

async fn register(session: &Session, catalog: &Catalog, seen: &Lake, sql: &str) -> Result<Vec<LakeTable>, LakeError> {
    let mut tables = Vec::new();
    for (domain, name) in session.references(sql)? {
        let unknown = || LakeError::UnknownTable { table: format!("{domain}.{name}") };
        let table = catalog.table(&domain, &name).await?.ok_or_else(unknown)?;
        let table = seen.shown(LakeTable::clone(&table)).ok_or_else(unknown)?;
        session.register(table.clone())?;
        tables.push(table);
    }
    Ok(tables)
}

/// Plans what is pinned.
pub(super) async fn plan(pinned: Pinned, turn: OwnedSemaphorePermit) -> Result<Planned, Problem> {
    let Pinned { job, session, name } = pinned;
    let query = session.prepare(&job.sql, &job.values).await.map_err(problem)?;
    let is_repeatable = query.is_repeatable().map_err(problem)?;
    Ok(Planned { job, query, etag: name.filter(|_| is_repeatable), _turn: turn })
}

fn name(job: &Job, principal: &Principal, tables: &[LakeTable]) -> Option<HeaderValue> {
    let mut question =
        format!("{:?} {:?} {:?} {} {} {:?}", principal.name(), job.sql, job.values, job.domain, job.limit, job.format);
    let mut versions: Vec<_> = tables.iter().map(LakeTable::edition).collect();
    versions.sort();
    for version in versions {
        let _ = write!(question, " {version}");
    }
    tag(&question)
}
