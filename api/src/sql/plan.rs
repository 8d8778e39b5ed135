//! Planning: every table that is named is pinned once, at one version, before anything runs.

use std::fmt::Write as _;

use axum::http::HeaderValue;
use lakehouse_lake::{Lake, LakeTable, PreparedQuery};
use lakehouse_service::Problem;
use tokio::sync::OwnedSemaphorePermit;

use super::request::Job;
use crate::{query::problem, tags::tag};

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

pub(super) async fn plan(lake: &Lake, memory: usize, job: Job, turn: OwnedSemaphorePermit) -> Result<Planned, Problem> {
    let session = lake.client_session(&job.domain, memory);
    let tables = match job.at {
        Some(at) => session.register_references_at(lake, &job.sql, at).await,
        None => session.register_references(lake, &job.sql).await,
    };
    let tables = tables.map_err(problem)?;
    let query = session.prepare(&job.sql, &job.values).await.map_err(problem)?;
    let is_repeatable = query.is_repeatable().map_err(problem)?;
    let etag = if is_repeatable { etag(&job, &tables) } else { None };
    Ok(Planned { job, query, etag, _turn: turn })
}

fn etag(job: &Job, tables: &[LakeTable]) -> Option<HeaderValue> {
    let mut question = format!("{:?} {:?} {} {} {:?}", job.sql, job.values, job.domain, job.limit, job.format);
    let mut versions: Vec<_> = tables.iter().map(|table| format!("{}.{}@{}", table.domain, table.name, table.version)).collect();
    versions.sort();
    for version in versions {
        let _ = write!(question, " {version}");
    }
    tag(&question)
}
