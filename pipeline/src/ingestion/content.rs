//! What a source's batches are made of: files of the sources folder or dates of a database, and batches of pushed rows.

use std::{io::Write as _, path::PathBuf};

use jiff::civil::Date;
use lakehouse_landing::Gathered;
use lakehouse_spec::{SourceContract, SourceMode};
use tempfile::TempPath;

use super::{
    IngestError,
    days::DayReader,
    files::{content_hash, find_files},
    read::{read_csv, read_file},
    sink::{ReadError, RowSink},
    stage::SourceJob,
};

/// The content of one batch, wherever it lies.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    /// Its name among the source's contents.
    pub name: String,
    pub origin: Origin,
}

/// Where a content lies.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// In a file of the sources folder.
    File(PathBuf),
    /// In the landing place of the lake.
    Pushed(Gathered),
    /// In a database, under this date.
    Day(Date),
}

/// A content that can be read, once.
pub(crate) struct Readable {
    bytes: Bytes,
    contract: SourceContract,
}

/// Where the bytes of a content are now.
enum Bytes {
    File(PathBuf),
    /// A file for as long as it is held.
    Fetched(TempPath),
    /// CSV, as it comes from a database.
    Arriving(DayReader),
}

impl Readable {
    /// Reads everything into `sink`. Blocks.
    pub(crate) fn read(&mut self, sink: &mut RowSink) -> Result<(), ReadError> {
        match &mut self.bytes {
            Bytes::File(path) => read_file(path, &self.contract, sink),
            Bytes::Fetched(path) => read_file(path, &self.contract, sink),
            Bytes::Arriving(rows) => read_csv(rows, &self.contract, sink),
        }
    }

    /// How its rows are written.
    pub(crate) fn contract(&self) -> &SourceContract {
        &self.contract
    }
}

/// Everything the source has: its files in order of name, then what was pushed.
pub(crate) async fn find_contents(job: &SourceJob) -> Result<Vec<Content>, IngestError> {
    let mut contents: Vec<Content> = match &job.days {
        Some(days) => days.contents().await.map_err(job.database_error())?,
        None => {
            let files = find_files(&job.folder, &job.contract.files)?;
            files.into_iter().map(|(name, path)| Content { name, origin: Origin::File(path) }).collect()
        }
    };
    if job.contract.mode == SourceMode::Snapshot && contents.len() > 1 {
        let names: Vec<&str> = contents.iter().map(|content| content.name.as_str()).collect();
        return Err(IngestError::Ambiguous { source_name: job.source.clone(), files: names.join(", ") });
    }
    if job.is_append() {
        let gathered = job.inbox.gathered().await.map_err(job.landing_error())?;
        contents.extend(gathered.into_iter().map(|batch| Content { name: batch.file_name(), origin: Origin::Pushed(batch) }));
    }
    Ok(contents)
}

impl Content {
    /// SHA-256 of its bytes as they lie, in hexadecimal: the batch's name.
    pub(crate) async fn hash(&self, job: &SourceJob) -> Result<String, IngestError> {
        match &self.origin {
            Origin::Pushed(batch) => Ok(batch.sha256.clone()),
            // A date is read once; told to read it again, whatever it holds is another batch.
            Origin::Day(date) if job.reads_again(self) => Ok(format!("{date}/{}", job.run)),
            Origin::Day(date) => Ok(date.to_string()),
            Origin::File(path) => {
                let path = path.clone();
                let hashed = tokio::task::spawn_blocking(move || content_hash(&path)).await.map_err(std::io::Error::other);
                hashed.flatten().map_err(|error| job.read_error(self, ReadError::Io(error)))
            }
        }
    }

    /// The content as a file that can be read.
    pub(crate) async fn readable(&self, job: &SourceJob) -> Result<Readable, IngestError> {
        match &self.origin {
            Origin::File(path) => Ok(Readable { bytes: Bytes::File(path.clone()), contract: job.contract.clone() }),
            Origin::Day(date) => {
                let days = job.days.as_ref().ok_or_else(|| job.missing())?;
                Ok(Readable { bytes: Bytes::Arriving(days.read(*date)), contract: days.contract().await })
            }
            Origin::Pushed(batch) => {
                let failed = |error| job.read_error(self, ReadError::Io(error));
                let file = tempfile::Builder::new().suffix(&self.name).tempfile().map_err(failed)?;
                let (mut file, path) = file.into_parts();
                job.inbox.fetch(batch, |bytes| file.write_all(bytes)).await.map_err(job.landing_error())?;
                Ok(Readable { bytes: Bytes::Fetched(path), contract: job.contract.of_kept_rows() })
            }
        }
    }

    /// The number a batch of it would like to have.
    pub(crate) fn wanted_number(&self, job: &SourceJob) -> Option<i64> {
        match (&self.origin, &job.contract.database) {
            (Origin::Day(date), Some(database)) => Some(database.batch_number(*date)),
            _ => None,
        }
    }

    /// Is a batch without a good row a mistake? Pushed rows were good when they came in: if all of them are repetitions, they are
    /// done with.
    pub(crate) fn must_have_rows(&self) -> bool {
        matches!(self.origin, Origin::File(_))
    }
}
