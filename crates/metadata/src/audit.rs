//! The audit trail: who read and changed what. Appended, numbered, never changed; forgotten when it is old.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::{Any, Transaction, any::AnyRow};

use crate::{
    Metadata, MetadataError,
    metadata::failed,
    record::Record,
    value::{count, instant, optional_text, text},
};

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAudit {
    /// When; of several times the last.
    pub at: Timestamp,
    /// Where: `api`, `command`.
    pub service: String,
    /// Who.
    pub principal: String,
    /// What was done: `GET`, `users.add`.
    pub action: String,
    /// To what: a path, a user.
    pub object: String,
    /// How it was answered, as an HTTP status.
    pub outcome: u16,
    /// How often.
    pub times: u64,
    /// The id of the request; of several the last.
    pub request: Option<String>,
}

/// What somebody did, as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Its number. Whoever has seen a number has been able to see every lower one.
    pub id: i64,
    /// When; of several times the last.
    pub at: Timestamp,
    /// Where.
    pub service: String,
    /// Who.
    pub principal: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub object: String,
    /// How it was answered, as an HTTP status.
    pub outcome: u16,
    /// How often.
    pub times: u64,
    /// The id of the request; of several the last.
    pub request: Option<String>,
}

/// Which entries to list, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only what this one did.
    pub principal: Option<String>,
    /// Only what was done since.
    pub since: Timestamp,
    /// Only lower numbers; a page's last one gives the next page.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

const TAKE_NUMBERS: &str = "update audit_counter set last_id = last_id + $1 returning last_id";

const INSERT: &str = "insert into audit (id, at, service, principal, action, object, outcome, times, request)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const NEWEST: &str = "select id, at, service, principal, action, object, outcome, times, request from audit
    where id < $1 and at >= $2 order by id desc limit $3";

/// With the principal outside of an alternative, so that its index is used.
const NEWEST_OF_PRINCIPAL: &str = "select id, at, service, principal, action, object, outcome, times, request from audit
    where id < $1 and at >= $2 and principal = $4 order by id desc limit $3";

const LAST: &str = "select last_id from audit_counter";

/// Accounts change in one transaction with an entry that says so.
const CHANGES: &str =
    "select coalesce(max(id), $1) as last_id, coalesce(max(case when service = $2 then id end), $1) as changed_id
    from audit where id > $1";

/// In pieces, so that nobody waits long for it.
const FORGET: &str = "delete from audit where id in (select id from audit where at < $1 order by at limit 5000)";

impl Metadata {
    /// Appends all of `entries` or none.
    pub async fn append_audit(&self, entries: &[NewAudit]) -> Result<(), MetadataError> {
        if entries.is_empty() {
            return Ok(());
        }
        let failed = || failed("append", "audit");
        let mut transaction = self.begin().await.map_err(failed())?;
        append(&mut transaction, entries).await?;
        transaction.commit().await.map_err(failed())
    }

    /// Entries, newest first.
    pub async fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditRecord>, MetadataError> {
        let statement = if filter.principal.is_some() { NEWEST_OF_PRINCIPAL } else { NEWEST };
        let mut query = sqlx::query(statement)
            .bind(filter.before.unwrap_or(i64::MAX))
            .bind(instant(filter.since))
            .bind(i64::from(filter.limit));
        if let Some(principal) = &filter.principal {
            query = query.bind(principal);
        }
        let rows = query.fetch_all(&self.reader).await.map_err(failed("list", "audit"))?;
        rows.iter().map(read).collect()
    }

    /// The number of the last entry.
    pub async fn last_told(&self) -> Result<i64, MetadataError> {
        let row = sqlx::query(LAST).fetch_one(&self.reader).await.map_err(failed("read", "audit_counter"))?;
        Record { table: "audit_counter", row: &row }.number("last_id")
    }

    /// The number of the last entry, and whether one of those after `seen` was told by `service`. Reads only what is new.
    pub async fn told_since(&self, seen: i64, service: &str) -> Result<(i64, bool), MetadataError> {
        let query = sqlx::query(CHANGES).bind(seen).bind(service);
        let row = query.fetch_one(&self.reader).await.map_err(failed("look for changes in", "audit"))?;
        let record = Record { table: "audit", row: &row };
        Ok((record.number("last_id")?, record.number("changed_id")? > seen))
    }

    /// Removes entries that are older than `before`. Tells how many.
    pub async fn forget_audit(&self, before: Timestamp) -> Result<u64, MetadataError> {
        let mut forgotten = 0;
        loop {
            let delete = sqlx::query(FORGET).bind(instant(before));
            let done = delete.execute(&self.writer).await.map_err(failed("forget", "audit"))?;
            if done.rows_affected() == 0 {
                return Ok(forgotten);
            }
            forgotten += done.rows_affected();
        }
    }
}

/// Appends within a transaction. Holds the counter until that ends, see the schema.
pub(crate) async fn append(transaction: &mut Transaction<'static, Any>, entries: &[NewAudit]) -> Result<(), MetadataError> {
    let failed = || failed("append", "audit");
    let added = count(entries.len() as u64);
    let row = sqlx::query(TAKE_NUMBERS).bind(added).fetch_one(&mut **transaction).await.map_err(failed())?;
    let last = Record { table: "audit_counter", row: &row }.number("last_id")?;
    for (entry, number) in entries.iter().zip(last - added + 1..) {
        let insert = sqlx::query(INSERT)
            .bind(number)
            .bind(instant(entry.at))
            .bind(&entry.service)
            .bind(&entry.principal)
            .bind(&entry.action)
            .bind(text(&entry.object).into_owned())
            .bind(i64::from(entry.outcome))
            .bind(count(entry.times))
            .bind(optional_text(entry.request.as_deref()));
        insert.execute(&mut **transaction).await.map_err(failed())?;
    }
    Ok(())
}

fn read(row: &AnyRow) -> Result<AuditRecord, MetadataError> {
    let record = Record { table: "audit", row };
    Ok(AuditRecord {
        id: record.number("id")?,
        at: record.instant("at")?,
        service: record.text("service")?,
        principal: record.text("principal")?,
        action: record.text("action")?,
        object: record.text("object")?,
        outcome: record.count("outcome")?,
        times: record.count("times")?,
        request: record.optional_text("request")?,
    })
}
