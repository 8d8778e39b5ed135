//! Where readers put rows: batches of good ones and single refused ones, over a bounded channel to whoever stores them.

use arrow::array::RecordBatch;
use lakehouse_spec::{CsvFault, SourceContract};
use tokio::sync::mpsc::Sender;

use super::{keys::KnownKeys, rows::RowBuilder};

/// Rows in a batch: enough to keep columns efficient, few enough to keep memory flat.
const BATCH_ROWS: usize = 16_384;

/// What a reader found.
pub(crate) enum Found {
    /// Rows that keep the contract.
    Rows(RecordBatch),
    /// A row that does not.
    Refused {
        /// Its line in the file, from 1.
        line: u64,
        /// The rule it breaks.
        reason: String,
        /// Its text, unless the source has protected columns.
        row: Option<String>,
    },
}

/// Why a reader stopped before the end of its file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The bytes could not be read or decompressed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The file is not what its contract says; the text ends a sentence that starts with the file's name.
    #[error("{0}")]
    Shape(String),
    /// Whoever stores the rows has given up.
    #[error("the rows could not be stored")]
    Closed,
}

impl From<CsvFault> for ReadError {
    fn from(fault: CsvFault) -> Self {
        match fault {
            CsvFault::Io(error) => Self::Io(error),
            CsvFault::Shape(reason) => Self::Shape(reason),
        }
    }
}

/// What a reader found in a whole file.
pub(crate) struct ReadSummary {
    /// Rows that kept the contract.
    pub accepted: u64,
    /// Rows that broke it.
    pub refused: u64,
    /// The first rule that was broken, with its line.
    pub first_reason: Option<String>,
    /// Columns of the file that the contract does not know.
    pub ignored_columns: Vec<String>,
    /// The keys used so far.
    pub known: KnownKeys,
}

/// Takes rows from a reader. Runs on a blocking thread.
pub(crate) struct RowSink {
    builder: RowBuilder,
    channel: Sender<Found>,
    keeps_text: bool,
    accepted: u64,
    refused: u64,
    first_reason: Option<String>,
    /// Columns of the file that the contract does not know.
    pub ignored_columns: Vec<String>,
}

impl RowSink {
    pub(crate) fn new(contract: &SourceContract, known: KnownKeys, batch_number: Option<i64>, channel: Sender<Found>) -> Self {
        Self {
            builder: RowBuilder::new(contract, known, batch_number),
            channel,
            keeps_text: !contract.has_protected_columns(),
            accepted: 0,
            refused: 0,
            first_reason: None,
            ignored_columns: Vec::new(),
        }
    }

    /// Takes a row; `fields` in the contract's order. `text` gives the row's text if it must be kept.
    /// Tells whether the row was accepted.
    pub(crate) fn row(&mut self, line: u64, fields: &[&[u8]], text: impl FnOnce() -> String) -> Result<bool, ReadError> {
        match self.builder.add(fields) {
            Ok(()) => {
                self.accepted += 1;
                if self.builder.len() == BATCH_ROWS {
                    self.flush()?;
                }
                Ok(true)
            }
            Err(reason) => self.refuse(line, reason, text).map(|()| false),
        }
    }

    /// Refuses a row.
    pub(crate) fn refuse(&mut self, line: u64, reason: String, text: impl FnOnce() -> String) -> Result<(), ReadError> {
        self.refused += 1;
        self.first_reason.get_or_insert_with(|| format!("line {line}: {reason}"));
        let row = self.keeps_text.then(text);
        self.channel.blocking_send(Found::Refused { line, reason, row }).map_err(|_| ReadError::Closed)
    }

    /// What was found, when the file has been read.
    pub(crate) fn finish(self) -> ReadSummary {
        let Self { builder, accepted, refused, first_reason, ignored_columns, .. } = self;
        ReadSummary { accepted, refused, first_reason, ignored_columns, known: builder.into_known() }
    }

    /// Sends the rows that are left.
    pub(crate) fn flush(&mut self) -> Result<(), ReadError> {
        if self.builder.len() == 0 {
            return Ok(());
        }
        let batch = self.builder.finish_batch().map_err(|error| ReadError::Shape(format!("gives no valid batch: {error}")))?;
        self.channel.blocking_send(Found::Rows(batch)).map_err(|_| ReadError::Closed)
    }
}
