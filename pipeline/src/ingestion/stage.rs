//! Reading a source's new files into data files that no version contains yet.

use std::{ops::RangeInclusive, path::PathBuf, time::Instant};

use futures::StreamExt as _;
use jiff::civil::Date;
use lakehouse_engine::definition_hash;
use lakehouse_lake::{DataFiles, Lake, LakeError, Quarantine, RefusedRow, WriteLayout};
use lakehouse_landing::{Inbox, Landing, LandingError};
use lakehouse_postgres::{Database, PostgresError};
use lakehouse_spec::{Domain, DomainName, Schema, SourceContract, SourceMode, SourceName, TableName};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    IngestError, bronze_table,
    content::{Content, Origin},
    days::Days,
    decide::{Action, Batch, decide},
    keys::KnownKeys,
    rows::{BATCH_NUMBER, bronze_schema},
    sink::{Found, ReadError, ReadSummary, RowSink},
};
use crate::Progress;

/// Batches that may wait between a reader and its writer: keeps both busy and memory flat.
const CHANNEL_DEPTH: usize = 4;

/// Where sources come from and where they go.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub lake: Lake,
    /// Where pushed rows wait.
    pub landing: Landing,
    /// Where files are.
    pub folder: PathBuf,
    /// Where the rows of sources with a [database] section are.
    pub database: Option<Database>,
    /// Batches of these dates are read from there again.
    pub again: Option<RangeInclusive<Date>>,
}

/// A source to be ingested.
#[derive(Debug, Clone)]
pub(crate) struct SourceJob {
    pub lake: Lake,
    pub domain: DomainName,
    pub source: SourceName,
    pub contract: SourceContract,
    pub table: TableName,
    pub folder: PathBuf,
    pub inbox: Inbox,
    /// The database that is read instead of files, if the source is in one.
    pub database: Option<Database>,
    /// Dates that are read from there again.
    pub again: Option<RangeInclusive<Date>>,
    /// What the database holds, once it has been opened.
    pub days: Option<Days>,
    pub run: String,
    pub definition: String,
}

impl SourceJob {
    pub(crate) fn new(
        places: &Places,
        domain: &Domain,
        source: &SourceName,
        contract: &SourceContract,
        run: &str,
    ) -> Result<Self, IngestError> {
        let unnamed = || IngestError::Store {
            source_name: source.clone(),
            source: LakeError::UnknownTable { table: format!("bronze.{source}") },
        };
        Ok(Self {
            database: places.database.clone(),
            again: places.again.clone(),
            days: None,
            lake: places.lake.clone(),
            domain: domain.name.clone(),
            source: source.clone(),
            contract: contract.clone(),
            table: bronze_table(source).ok_or_else(unnamed)?,
            folder: places.folder.clone(),
            inbox: places.landing.inbox(&domain.name, source),
            run: run.to_owned(),
            definition: definition_hash("", &json!(contract)),
        })
    }

    pub(crate) fn is_append(&self) -> bool {
        self.contract.mode == SourceMode::Append
    }

    pub(crate) fn layout(&self) -> WriteLayout {
        let partition_columns = if self.is_append() { vec![BATCH_NUMBER.to_owned()] } else { Vec::new() };
        WriteLayout { schema: bronze_schema(&self.contract, self.is_append()), partition_columns }
    }

    pub(crate) fn store_error(&self) -> impl Fn(LakeError) -> IngestError + use<> {
        let source_name = self.source.clone();
        move |source| IngestError::Store { source_name: source_name.clone(), source }
    }

    pub(crate) fn landing_error(&self) -> impl Fn(LandingError) -> IngestError + use<> {
        let source_name = self.source.clone();
        move |source| IngestError::Landing { source_name: source_name.clone(), source }
    }

    /// The job with a view of its database that does not change. Each try of a step opens one of its own.
    pub(crate) async fn opened(&self) -> Result<Self, IngestError> {
        Ok(Self { days: Days::open(self).await.map_err(self.database_error())?, ..self.clone() })
    }

    /// Is a content read although it has landed?
    pub(crate) fn reads_again(&self, content: &Content) -> bool {
        matches!((&content.origin, &self.days), (Origin::Day(date), Some(days)) if days.is_read_again(*date))
    }

    pub(crate) fn database_error(&self) -> impl Fn(PostgresError) -> IngestError + use<> {
        let source_name = self.source.clone();
        move |source| IngestError::Database { source_name: source_name.clone(), source }
    }

    /// The source has nothing, neither a file nor a pushed row.
    pub(crate) fn missing(&self) -> IngestError {
        if let Some(database) = self.contract.database.as_ref().filter(|_| self.days.is_some()) {
            let (file, reason) = (format!("the table {}", database.table), "has no rows yet".to_owned());
            return IngestError::Shape { source_name: self.source.clone(), file, reason };
        }
        IngestError::Missing {
            source_name: self.source.clone(),
            pattern: self.contract.files.clone(),
            folder: self.folder.display().to_string(),
        }
    }

    fn shape_error(&self, content: &Content, reason: impl Into<String>) -> IngestError {
        IngestError::Shape { source_name: self.source.clone(), file: content.name.clone(), reason: reason.into() }
    }

    pub(crate) fn read_error(&self, content: &Content, error: ReadError) -> IngestError {
        match error {
            ReadError::Io(source) => IngestError::Read { source_name: self.source.clone(), file: content.name.clone(), source },
            ReadError::Shape(reason) => self.shape_error(content, reason),
            ReadError::Closed => self.shape_error(content, "was left half-read, because its rows could not be stored"),
        }
    }
}

/// A source whose new batches are written and not yet visible.
pub(crate) struct StagedSource {
    pub batches: Vec<StagedBatch>,
    pub unchanged: usize,
    pub started: Instant,
}

/// A batch that is written and not yet visible.
pub(crate) struct StagedBatch {
    pub batch: Batch,
    pub action: Action,
    pub files: DataFiles,
    pub quarantine: Quarantine,
    pub refused: u64,
    pub ignored_columns: Vec<String>,
}

/// Reads and writes every new batch of a source. Told to `stop`, gives up what was written.
pub(crate) async fn stage(job: &SourceJob, progress: &Progress, stop: &CancellationToken) -> Result<StagedSource, IngestError> {
    let started = Instant::now();
    let job = &job.opened().await?;
    if job.is_append() {
        job.inbox.gather().await.map_err(job.landing_error())?;
    }
    let batches = decide(job).await?;
    if batches.is_empty() && !job.contract.optional {
        return Err(job.missing());
    }
    let mut source = StagedSource { batches: Vec::new(), unchanged: 0, started };
    let superseded: Vec<i64> = batches
        .iter()
        .filter_map(|batch| if let Some(Action::Supersede(number)) = batch.action { Some(number) } else { None })
        .collect();
    let mut known = None;
    for batch in batches {
        let Some(action) = batch.action else {
            source.unchanged += 1;
            continue;
        };
        let keys = match known.take() {
            Some(keys) => keys,
            None if matches!(action, Action::Replace) => KnownKeys::default(),
            None => known_keys(job, &superseded).await.map_err(job.store_error())?,
        };
        let (staged, keys) = stage_batch(job, batch, action, keys, progress, stop).await?;
        known = Some(keys);
        source.batches.push(staged);
    }
    Ok(source)
}

/// The keys of the rows that stay.
async fn known_keys(job: &SourceJob, superseded: &[i64]) -> Result<KnownKeys, LakeError> {
    let mut known = KnownKeys::default();
    let table = job.lake.table(&job.domain, &job.table).await?;
    let Some(table) = table.filter(|_| !job.contract.key.is_empty()) else { return Ok(known) };
    let goes = |number: &str| superseded.iter().any(|gone| gone.to_string() == number);
    let stays = table.restricted(|file| !matches!(file.partition.get(BATCH_NUMBER), Some(Some(number)) if goes(number)));
    let session = job.lake.session(&job.domain);
    session.register(stays)?;
    let key: Vec<String> = job.contract.key.iter().map(|column| format!("\"{column}\"")).collect();
    let select = format!("select {} from \"{}\".\"{}\"", key.join(", "), Schema::Bronze.as_str(), job.source);
    let mut keys = session.query(&select).await?;
    while let Some(batch) = keys.next().await {
        known.insert_rows(&batch?);
    }
    Ok(known)
}

async fn stage_batch(
    job: &SourceJob,
    batch: Batch,
    action: Action,
    known: KnownKeys,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<(StagedBatch, KnownKeys), IngestError> {
    let (sender, mut found) = mpsc::channel(CHANNEL_DEPTH);
    let mut readable = batch.content.readable(job).await?;
    let number = job.is_append().then_some(batch.number);
    let reader = tokio::task::spawn_blocking(move || {
        let mut sink = RowSink::new(readable.contract(), known, number, sender);
        let outcome = readable.read(&mut sink);
        (outcome, sink.finish())
    });
    let mut writer = job.lake.writer(&job.domain, &job.table, &job.layout()).map_err(job.store_error())?;
    let refused_table = TableName { schema: Schema::Quarantine, table: job.table.table.clone() };
    let mut quarantine = Quarantine::new(&job.lake, &job.domain, refused_table, &batch.id());
    let mut stored = Ok(());
    while stored.is_ok() {
        let next = tokio::select! {
            biased;
            () = stop.cancelled() => {
                stored = Err(LakeError::Stopped);
                break;
            }
            next = found.recv() => next,
        };
        let Some(next) = next else { break };
        stored = match next {
            Found::Rows(rows) => {
                progress.rows(&job.table, rows.num_rows() as u64);
                writer.write(&rows).await
            }
            Found::Refused { line, reason, row } => {
                quarantine
                    .add(RefusedRow { origin: &batch.content.name, line: Some(line), reason: &reason, row: row.as_deref() })
                    .await
            }
        };
    }
    drop(found);
    let (outcome, summary) = match reader.await {
        Ok(read) => read,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    };
    if let Err(error) = stored {
        writer.abandon().await;
        return Err(job.store_error()(error));
    }
    if let Err(error) = outcome.and_then(|()| expect_rows(job, &batch.content, &summary)) {
        writer.abandon().await;
        return Err(job.read_error(&batch.content, error));
    }
    let files = writer.finish().await.map_err(job.store_error())?;
    let staged =
        StagedBatch { batch, action, files, quarantine, refused: summary.refused, ignored_columns: summary.ignored_columns };
    Ok((staged, summary.known))
}

fn expect_rows(job: &SourceJob, content: &Content, summary: &ReadSummary) -> Result<(), ReadError> {
    // A quiet day's file of a source that may have nothing has a header alone; one whose rows are all bad is a mistake anyway.
    let may_be_empty = job.contract.optional && summary.first_reason.is_none();
    if summary.accepted > 0 || may_be_empty || !content.must_have_rows() {
        return Ok(());
    }
    Err(ReadError::Shape(match &summary.first_reason {
        Some(reason) => format!("has no row that keeps the contract; {reason}"),
        None => "has no rows".to_owned(),
    }))
}
