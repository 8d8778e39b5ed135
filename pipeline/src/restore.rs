//! Putting a table back to an earlier version, while nothing else works on its domain.

use lakehouse_lake::{At, Lake, LakeTable};
use lakehouse_metadata::Metadata;
use lakehouse_spec::{DomainName, TableName};
use serde::Serialize;

use crate::{CareError, care::lease};

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The table.
    pub table: TableName,
    /// The version whose rows it has now.
    pub restored: u64,
    /// The version it was at.
    pub before: u64,
    /// The version it is at now.
    pub version: u64,
    /// How many rows that is, where the log knows.
    pub rows: Option<u64>,
}

/// The present version of a table and the one that is meant.
pub async fn find_version(
    lake: &Lake,
    domain: &DomainName,
    table: &TableName,
    at: At,
) -> Result<(LakeTable, LakeTable), CareError> {
    let unknown = || CareError::UnknownTable { domain: domain.clone(), table: table.clone() };
    let now = lake.table(domain, table).await?.ok_or_else(unknown)?;
    let then = lake.table_as_of(domain, table, at).await?;
    Ok((now, then))
}

/// Restores a table. No run and no care of the domain goes on meanwhile.
pub async fn restore(
    lake: &Lake,
    metadata: &Metadata,
    domain: &DomainName,
    table: &TableName,
    at: At,
) -> Result<Restored, CareError> {
    let run = lease(metadata, domain, "run").await?;
    let care = match lease(metadata, domain, "care").await {
        Ok(care) => care,
        Err(busy) => {
            run.release().await?;
            return Err(busy);
        }
    };
    let outcome = put_back(lake, domain, table, at).await;
    care.release().await?;
    run.release().await?;
    outcome
}

async fn put_back(lake: &Lake, domain: &DomainName, table: &TableName, at: At) -> Result<Restored, CareError> {
    let (now, then) = find_version(lake, domain, table, at).await?;
    let mut restored =
        Restored { table: table.clone(), restored: then.version, before: now.version, version: now.version, rows: then.rows() };
    if then.version < now.version {
        restored.version = lake.restore(domain, table, &then).await?.version();
    }
    Ok(restored)
}
