//! Splitting a CSV into parts of near-equal row counts.

mod rows;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use serde::Serialize;
use tempfile::TempPath;
use utoipa::ToSchema;

use crate::folder::unfinished_in;
use rows::{MAX_ROW_BYTES, RowFault, Rows};

type AnyRows<'a> = Rows<Box<dyn BufRead + 'a>>;

const BUFFER_BYTES: usize = 1 << 20;
const MAX_PARTS: u32 = 1_000;

/// Why a file cannot be split.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// The name is not that of a CSV.
    #[error("only files that end in .csv or .csv.gz are split")]
    NotCsv,
    /// A number of parts that makes no sense.
    #[error("{0} parts: between 1 and 1000 are possible")]
    Parts(u32),
    /// There is not even a header.
    #[error("the file is empty")]
    Empty,
    /// The row that starts after so many others has no end.
    #[error("the row after row {0} is longer than {MAX_ROW_BYTES} bytes: is a quote not closed?")]
    LongRow(u64),
    /// Decompressed, there is more than allowed.
    #[error("the file has more than {0} bytes")]
    TooLarge(u64),
    /// The compressed bytes make no sense.
    #[error("the file is not valid gzip")]
    Compression(#[source] io::Error),
    /// The disk failed.
    #[error("failed to {act} `{path}`")]
    Io {
        /// `read` or `write`.
        act: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A part that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SplitPart {
    /// Its file name.
    pub name: String,
    /// Its rows, without the header.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
}

/// Splits the CSV at `path` (`.csv` or `.csv.gz`) into `parts` files `<prefix>_part<K>.csv` in `out_dir`, each with the
/// header. Rows are copied as they are; line breaks inside quotes do not end a row; blank lines are left out. The parts appear
/// together, when all of them are written.
pub fn split_csv(path: &Path, out_dir: &Path, parts: u32) -> Result<Vec<SplitPart>, SplitError> {
    let file = File::open(path).map_err(|source| SplitError::Io { act: "read", path: path.to_owned(), source })?;
    let name = path.file_name().and_then(|name| name.to_str()).ok_or(SplitError::NotCsv)?;
    Split { input: Input { file, path: path.to_owned() }, source: CsvName::of(name)?, out_dir, max_bytes: u64::MAX }.run(parts)
}

/// A file name taken apart.
pub(crate) struct CsvName<'a> {
    prefix: &'a str,
    is_compressed: bool,
}

impl<'a> CsvName<'a> {
    pub fn of(name: &'a str) -> Result<Self, SplitError> {
        let plain = name.strip_suffix(".gz");
        let prefix = plain.unwrap_or(name).strip_suffix(".csv").filter(|prefix| !prefix.is_empty());
        Ok(Self { prefix: prefix.ok_or(SplitError::NotCsv)?, is_compressed: plain.is_some() })
    }

    /// The name of the `number`th part.
    pub fn part(&self, number: u32) -> String {
        format!("{}_part{number}.csv", self.prefix)
    }
}

/// A file that is read twice: once to count, once to copy. Opened once, so that both times it is the same.
pub(crate) struct Input {
    pub file: File,
    pub path: PathBuf,
}

/// What is to be split, and where to.
pub(crate) struct Split<'a> {
    pub input: Input,
    pub source: CsvName<'a>,
    pub out_dir: &'a Path,
    /// What the file may have when it is decompressed.
    pub max_bytes: u64,
}

impl Split<'_> {
    pub fn run(self, parts: u32) -> Result<Vec<SplitPart>, SplitError> {
        if !(1..=MAX_PARTS).contains(&parts) {
            return Err(SplitError::Parts(parts));
        }
        let rows = self.count()?;
        let mut input = self.rows()?;
        let header = input.next().map_err(|fault| self.failed(fault))?.ok_or(SplitError::Empty)?.to_vec();
        let parts = u64::from(parts);
        let mut written = Vec::new();
        for (number, at) in (1..).zip(0..parts) {
            let share = rows / parts + u64::from(at < rows % parts);
            written.push((number, self.write_part(&header, share, &mut input)?));
        }
        written.into_iter().map(|(number, part)| self.name(number, part)).collect()
    }

    /// The rows below the header.
    fn count(&self) -> Result<u64, SplitError> {
        let mut rows = self.rows()?;
        let mut bytes = 0;
        while let Some(row) = rows.next().map_err(|fault| self.failed(fault))? {
            bytes += row.len() as u64;
            if bytes > self.max_bytes {
                return Err(SplitError::TooLarge(self.max_bytes));
            }
        }
        rows.count().checked_sub(1).ok_or(SplitError::Empty)
    }

    fn rows(&self) -> Result<AnyRows<'_>, SplitError> {
        let mut file = &self.input.file;
        file.rewind().map_err(|source| self.failed(RowFault::Read(source)))?;
        let plain: Box<dyn Read> =
            if self.source.is_compressed { Box::new(MultiGzDecoder::new(BufReader::new(file))) } else { Box::new(file) };
        Ok(Rows::new(Box::new(BufReader::with_capacity(BUFFER_BYTES, plain))))
    }

    fn failed(&self, fault: RowFault) -> SplitError {
        match fault {
            RowFault::Long(rows) => SplitError::LongRow(rows),
            RowFault::Read(source) if self.source.is_compressed => SplitError::Compression(source),
            RowFault::Read(source) => SplitError::Io { act: "read", path: self.input.path.clone(), source },
        }
    }

    fn write_part(&self, header: &[u8], share: u64, input: &mut AnyRows<'_>) -> Result<Written, SplitError> {
        let failed = |source| SplitError::Io { act: "write", path: self.out_dir.to_owned(), source };
        let (file, path) = unfinished_in(self.out_dir).map_err(failed)?.into_parts();
        let mut file = BufWriter::with_capacity(BUFFER_BYTES, file);
        file.write_all(header).map_err(failed)?;
        let (mut rows, mut bytes) = (0, header.len() as u64);
        while rows < share
            && let Some(row) = input.next().map_err(|fault| self.failed(fault))?
        {
            file.write_all(row).map_err(failed)?;
            rows += 1;
            bytes += row.len() as u64;
        }
        file.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| file.sync_all()).map_err(failed)?;
        Ok(Written { path, rows, bytes })
    }

    fn name(&self, number: u32, part: Written) -> Result<SplitPart, SplitError> {
        let name = self.source.part(number);
        let path = self.out_dir.join(&name);
        part.path.persist(&path).map_err(|error| SplitError::Io { act: "write", path, source: error.error })?;
        Ok(SplitPart { name, rows: part.rows, bytes: part.bytes })
    }
}

/// A part that has no name yet.
struct Written {
    path: TempPath,
    rows: u64,
    bytes: u64,
}
