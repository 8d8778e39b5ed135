//! Which loads there were, in a table beside the rows: written in the same transaction as they.

use sqlx::Row as _;

use super::Loaded;
use crate::{PostgresError, database::Connection, names::Table};

/// The journal's table.
pub(super) fn table() -> Table {
    Table::new("public", "lakehouse_loads")
}

/// A load that was done.
pub(super) struct Entry {
    pub sha256: String,
    pub loaded: Loaded,
}

/// Makes the journal, once, in a transaction of its own: two programs may be the first at the same time.
pub(super) async fn prepare(connection: &mut Connection) -> Result<(), PostgresError> {
    let (table, act) = (table(), "make the journal of loads");
    let object = table.to_string();
    let found = connection.rows(act, &object, "select to_regclass($1)::text".to_owned(), &[&table.sql()]).await?;
    if found[0].try_get::<Option<String>, _>(0).map_err(connection.failed(act, &object))?.is_some() {
        return Ok(());
    }
    connection.run(act, &object, "begin".to_owned()).await?;
    connection.lock("journal").await?;
    let sql = format!(
        "create table if not exists {} (table_name text, load_key text, sha256 text not null, situation_date date not null, \
         outcome text not null, loaded_at timestamptz not null default now(), primary key (table_name, load_key))",
        table.sql()
    );
    connection.run(act, &object, sql).await?;
    connection.run(act, &object, "commit".to_owned()).await
}

/// The load of `key`, if it was done.
pub(super) async fn find(connection: &mut Connection, loaded: &Table, key: &str) -> Result<Option<Entry>, PostgresError> {
    let (journal, act) = (table(), "look for a load in");
    let sql = format!("select sha256, outcome from {} where table_name = $1 and load_key = $2", journal.sql());
    let rows = connection.rows(act, &journal.to_string(), sql, &[&loaded.to_string(), key]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let read = || Ok((row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?));
    let (sha256, outcome) = read().map_err(connection.failed(act, &journal.to_string()))?;
    let outcome: Loaded = serde_json::from_str(&outcome)
        .map_err(|_| connection.refused(&journal, "has been changed by hand: an outcome cannot be read"))?;
    Ok(Some(Entry { sha256, loaded: Loaded { is_repeated: true, ..outcome } }))
}

/// Notes a load; it counts from the commit on.
pub(super) async fn add(connection: &mut Connection, loaded: &Table, key: &str, entry: &Entry) -> Result<(), PostgresError> {
    let journal = table();
    let sql = format!(
        "insert into {} (table_name, load_key, sha256, situation_date, outcome) values ($1, $2, $3, $4::text::date, $5)",
        journal.sql()
    );
    let outcome = serde_json::to_string(&entry.loaded).unwrap_or_default();
    let date = entry.loaded.situation_date.to_string();
    let values = [&*loaded.to_string(), key, &entry.sha256, &date, &outcome];
    connection.rows("note a load in", &journal.to_string(), sql, &values).await.map(drop)
}
