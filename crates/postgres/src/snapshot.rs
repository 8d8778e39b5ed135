//! The batches of a source's table, all as they were at one instant.

use bytes::Bytes;
use futures::{StreamExt as _, stream::BoxStream};
use jiff::civil::Date;
use lakehouse_spec::{DatabaseSpec, SourceContract};
use sqlx::Row as _;

use crate::{
    Database, PostgresError,
    columns::{self, Held, readable, reading_contract, source_table},
    database::Connection,
    names::{Table, quoted},
};

/// The table of a source, with its contract.
#[derive(Debug, Clone)]
pub struct SourceTable {
    /// What a good row looks like.
    pub contract: SourceContract,
    /// Where the rows are.
    pub spec: DatabaseSpec,
}

/// A view of a source's table that does not change while it is open, whatever is loaded meanwhile.
pub struct Snapshot {
    connection: Connection,
    source: SourceTable,
    held: Vec<Held>,
    table: Table,
}

impl Snapshot {
    /// Opens a read-only transaction in which every statement sees the same rows.
    pub async fn open(database: &Database, source: SourceTable) -> Result<Self, PostgresError> {
        // The order of rows must not depend on who else is scanning, because the first row of a key is the one that stays.
        const BEGIN: &str = "begin isolation level repeatable read read only; set local synchronize_seqscans = off; \
                             set local max_parallel_workers_per_gather = 0";
        let mut connection = database.connect().await?;
        let table = source_table(&source.spec);
        connection.run("begin to read", &table.to_string(), BEGIN.to_owned()).await?;
        let found = columns::find(&mut connection, &source.contract, &source.spec).await?;
        let held = found.ok_or_else(|| {
            connection.refused(&table, "is not there: load a file with POST /tables/{table}/load of the sources API")
        })?;
        let snapshot = Self { connection, source, held, table };
        snapshot.refuse_strays().await
    }

    /// Rows that no date would ever read are not passed over in silence.
    async fn refuse_strays(mut self) -> Result<Self, PostgresError> {
        let batch = quoted(self.source.spec.batch_column.as_str());
        let first = self.source.spec.first_batch.to_string();
        let sql = format!("select 1 from {} where {batch} is null or {batch} < $1::text::date limit 1", self.table.sql());
        if self.connection.rows("look at", &self.table.to_string(), sql, &[&first]).await?.is_empty() {
            return Ok(self);
        }
        let column = &self.source.spec.batch_column;
        Err(self
            .connection
            .refused(&self.table, format!("has rows whose `{column}` is empty or before {first}, the first batch")))
    }

    /// The contract of the rows as they come from here.
    pub fn contract(&self) -> SourceContract {
        reading_contract(&self.source.contract, &self.held)
    }

    /// The dates that have rows, in order. Takes one look into the index per date.
    pub async fn dates(&mut self) -> Result<Vec<Date>, PostgresError> {
        let (table, batch) = (self.table.sql(), quoted(self.source.spec.batch_column.as_str()));
        let sql = format!(
            "with recursive days(day) as (select min({batch}) from {table} union all \
             select (select min({batch}) from {table} where {batch} > day) from days where day is not null) \
             select day::text from days where day is not null order by 1"
        );
        let object = self.table.to_string();
        let rows = self.connection.rows("find the dates of", &object, sql, &[]).await?;
        let texts = rows.iter().map(|row| row.try_get::<String, _>(0)).collect::<sqlx::Result<Vec<_>>>();
        let texts = texts.map_err(self.connection.failed("find the dates of", &object))?;
        let unknown =
            |text: &String| self.connection.refused(&self.table, format!("has a batch of {text}, which is no date here"));
        texts.iter().map(|text| text.parse().map_err(|_| unknown(text))).collect()
    }

    /// The rows of a date as CSV with a header, buffer by buffer.
    pub async fn rows(&mut self, date: Date) -> Result<BoxStream<'_, Result<Bytes, PostgresError>>, PostgresError> {
        let failed = self.connection.failed("read rows of", &self.table.to_string());
        let columns = self.source.contract.stored_columns().zip(&self.held);
        let columns: Vec<String> = columns.map(|(column, held)| readable(column, *held)).collect();
        // A date is digits and dashes: nothing in it needs quoting, and `copy` takes no parameters.
        let sql = format!(
            "copy (select {} from {} where {} = date '{date}') to stdout (format csv, header)",
            columns.join(", "),
            self.table.sql(),
            quoted(self.source.spec.batch_column.as_str()),
        );
        let rows = self.connection.inner.copy_out_raw(&sql).await.map_err(&failed)?;
        Ok(Box::pin(rows.map(move |chunk| chunk.map_err(&failed))))
    }
}
