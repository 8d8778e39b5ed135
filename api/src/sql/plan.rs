//! From a question to a plan: every table that is named is pinned once, at one version, before anything runs.

use std::{fmt::Write as _, sync::Arc};

use arrow::datatypes::DataType;
use axum::http::HeaderValue;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use lakehouse_lake::{Description, Lake, LakeError, LakeTable, PreparedQuery, Rewritten, Session};
use lakehouse_service::Problem;
use lakehouse_spec::DomainName;
use lakehouse_wire::RowWriter;
use tokio::sync::OwnedSemaphorePermit;

use super::request::Job;
use crate::{catalog::Catalog, principal::Principal, query::problem, tags::tag};

/// Logs of tables that are looked at together for the catalogue.
const TABLES_AT_ONCE: usize = 8;

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
    /// Writes the rows, where a client of PostgreSQL asked; otherwise the format of the job does.
    pub(super) writer: Option<RowWriter>,
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
pub(super) async fn pin(catalog: &Catalog, memory: usize, principal: &Principal, mut job: Job) -> Result<Pinned, Problem> {
    let lake = principal.lake();
    let mut session = lake.client_session(&job.domain, memory);
    if let Some(user) = job.postgres_user.clone() {
        session = session.with_catalogue();
        job.sql = add_catalogue(&session, catalog, lake, &job, &user).await.map_err(problem)?;
    }
    let tables = match job.at {
        Some(at) => session.register_references_at(lake, &job.sql, at).await,
        None => register(&session, catalog, lake, &job.sql).await,
    };
    let name = name(&job, principal, &tables.map_err(problem)?);
    Ok(Pinned { job, session, name })
}

/// Makes known what a client of PostgreSQL may ask beside the tables; the statement, in the engine's words.
async fn add_catalogue(session: &Session, catalog: &Catalog, seen: &Lake, job: &Job, user: &str) -> Result<String, LakeError> {
    let Rewritten { sql, names_catalogue } = session.rewrite_postgres(&job.sql)?;
    let tables = if names_catalogue { shown_tables(catalog, seen, &job.domain).await? } else { Vec::new() };
    session.add_postgres_functions(user, &tables);
    session.register_catalogue(&sql, user, &tables)?;
    Ok(sql)
}

/// Every table of a domain that is shown, as it is shown.
async fn shown_tables(catalog: &Catalog, seen: &Lake, domain: &DomainName) -> Result<Vec<LakeTable>, LakeError> {
    let names = seen.tables(domain).await?;
    let tables = stream::iter(names).map(|name| async move { catalog.table(domain, &name).await });
    let tables: Vec<Option<Arc<LakeTable>>> = tables.buffered(TABLES_AT_ONCE).try_collect().await?;
    Ok(tables.into_iter().flatten().filter_map(|table| seen.shown(LakeTable::clone(&table))).collect())
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
    Ok(Planned { job, query, etag: name.filter(|_| is_repeatable), writer: None, _turn: turn })
}

/// The shape of what is pinned.
pub(super) async fn describe(pinned: Pinned, declared: &[Option<DataType>]) -> Result<Description, Problem> {
    pinned.session.describe(&pinned.job.sql, declared).await.map_err(problem)
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
