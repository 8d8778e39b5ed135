//! The columns of a published table: as the rows need them, and with as little change to what is there as possible.

use sqlx::Row as _;

use super::PublishTable;
use crate::{
    PostgresError,
    database::Connection,
    names::{Table, quoted},
};

/// Brings the table's columns in line; true if it was made and has neither rows nor a key yet.
pub(super) async fn prepare(connection: &mut Connection, target: &Table, table: &PublishTable) -> Result<bool, PostgresError> {
    let wanted: Vec<(&String, &str)> = table.columns.iter().map(|(name, kind)| (name, kind.name())).collect();
    let present = present(connection, target).await?;
    let object = target.to_string();
    let is_there = |column: &(String, String)| wanted.iter().any(|(name, kind)| **name == column.0 && *kind == column.1);
    let key = key(connection, target).await?;
    let has_key = key.iter().eq(table.key.iter());
    if !present.is_empty() && has_key && present.iter().all(is_there) {
        for (name, kind) in wanted.iter().filter(|(name, _)| !present.iter().any(|(known, _)| known == *name)) {
            let sql = format!("alter table {} add column {} {kind}", target.sql(), quoted(name));
            connection.run("add a column to", &object, sql).await?;
        }
        return Ok(false);
    }
    if !present.is_empty() {
        let dropped = connection.run("replace", &object, format!("drop table {}", target.sql())).await;
        dropped.map_err(|error| if error.has_dependents() { stands_in_the_way(connection, target) } else { error })?;
    }
    let columns: Vec<String> = wanted.iter().map(|(name, kind)| format!("{} {kind}", quoted(name))).collect();
    connection.run("make the table", &object, format!("create table {} ({})", target.sql(), columns.join(", "))).await?;
    Ok(true)
}

fn stands_in_the_way(connection: &Connection, target: &Table) -> PostgresError {
    let reason = "has other columns than the datamart now, and views that stand on it: drop them, publish, and make them again";
    connection.refused(target, reason)
}

/// Names and types of the columns there are.
async fn present(connection: &mut Connection, target: &Table) -> Result<Vec<(String, String)>, PostgresError> {
    let sql = "select a.attname::text, format_type(a.atttypid, null) from pg_attribute a \
               where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped order by a.attnum";
    let rows = connection.rows("look at", &target.to_string(), sql.to_owned(), &[&target.sql()]).await?;
    let columns = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<sqlx::Result<_>>();
    columns.map_err(connection.failed("look at", &target.to_string()))
}

/// The columns of the primary key, in order.
async fn key(connection: &mut Connection, target: &Table) -> Result<Vec<String>, PostgresError> {
    let sql = "select a.attname::text from pg_index i cross join unnest(i.indkey::int[]) with ordinality as k(attnum, at) \
               join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum \
               where i.indrelid = to_regclass($1) and i.indisprimary order by k.at";
    let rows = connection.rows("look at", &target.to_string(), sql.to_owned(), &[&target.sql()]).await?;
    let columns = rows.iter().map(|row| row.try_get(0)).collect::<sqlx::Result<_>>();
    columns.map_err(connection.failed("look at", &target.to_string()))
}
