//! Reading a source's new files into data files that no version contains yet.

use std::{fmt, path::PathBuf, time::Instant};

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::Int64Type;
use futures::StreamExt as _;
use lakehouse_engine::definition_hash;
use lakehouse_lake::{DataFiles, Lake, LakeError, LakeTable, Quarantine, RefusedRow, WriteLayout};
use lakehouse_spec::{Domain, DomainName, Schema, SourceContract, SourceMode, SourceName, TableName};
use serde_json::json;
use tokio::sync::mpsc;

use super::{
    IngestError, bronze_table,
    files::{SourceFile, content_hash, find_files},
    read::read_file,
    rows::{BATCH_NUMBER, KnownKeys, bronze_schema},
    sink::{Found, ReadError, RowSink},
};
use crate::Progress;

/// Batches that may wait between a reader and its writer: keeps both busy and memory flat.
const CHANNEL_DEPTH: usize = 4;

/// A source to be ingested.
#[derive(Debug, Clone)]
pub(crate) struct SourceJob {
    pub lake: Lake,
    pub domain: DomainName,
    pub source: SourceName,
    pub contract: SourceContract,
    pub table: TableName,
    pub folder: PathBuf,
    pub run: String,
    pub definition: String,
}

impl SourceJob {
    pub(crate) fn new(
        lake: &Lake,
        domain: &Domain,
        source: &SourceName,
        contract: &SourceContract,
        folder: &std::path::Path,
        run: &str,
    ) -> Result<Self, IngestError> {
        let unnamed = || IngestError::Store {
            source_name: source.clone(),
            source: LakeError::UnknownTable { table: format!("bronze.{source}") },
        };
        Ok(Self {
            lake: lake.clone(),
            domain: domain.name.clone(),
            source: source.clone(),
            contract: contract.clone(),
            table: bronze_table(source).ok_or_else(unnamed)?,
            folder: folder.to_owned(),
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

    fn shape_error(&self, file: &SourceFile, reason: impl Into<String>) -> IngestError {
        IngestError::Shape { source_name: self.source.clone(), file: file.name.clone(), reason: reason.into() }
    }

    fn read_error(&self, file: &SourceFile, error: ReadError) -> IngestError {
        match error {
            ReadError::Io(source) => IngestError::Read { source_name: self.source.clone(), file: file.name.clone(), source },
            ReadError::Shape(reason) => self.shape_error(file, reason),
            ReadError::Closed => self.shape_error(file, "was left half-read, because its rows could not be stored"),
        }
    }
}

/// What landing a file's content means for the rows that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// They stay.
    Add,
    /// Those of the same file's earlier batch go.
    Supersede(i64),
    /// All go.
    Replace,
}

/// A file, its content's hash, and what landing it means; no action when it has landed before.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub file: SourceFile,
    pub hash: String,
    pub number: i64,
    pub action: Option<Action>,
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.action {
            None => "unchanged".to_owned(),
            Some(Action::Add) => "new".to_owned(),
            Some(Action::Supersede(number)) => format!("changed, replaces batch {number}"),
            Some(Action::Replace) => "new snapshot".to_owned(),
        };
        write!(f, "{}: {what}", self.file.name)
    }
}

/// Which files of the source are new, by content.
pub(crate) async fn decide(job: &SourceJob) -> Result<Vec<Batch>, IngestError> {
    let files = find_files(&job.folder, &job.source, &job.contract)?;
    let present = job.lake.table(&job.domain, &job.table).await.map_err(job.store_error())?;
    let landed = Landed::of(job, present.as_ref(), &files)?;
    let mut next = landed.last_number() + 1;
    let mut batches = Vec::new();
    for file in files {
        let path = file.path.clone();
        let hashed = tokio::task::spawn_blocking(move || content_hash(&path)).await.map_err(std::io::Error::other);
        let hash = hashed.flatten().map_err(|error| job.read_error(&file, ReadError::Io(error)))?;
        let action = match (landed.has_content(&hash), job.is_append()) {
            (true, _) => None,
            (false, false) => Some(Action::Replace),
            (false, true) if landed.is_void => Some(if batches.is_empty() { Action::Replace } else { Action::Add }),
            (false, true) => Some(landed.number_of(&file.name).map_or(Action::Add, Action::Supersede)),
        };
        batches.push(Batch { file, hash, number: next, action });
        next += i64::from(action.is_some());
    }
    Ok(batches)
}

/// What the table's last note says has landed: file name → batch number and hash.
pub(crate) struct Landed {
    entries: Vec<(String, i64, String)>,
    /// The contract has changed: everything is read anew.
    is_void: bool,
}

impl Landed {
    fn of(job: &SourceJob, present: Option<&LakeTable>, files: &[SourceFile]) -> Result<Self, IngestError> {
        let Some(note) = present.and_then(|table| table.note.as_ref()) else {
            return Ok(Self { entries: Vec::new(), is_void: false });
        };
        let entry = |(name, value): (&String, &String)| {
            let (number, hash) = value.split_once(':')?;
            Some((name.clone(), number.parse().ok()?, hash.to_owned()))
        };
        let entries: Vec<_> = note.inputs.iter().filter_map(entry).collect();
        if note.definition == job.definition {
            return Ok(Self { entries, is_void: false });
        }
        // A new contract asks for all rows again. A batch whose file is gone could not be read again and would be lost.
        let lost = entries.iter().find(|(name, ..)| job.is_append() && !files.iter().any(|file| file.name == *name));
        match (lost, files.first()) {
            (Some((name, ..)), Some(file)) => Err(job.shape_error(
                file,
                format!("has a new contract, and `{name}`, which landed before, is needed to read all rows anew"),
            )),
            _ => Ok(Self { entries: Vec::new(), is_void: true }),
        }
    }

    fn last_number(&self) -> i64 {
        self.entries.iter().map(|(_, number, _)| *number).max().unwrap_or(0)
    }

    fn has_content(&self, hash: &str) -> bool {
        self.entries.iter().any(|(.., landed)| landed == hash)
    }

    fn number_of(&self, name: &str) -> Option<i64> {
        self.entries.iter().find(|(landed, ..)| landed == name).map(|(_, number, _)| *number)
    }
}

/// A source whose new batches are written and not yet visible.
pub(crate) struct StagedSource {
    pub job: SourceJob,
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

/// Reads and writes every new batch of a source.
pub(crate) async fn stage(job: SourceJob, progress: &Progress) -> Result<StagedSource, IngestError> {
    let started = Instant::now();
    let batches = decide(&job).await?;
    let mut source = StagedSource { job, batches: Vec::new(), unchanged: 0, started };
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
            None => known_keys(&source.job, &superseded).await.map_err(source.job.store_error())?,
        };
        let (staged, keys) = stage_batch(&source.job, batch, action, keys, progress).await?;
        known = Some(keys);
        source.batches.push(staged);
    }
    Ok(source)
}

/// The keys of the rows that stay.
async fn known_keys(job: &SourceJob, superseded: &[i64]) -> Result<KnownKeys, LakeError> {
    let mut known = KnownKeys::default();
    let Some(table) = job.lake.table(&job.domain, &job.table).await? else { return Ok(known) };
    let goes = |number: &str| superseded.iter().any(|gone| gone.to_string() == number);
    let stays = table.restricted(|file| !matches!(file.partition.get(BATCH_NUMBER), Some(Some(number)) if goes(number)));
    let session = job.lake.session(&job.domain);
    session.register(stays)?;
    let key = &job.contract.key[0];
    let mut keys = session.query(&format!("select \"{key}\" from \"{}\".\"{}\"", Schema::Bronze.as_str(), job.source)).await?;
    while let Some(batch) = keys.next().await {
        let batch = batch?;
        let column = batch.column(0);
        if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
            numbers.values().iter().for_each(|number| known.insert_number(*number));
        } else if let Some(texts) = column.as_string_opt::<i32>() {
            (0..texts.len()).for_each(|row| known.insert_text(texts.value(row)));
        }
    }
    Ok(known)
}

async fn stage_batch(
    job: &SourceJob,
    batch: Batch,
    action: Action,
    known: KnownKeys,
    progress: &Progress,
) -> Result<(StagedBatch, KnownKeys), IngestError> {
    let (sender, mut found) = mpsc::channel(CHANNEL_DEPTH);
    let (path, contract) = (batch.file.path.clone(), job.contract.clone());
    let number = job.is_append().then_some(batch.number);
    let reader = tokio::task::spawn_blocking(move || {
        let mut sink = RowSink::new(&contract, known, number, sender);
        let outcome = read_file(&path, &contract, &mut sink);
        (outcome, sink.finish())
    });
    let mut writer = job.lake.writer(&job.domain, &job.table, &job.layout()).map_err(job.store_error())?;
    let batch_id = format!("{}.{}", batch.number, batch.hash);
    let refused_table = TableName { schema: Schema::Quarantine, table: job.table.table.clone() };
    let mut quarantine = Quarantine::new(&job.lake, &job.domain, refused_table, &batch_id);
    let mut stored = Ok(());
    while let (Ok(()), Some(found)) = (&stored, found.recv().await) {
        stored = match found {
            Found::Rows(rows) => {
                progress.rows(&job.table, rows.num_rows() as u64);
                writer.write(&rows).await
            }
            Found::Refused { line, reason, row } => {
                quarantine
                    .add(RefusedRow { origin: &batch.file.name, line: Some(line), reason: &reason, row: row.as_deref() })
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
    if let Err(error) = outcome {
        writer.abandon().await;
        return Err(job.read_error(&batch.file, error));
    }
    let files = writer.finish().await.map_err(job.store_error())?;
    let staged =
        StagedBatch { batch, action, files, quarantine, refused: summary.refused, ignored_columns: summary.ignored_columns };
    Ok((staged, summary.known))
}
