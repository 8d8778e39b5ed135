//! Rows in the binary form of `copy … from stdin (format binary)`.

/// Bytes that are sent at once: enough to keep both sides busy, few enough to keep memory flat.
const CHUNK_BYTES: usize = 1 << 18;

/// PostgreSQL counts from 2000-01-01.
const MICROS_TO_2000: i64 = 946_684_800_000_000;
const DAYS_TO_2000: i32 = 10_957;
/// 4713-11-24 BC, the first day it knows, in microseconds since 1970. What can be read ends long before its last.
const FIRST_MICROS: i64 = -210_866_803_200_000_000;

/// A value that PostgreSQL has no place for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unstorable {
    /// A byte that ends texts in C.
    #[error("holds a zero byte, which PostgreSQL's text cannot")]
    ZeroByte,
    /// Before the first day it knows.
    #[error("is an instant that PostgreSQL does not know")]
    Instant,
    /// More than 2 GiB.
    #[error("is longer than a value may be")]
    Length,
}

/// Rows on their way. A row that turns out bad is taken back as a whole.
pub struct CopyRows {
    buffer: Vec<u8>,
    row_start: usize,
}

impl Default for CopyRows {
    fn default() -> Self {
        Self::new()
    }
}

impl CopyRows {
    /// No rows yet.
    pub fn new() -> Self {
        let mut buffer = Vec::with_capacity(CHUNK_BYTES + (CHUNK_BYTES >> 2));
        buffer.extend_from_slice(b"PGCOPY\n\xff\r\n\0");
        // Flags and the length of a header extension: neither.
        buffer.extend_from_slice(&[0; 8]);
        Self { buffer, row_start: 0 }
    }

    /// Starts a row; more fields than fit are refused with the table's columns long before.
    pub fn start_row(&mut self, fields: usize) {
        self.row_start = self.buffer.len();
        self.buffer.extend_from_slice(&i16::try_from(fields).unwrap_or(i16::MAX).to_be_bytes());
    }

    /// Takes the row back.
    pub fn undo_row(&mut self) {
        self.buffer.truncate(self.row_start);
    }

    /// No value.
    pub fn null(&mut self) {
        self.buffer.extend_from_slice(&(-1_i32).to_be_bytes());
    }

    /// A whole number of 64 bits.
    pub fn bigint(&mut self, value: i64) {
        self.field(&value.to_be_bytes());
    }

    /// A whole number of 32 bits.
    pub fn integer(&mut self, value: i32) {
        self.field(&value.to_be_bytes());
    }

    /// A double.
    pub fn double(&mut self, value: f64) {
        self.field(&value.to_be_bytes());
    }

    /// Yes or no.
    pub fn boolean(&mut self, value: bool) {
        self.field(&[u8::from(value)]);
    }

    /// A day, counted from 1970-01-01.
    pub fn date(&mut self, days: i32) {
        self.field(&days.saturating_sub(DAYS_TO_2000).to_be_bytes());
    }

    /// An instant, in microseconds since 1970.
    pub fn instant(&mut self, micros: i64) -> Result<(), Unstorable> {
        if micros < FIRST_MICROS {
            return Err(Unstorable::Instant);
        }
        self.field(&(micros - MICROS_TO_2000).to_be_bytes());
        Ok(())
    }

    /// A text.
    pub fn text(&mut self, text: &str) -> Result<(), Unstorable> {
        if text.as_bytes().contains(&0) {
            return Err(Unstorable::ZeroByte);
        }
        let length = i32::try_from(text.len()).map_err(|_| Unstorable::Length)?;
        self.buffer.extend_from_slice(&length.to_be_bytes());
        self.buffer.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// What is to be sent now, if it is worth it.
    pub fn take_full(&mut self) -> Option<Vec<u8>> {
        (self.buffer.len() >= CHUNK_BYTES).then(|| self.take())
    }

    /// The rest, with the end of all rows.
    pub fn finish(mut self) -> Vec<u8> {
        self.buffer.extend_from_slice(&(-1_i16).to_be_bytes());
        self.buffer
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK_BYTES + (CHUNK_BYTES >> 2)))
    }

    fn field<const N: usize>(&mut self, bytes: &[u8; N]) {
        // At most eight bytes.
        self.buffer.extend_from_slice(&(N as i32).to_be_bytes());
        self.buffer.extend_from_slice(bytes);
    }
}
