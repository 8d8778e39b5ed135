//! The rows of a push: checked at the door, and made into the bytes that wait.

use std::io::{self, Write as _};

use bytes::Bytes;
use lakehouse_spec::{RowFault, SourceContract, Value};
use zstd::stream::write::Encoder;

use crate::{LandingError, RefusedRow};

/// Compressed bytes that are handed to the store at once.
const BUFFER_BYTES: usize = 1 << 18;
/// Refused rows that are listed; all of them are counted.
const LISTED_ROWS: usize = 100;
/// zstd's fastest level with a ratio worth having.
const COMPRESSION_LEVEL: i32 = 1;

/// Lets rows in that keep a source's contract, as lines without what may not be stored. Blocks; needs no runtime.
///
/// What needs more than the row itself is left to the run: a key that has been used before is found there, and goes to quarantine.
pub struct PushRows {
    contract: SourceContract,
    line: Vec<u8>,
    encoder: Encoder<'static, Vec<u8>>,
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) refused_rows: Vec<RefusedRow>,
}

impl PushRows {
    /// Of a source.
    pub fn new(contract: SourceContract) -> Result<Self, LandingError> {
        let encoder = Encoder::new(Vec::new(), COMPRESSION_LEVEL).map_err(LandingError::Compress)?;
        Ok(Self { contract, line: Vec::new(), encoder, accepted: 0, refused: 0, refused_rows: Vec::new() })
    }

    /// The contract they keep.
    pub fn contract(&self) -> &SourceContract {
        &self.contract
    }

    /// Takes the next row, given as the text of each column in the contract's order; empty text is absent.
    pub fn take(&mut self, fields: &[&[u8]]) -> Result<(), LandingError> {
        match self.write_line(fields) {
            Ok(()) => {
                self.accepted += 1;
                self.encoder.write_all(&self.line).map_err(LandingError::Compress)
            }
            Err(fault) => {
                self.refuse(fault.to_string());
                Ok(())
            }
        }
    }

    /// Counts the next row as refused.
    pub fn refuse(&mut self, reason: String) {
        self.refused += 1;
        if self.refused_rows.len() < LISTED_ROWS {
            self.refused_rows.push(RefusedRow { row: self.accepted + self.refused, reason });
        }
    }

    /// Bytes that can go to the store, once there are enough of them.
    pub fn ready_bytes(&mut self) -> Option<Bytes> {
        let is_enough = self.encoder.get_ref().len() >= BUFFER_BYTES;
        is_enough.then(|| std::mem::take(self.encoder.get_mut()).into())
    }

    /// The rest of the bytes.
    pub(crate) fn last_bytes(&mut self) -> io::Result<Bytes> {
        self.encoder.do_finish()?;
        Ok(std::mem::take(self.encoder.get_mut()).into())
    }

    fn write_line(&mut self, fields: &[&[u8]]) -> Result<(), RowFault> {
        let mut values = Vec::with_capacity(fields.len());
        self.contract.read_row(fields, &mut values)?;
        let mut row = serde_json::Map::new();
        for ((column, text), value) in self.contract.columns.iter().zip(fields).zip(&values) {
            // A protected column is text by its contract; what is read from any other one is kept as it was written.
            let kept = match value {
                Value::Absent => None,
                Value::Text(text) => column.pii.kept(text),
                _ => std::str::from_utf8(text).ok().and_then(|text| column.pii.kept(text)),
            };
            if let Some(kept) = kept {
                row.insert(column.name.to_string(), kept.into());
            }
        }
        self.line.clear();
        self.line.extend_from_slice(serde_json::Value::Object(row).to_string().as_bytes());
        self.line.push(b'\n');
        Ok(())
    }
}
