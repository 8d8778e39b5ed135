//! Pushed rows: read as they come, checked by their source's contract, and kept until a run takes them.

mod arrow;
mod doors;
mod ndjson;
mod reception;

pub use doors::{Closed, Door, Doors};
pub use reception::{PushError, Terms, receive};

use lakehouse_landing::{LandingError, PushRows};

/// How pushed rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushFormat {
    /// One JSON object a line.
    Ndjson,
    /// An Arrow IPC stream.
    Arrow,
}

/// Why a body cannot be read to its end. Rows that only break their contract are refused one by one.
#[derive(Debug, thiserror::Error)]
pub enum BodyFault {
    /// It is not what its content type says; the text is a whole sentence, with no value of a row.
    #[error("{0}")]
    Malformed(String),
    /// The rows could not be kept.
    #[error(transparent)]
    Landing(#[from] LandingError),
}

/// Takes a body in pieces and makes rows of it. Blocks.
trait Reader: Send {
    fn take(&mut self, bytes: &[u8], rows: &mut PushRows) -> Result<(), BodyFault>;
    fn end(&mut self, rows: &mut PushRows) -> Result<(), BodyFault>;
}

impl PushFormat {
    /// By the `Content-Type` of a request.
    pub fn of(content_type: &str) -> Option<Self> {
        match content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Some(Self::Ndjson),
            "application/vnd.apache.arrow.stream" => Some(Self::Arrow),
            _ => None,
        }
    }

    fn reader(self) -> Box<dyn Reader> {
        match self {
            Self::Ndjson => Box::new(ndjson::Lines::default()),
            Self::Arrow => Box::new(arrow::Batches::default()),
        }
    }
}
