//! How the columns of a contract are held in a table: ours, or one that was there before.

use lakehouse_spec::{ColumnContract, ColumnType, DatabaseSpec, SourceContract};
use sqlx::Row as _;

use crate::{
    PostgresError,
    database::Connection,
    names::{Table, quoted},
};

/// The schema of tables that sources are in.
const SCHEMA: &str = "public";

/// How a column holds its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    Text,
    Bigint,
    Double,
    Timestamptz,
    Timestamp,
    Date,
    Boolean,
    /// Anything else: it can be read by its text, and is not written.
    Other,
}

impl Held {
    fn of_type(name: &str) -> Self {
        match name {
            "text" | "varchar" => Self::Text,
            "int8" => Self::Bigint,
            "float8" => Self::Double,
            "timestamptz" => Self::Timestamptz,
            "timestamp" => Self::Timestamp,
            "date" => Self::Date,
            "bool" => Self::Boolean,
            _ => Self::Other,
        }
    }

    /// How a table of ours holds a column.
    fn ours(kind: ColumnType) -> (Self, &'static str) {
        match kind {
            ColumnType::String => (Self::Text, "text"),
            ColumnType::Integer => (Self::Bigint, "bigint"),
            ColumnType::Number | ColumnType::Money => (Self::Double, "double precision"),
            ColumnType::Timestamp => (Self::Timestamptz, "timestamptz"),
            ColumnType::Month => (Self::Date, "date"),
            ColumnType::Boolean => (Self::Boolean, "boolean"),
        }
    }
}

/// The table of a source.
pub(crate) fn source_table(spec: &DatabaseSpec) -> Table {
    Table::new(SCHEMA, spec.table.as_str())
}

/// Makes the table as the contract says, with an index that finds a batch.
pub(crate) async fn create(
    connection: &mut Connection,
    contract: &SourceContract,
    spec: &DatabaseSpec,
) -> Result<(), PostgresError> {
    let table = source_table(spec);
    let column = |column: &ColumnContract| {
        let rule = if column.required { " not null" } else { "" };
        format!("{} {}{rule}", quoted(column.name.as_str()), Held::ours(column.kind).1)
    };
    let batch = quoted(spec.batch_column.as_str());
    let mut columns: Vec<String> = contract.stored_columns().map(column).collect();
    columns.push(format!("{batch} date not null"));
    let sql = format!("create table {} ({})", table.sql(), columns.join(", "));
    connection.run("create the table", &table.to_string(), sql).await?;
    connection.run("index the table", &table.to_string(), format!("create index on {} ({batch})", table.sql())).await
}

/// The columns of a table by name, with how they hold their values; empty when there is no such table.
async fn present(connection: &mut Connection, table: &Table) -> Result<Vec<(String, Held)>, PostgresError> {
    let sql = "select a.attname::text, t.typname::text from pg_attribute a join pg_type t on t.oid = a.atttypid \
               where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped";
    let rows = connection.rows("look at", &table.to_string(), sql.to_owned(), &[&table.sql()]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, Held::of_type(row.try_get(1)?))))
        .collect::<sqlx::Result<_>>()
        .map_err(connection.failed("look at", &table.to_string()))
}

/// How the table holds each stored column of the contract, in the contract's order; `None` when there is no table.
pub(crate) async fn find(
    connection: &mut Connection,
    contract: &SourceContract,
    spec: &DatabaseSpec,
) -> Result<Option<Vec<Held>>, PostgresError> {
    let table = source_table(spec);
    let present = present(connection, &table).await?;
    if present.is_empty() {
        return Ok(None);
    }
    let held = |name: &str| present.iter().find(|(known, _)| known == name).map(|(_, held)| *held);
    if held(spec.batch_column.as_str()) != Some(Held::Date) {
        return Err(connection.refused(&table, format!("has no column `{}` of type date", spec.batch_column)));
    }
    let missing = |column: &ColumnContract| connection.refused(&table, format!("has no column `{}`", column.name));
    contract
        .stored_columns()
        .map(|column| held(column.name.as_str()).ok_or_else(|| missing(column)))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// Refuses columns that the contract's values cannot be written to. Text takes anything, as it stands in the file.
pub(crate) fn check_writable(
    connection: &Connection,
    contract: &SourceContract,
    table: &Table,
    held: &[Held],
) -> Result<(), PostgresError> {
    for (column, held) in contract.stored_columns().zip(held) {
        let (ours, wanted) = Held::ours(column.kind);
        let is_instant = ours == Held::Timestamptz && *held == Held::Timestamp;
        if *held != ours && *held != Held::Text && !is_instant {
            let reason =
                format!("holds `{}` in another type than {wanted} or text: it was not made from this contract", column.name);
            return Err(connection.refused(table, reason));
        }
    }
    Ok(())
}

/// What selects a column so that its text is one the contract reads.
pub(crate) fn readable(column: &ColumnContract, held: Held) -> String {
    let name = quoted(column.name.as_str());
    let text = match held {
        Held::Boolean => format!("{name}::text"),
        Held::Date if column.kind == ColumnType::Month => format!("to_char({name}, 'MM/YYYY')"),
        Held::Date if column.kind == ColumnType::Timestamp => format!("{name}::timestamp"),
        Held::Timestamptz => format!("{name} at time zone 'UTC'"),
        _ => name.clone(),
    };
    format!("{text} as {name}")
}

/// The contract of rows that come from the table: what is never stored is not there, and a number is no longer written as money.
pub(crate) fn reading_contract(contract: &SourceContract, held: &[Held]) -> SourceContract {
    let columns = contract.stored_columns().zip(held).map(|(column, held)| {
        let is_number = column.kind == ColumnType::Money && *held == Held::Double;
        ColumnContract { kind: if is_number { ColumnType::Number } else { column.kind }, ..column.clone() }
    });
    SourceContract { columns: columns.collect(), ..contract.clone() }
}
