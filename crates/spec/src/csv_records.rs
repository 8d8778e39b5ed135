//! The records of a CSV file with a header (RFC 4180), and whether it was cut off.

use std::io::Read;

use csv::{ByteRecord, Reader, ReaderBuilder};

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CsvFault {
    /// The bytes could not be read or decompressed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The file is no CSV file, or not a whole one; the text ends a sentence that starts with the file's name.
    #[error("{0}")]
    Shape(String),
}

/// A file that is read record by record.
pub struct CsvRecords<R> {
    reader: Reader<TailWatch<R>>,
    names: Vec<String>,
    last_bad_line: Option<u64>,
    line: u64,
}

impl<R: Read> CsvRecords<R> {
    /// Reads the header: names without surrounding blanks and without a byte order mark.
    pub fn open(reader: R) -> Result<Self, CsvFault> {
        let tail = TailWatch { reader, last: None };
        let mut reader = ReaderBuilder::new().flexible(true).buffer_capacity(1 << 18).from_reader(tail);
        let header = reader.byte_headers().map_err(fault)?;
        if header.is_empty() {
            return Err(CsvFault::Shape("is empty".to_owned()));
        }
        let text = |name: &[u8]| String::from_utf8_lossy(name.trim_ascii()).into_owned();
        let names = header.iter().enumerate().map(|(position, name)| match text(name) {
            first if position == 0 => first.trim_start_matches('\u{feff}').to_owned(),
            name => name,
        });
        let names = names.collect();
        Ok(Self { reader, names, last_bad_line: None, line: 0 })
    }

    /// The header.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Reads the next record; gives the line it starts at, or nothing at the end of the file.
    pub fn next(&mut self, record: &mut ByteRecord) -> Result<Option<u64>, CsvFault> {
        let found = self.reader.read_byte_record(record).map_err(fault)?;
        self.line = record.position().map_or(0, csv::Position::line);
        Ok(found.then_some(self.line))
    }

    /// Whether the record has as many fields as the header.
    pub fn check_width(&self, record: &ByteRecord) -> Result<(), String> {
        if record.len() == self.names.len() {
            return Ok(());
        }
        Err(format!("{} fields where the header has {}", record.len(), self.names.len()))
    }

    /// Notes whether the record that was read last keeps its contract: the end of the file needs to know.
    pub fn judge(&mut self, is_good: bool) {
        self.last_bad_line = (!is_good).then_some(self.line);
    }

    /// At the end of the file: a last record that is bad and does not end its line was cut off, and the file with it.
    pub fn finish(self) -> Result<(), CsvFault> {
        match self.last_bad_line {
            Some(line) if self.reader.get_ref().last != Some(b'\n') => {
                Err(CsvFault::Shape(format!("is cut off: line {line}, the last, has no end and breaks the contract")))
            }
            _ => Ok(()),
        }
    }
}

fn fault(error: csv::Error) -> CsvFault {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => CsvFault::Io(error),
        kind => CsvFault::Shape(format!("is not a CSV file: {kind:?}")),
    }
}

/// Remembers the last byte that was read.
struct TailWatch<R> {
    reader: R,
    last: Option<u8>,
}

impl<R: Read> Read for TailWatch<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer)?;
        if read > 0 {
            self.last = Some(buffer[read - 1]);
        }
        Ok(read)
    }
}
