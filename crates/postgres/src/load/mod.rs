//! Loading a CSV file into the table of a source, as the batch of a date of its own.
//!
//! Everything happens in one transaction under a lock of the table: the date is one day after the last, the rows arrive by binary
//! `copy`, and the load is noted under its key. So loads follow each other, a load that breaks off has never been, and one that
//! comes again is answered with what it did the first time.

mod journal;
mod rows;

use std::io::Read;

use jiff::{ToSpan as _, civil::Date};
use lakehouse_spec::{DatabaseSpec, SourceContract};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use tokio::sync::mpsc::{Receiver, channel};

use crate::{
    Database, PostgresError,
    columns::{self, Held, source_table},
    database::Connection,
    names::{Table, quoted, quoted_list},
};
use journal::Entry;
use rows::{ReadFault, RowReader, Summary};

/// Chunks that may wait between the reader and the server.
const CHANNEL_DEPTH: usize = 4;

/// A file to be loaded.
#[derive(Debug, Clone)]
pub struct LoadJob {
    /// What a good row looks like.
    pub contract: SourceContract,
    /// The table.
    pub table: DatabaseSpec,
    /// Whoever sends the same key again means the same load.
    pub key: String,
    /// SHA-256 of the file, in hexadecimal: the same key with other content is refused.
    pub sha256: String,
}

/// What a load did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loaded {
    /// The table.
    pub table: String,
    /// The date of the batch.
    pub situation_date: Date,
    /// Rows that were added.
    pub rows: u64,
    /// Rows that break the contract.
    pub refused: u64,
    /// The first of those, in order.
    pub verdicts: Vec<Verdict>,
    /// Had it been loaded before? Then nothing was added now.
    pub is_repeated: bool,
}

/// Why a row was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Its line in the file, from 1.
    pub line: u64,
    /// The rule it breaks; no value of the row.
    pub reason: String,
}

/// Why a file was not loaded. Nothing of it is in the table.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is not what its contract says; the text ends a sentence that starts with the file.
    #[error("the file {0}")]
    Shape(String),
    /// The file could not be read or decompressed.
    #[error("the file could not be read to its end")]
    Read(#[source] std::io::Error),
    /// The key was used for another file.
    #[error("the key of this load was used before, for a file of other content")]
    KeyReused,
    /// The database refused or failed.
    #[error(transparent)]
    Database(#[from] PostgresError),
}

/// Adds the rows of a CSV file to its table, unless its key was loaded before.
pub async fn load(database: &Database, job: &LoadJob, file: impl Read + Send + 'static) -> Result<Loaded, LoadError> {
    let table = source_table(&job.table);
    let mut connection = database.connect().await?;
    journal::prepare(&mut connection).await?;
    // Whatever the server's default is: the last date has to be looked up after the lock was waited for.
    connection.run("begin a load of", &table.to_string(), "begin isolation level read committed".to_owned()).await?;
    connection.lock(&format!("load.{table}")).await?;
    if let Some(earlier) = journal::find(&mut connection, &table, &job.key).await? {
        return if earlier.sha256 == job.sha256 { Ok(earlier.loaded) } else { Err(LoadError::KeyReused) };
    }
    let held = table_for(&mut connection, job, &table).await?;
    let date = next_date(&mut connection, job, &table).await?;
    let summary = copy(&mut connection, job, &table, held, date, file).await?;
    if summary.accepted == 0 {
        return Err(LoadError::Shape(match summary.verdicts.first() {
            Some(Verdict { line, reason }) => format!("has no row that keeps the contract; line {line}: {reason}"),
            None => "has no rows".to_owned(),
        }));
    }
    let Summary { accepted, refused, verdicts } = summary;
    let loaded = Loaded {
        table: job.table.table.to_string(),
        situation_date: date,
        rows: accepted,
        refused,
        verdicts,
        is_repeated: false,
    };
    journal::add(&mut connection, &table, &job.key, &Entry { sha256: job.sha256.clone(), loaded: loaded.clone() }).await?;
    connection.run("commit a load of", &table.to_string(), "commit".to_owned()).await?;
    Ok(loaded)
}

/// How the table holds the contract's columns; it is made if it is not there.
async fn table_for(connection: &mut Connection, job: &LoadJob, table: &Table) -> Result<Vec<Held>, PostgresError> {
    if columns::find(connection, &job.contract, &job.table).await?.is_none() {
        columns::create(connection, &job.contract, &job.table).await?;
    }
    let held = columns::find(connection, &job.contract, &job.table).await?.unwrap_or_default();
    columns::check_writable(connection, &job.contract, table, &held)?;
    Ok(held)
}

/// One day after the last batch. The journal is asked too: a date whose rows were deleted is not given out again, because whoever
/// has read them would take the new ones for known.
async fn next_date(connection: &mut Connection, job: &LoadJob, table: &Table) -> Result<Date, PostgresError> {
    let sql = format!(
        "select greatest((select max({}) from {}), (select max(situation_date) from {} where table_name = $1))::text",
        quoted(job.table.batch_column.as_str()),
        table.sql(),
        journal::table().sql(),
    );
    let rows = connection.rows("find the last batch of", &table.to_string(), sql, &[&table.to_string()]).await?;
    let last: Option<String> = rows[0].try_get(0).map_err(connection.failed("find the last batch of", &table.to_string()))?;
    let Some(last) = last else { return Ok(job.table.first_batch) };
    let next = last.parse::<Date>().ok().and_then(|last| last.checked_add(1.day()).ok());
    let next = next.ok_or_else(|| connection.refused(table, format!("has a batch of {last}, after which no date comes")))?;
    Ok(next.max(job.table.first_batch))
}

async fn copy(
    connection: &mut Connection,
    job: &LoadJob,
    table: &Table,
    held: Vec<Held>,
    date: Date,
    file: impl Read + Send + 'static,
) -> Result<Summary, LoadError> {
    let (sender, chunks) = channel(CHANNEL_DEPTH);
    let reader = RowReader::new(&job.contract, held, date, sender);
    let read = tokio::task::spawn_blocking(move || reader.read(file));
    let stored = send(connection, job, table, chunks).await;
    let summary = match read.await {
        Ok(summary) => summary,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    };
    match (stored, summary) {
        (Err(error), Err(ReadFault::Closed) | Ok(_)) => Err(error.into()),
        (_, Err(ReadFault::Closed)) => Err(LoadError::Shape("was left half-read".to_owned())),
        (_, Err(ReadFault::Shape(reason))) => Err(LoadError::Shape(reason)),
        (_, Err(ReadFault::Io(error))) => Err(LoadError::Read(error)),
        (Ok(stored), Ok(summary)) if stored == summary.accepted => Ok(summary),
        (Ok(stored), Ok(summary)) => {
            Err(connection.refused(table, format!("took {stored} of {} rows: does it have a trigger?", summary.accepted)).into())
        }
    }
}

/// Passes chunks on; without an end, the file was not good to its end, and nothing is stored.
async fn send(
    connection: &mut Connection,
    job: &LoadJob,
    table: &Table,
    mut chunks: Receiver<Chunk>,
) -> Result<u64, PostgresError> {
    let failed = connection.failed("copy rows to", &table.to_string());
    let names = job.contract.stored_columns().map(|column| column.name.as_str()).chain([job.table.batch_column.as_str()]);
    let sql = format!("copy {} ({}) from stdin (format binary)", table.sql(), quoted_list(names));
    let mut copy = connection.inner.copy_in_raw(&sql).await.map_err(&failed)?;
    while let Some(chunk) = chunks.recv().await {
        match chunk {
            Chunk::Rows(bytes) => copy.send(bytes).await.map(drop).map_err(&failed)?,
            Chunk::Last(bytes) => {
                copy.send(bytes).await.map_err(&failed)?;
                return copy.finish().await.map_err(&failed);
            }
        }
    }
    copy.abort("the file is not good to its end").await.map_err(&failed)?;
    Ok(0)
}

/// Bytes for the server.
enum Chunk {
    Rows(Vec<u8>),
    Last(Vec<u8>),
}
