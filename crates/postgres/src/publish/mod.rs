//! Bringing tables of a schema up to date, for programs that read PostgreSQL.
//!
//! All tables of a publication change in one transaction: rows are deleted and copied anew in the tables as they stand, so nobody
//! who reads is waited for or made to wait, everybody sees the old state of all tables or the new one, and views, grants and
//! indexes stay. `truncate` and renaming would be quicker, and show an open snapshot an empty table; see
//! docs/decisions/005-publishing-by-delete-and-copy.md.

mod shape;
mod sql_type;

use futures::{Stream, StreamExt as _};
use sqlx::Row as _;

use crate::{
    Database, PostgresError,
    database::Connection,
    names::{Table, quoted, quoted_list},
};
pub use sql_type::SqlType;

/// How long a statement waits for somebody else's lock before the publication is given up: whoever queues behind us waits as long.
const LOCK_TIMEOUT: &str = "2s";

/// The table that remembers what was published.
const JOURNAL: &str = "lakehouse_publications";

/// Where tables are published to.
#[derive(Debug, Clone)]
pub struct Target {
    /// The database.
    pub database: Database,
    /// The schema; made if it is not there.
    pub schema: String,
    /// The role that may read what is published, and nothing else; made without a login if it is not there.
    pub reader: Option<String>,
}

/// A table as it is to be.
#[derive(Debug, Clone)]
pub struct PublishTable {
    /// Its name.
    pub name: String,
    /// The columns that name a row.
    pub key: Vec<String>,
    /// Its columns, in the order of the rows' fields.
    pub columns: Vec<(String, SqlType)>,
    /// What tells one state of its rows from every other.
    pub state: String,
}

/// A transaction in which tables are brought up to date. Dropped before [`commit`](Self::commit), it has never been.
pub struct Publication {
    connection: Connection,
    target: Target,
}

impl Publication {
    /// Begins, and locks other publications to this schema out.
    pub async fn begin(target: &Target) -> Result<Self, PostgresError> {
        let mut connection = target.database.connect().await?;
        let begin = format!("begin isolation level read committed; set local lock_timeout = '{LOCK_TIMEOUT}'");
        connection.run("begin to publish to", &target.schema, begin).await?;
        let mut publication = Self { connection, target: target.clone() };
        publication.connection.lock(&format!("publish.{}", target.schema)).await?;
        publication.prepare().await?;
        Ok(publication)
    }

    /// Makes what is missing: the schema, the journal, the reader's role.
    async fn prepare(&mut self) -> Result<(), PostgresError> {
        let (schema, act) = (quoted(&self.target.schema), "prepare");
        let object = self.target.schema.clone();
        if !self.exists("select 1 from pg_namespace where nspname = $1", &object).await? {
            self.connection.run(act, &object, format!("create schema {schema}")).await?;
        }
        let journal = self.table(JOURNAL);
        if !self.exists("select 1 where to_regclass($1) is not null", &journal.sql()).await? {
            let columns = "table_name text primary key, state text not null, published_at timestamptz not null default now()";
            self.connection.run(act, JOURNAL, format!("create table {} ({columns})", journal.sql())).await?;
        }
        let Some(reader) = self.target.reader.clone() else { return Ok(()) };
        if !self.exists("select 1 from pg_roles where rolname = $1", &reader).await? {
            self.connection.run("make the role", &reader, format!("create role {} nologin", quoted(&reader))).await?;
        }
        let may = "select 1 where has_schema_privilege($1, $2, 'usage')";
        if self.connection.rows(act, &object, may.to_owned(), &[&reader, &object]).await?.is_empty() {
            let sql = format!("grant usage on schema {schema} to {}", quoted(&reader));
            self.connection.run("grant the use of", &object, sql).await?;
        }
        Ok(())
    }

    /// Does the table have to be published, because its rows are others or it is gone?
    pub async fn is_stale(&mut self, table: &PublishTable) -> Result<bool, PostgresError> {
        let sql =
            format!("select state from {} where table_name = $1 and to_regclass($2) is not null", self.table(JOURNAL).sql());
        let name = self.table(&table.name).sql();
        let rows = self.connection.rows("look at", JOURNAL, sql, &[&table.name, &name]).await?;
        let state = rows.first().map(|row| row.try_get::<String, _>(0)).transpose();
        Ok(state.map_err(self.connection.failed("look at", JOURNAL))?.as_ref() != Some(&table.state))
    }

    /// Replaces the rows of a table; visible from the commit on. `chunks` are what a [`CopyRows`](crate::CopyRows) gave.
    pub async fn replace(
        &mut self,
        table: &PublishTable,
        chunks: impl Stream<Item = Result<Vec<u8>, PostgresError>>,
    ) -> Result<u64, PostgresError> {
        let target = self.table(&table.name);
        let is_new = shape::prepare(&mut self.connection, &target, table).await?;
        if !is_new {
            self.connection.run("delete the rows of", &target.to_string(), format!("delete from {}", target.sql())).await?;
        }
        let written = self.copy(&target, table, chunks).await?;
        if is_new {
            // An index that is built at once costs half of one that grows row by row.
            let key = quoted_list(table.key.iter().map(String::as_str));
            let sql = format!("alter table {} add primary key ({key})", target.sql());
            self.connection.run("build the key of", &target.to_string(), sql).await?;
        }
        let sql = format!(
            "insert into {} (table_name, state) values ($1, $2) \
             on conflict (table_name) do update set state = excluded.state, published_at = now()",
            self.table(JOURNAL).sql()
        );
        self.connection.rows("note the publication of", &target.to_string(), sql, &[&table.name, &table.state]).await?;
        Ok(written)
    }

    /// Makes everything visible at once.
    pub async fn commit(mut self) -> Result<(), PostgresError> {
        let schema = self.target.schema.clone();
        self.connection.run("publish to", &schema, "commit".to_owned()).await
    }

    async fn copy(
        &mut self,
        target: &Table,
        table: &PublishTable,
        chunks: impl Stream<Item = Result<Vec<u8>, PostgresError>>,
    ) -> Result<u64, PostgresError> {
        let failed = self.connection.failed("copy rows to", &target.to_string());
        let names = quoted_list(table.columns.iter().map(|(name, _)| name.as_str()));
        let sql = format!("copy {} ({names}) from stdin (format binary)", target.sql());
        let mut copy = self.connection.inner.copy_in_raw(&sql).await.map_err(&failed)?;
        let mut chunks = std::pin::pin!(chunks);
        while let Some(chunk) = chunks.next().await {
            copy.send(chunk?).await.map_err(&failed)?;
        }
        copy.finish().await.map_err(&failed)
    }

    /// Lets the reader's role read a table that is there.
    pub async fn grant_reading(&mut self, table: &PublishTable) -> Result<(), PostgresError> {
        let Some(reader) = self.target.reader.clone() else { return Ok(()) };
        let target = self.table(&table.name);
        let may = "select 1 where has_table_privilege($1, $2, 'select')".to_owned();
        if !self.connection.rows("look at", &target.to_string(), may, &[&reader, &target.sql()]).await?.is_empty() {
            return Ok(());
        }
        let sql = format!("grant select on {} to {}", target.sql(), quoted(&reader));
        self.connection.run("grant the reading of", &target.to_string(), sql).await
    }

    async fn exists(&mut self, sql: &str, value: &str) -> Result<bool, PostgresError> {
        Ok(!self.connection.rows("look for", value, sql.to_owned(), &[value]).await?.is_empty())
    }

    fn table(&self, name: &str) -> Table {
        Table::new(&self.target.schema, name)
    }
}
