//! From CSV to the binary rows of `copy`, checked by the contract on the way.

use std::io::{BufReader, Read};

use csv::{ByteRecord, ReaderBuilder};
use jiff::civil::Date;
use lakehouse_spec::{ColumnContract, Pii, SourceContract, Value};
use tokio::sync::mpsc::Sender;

use super::{Chunk, Verdict};
use crate::{
    binary::{CopyRows, Unstorable},
    columns::Held,
};

/// Verdicts that are kept; the rest is only counted.
const MAX_VERDICTS: usize = 100;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub accepted: u64,
    pub refused: u64,
    pub verdicts: Vec<Verdict>,
}

/// Why reading stopped before the end.
pub(super) enum ReadFault {
    Io(std::io::Error),
    /// The text ends a sentence that starts with the file.
    Shape(String),
    /// Whoever stores the rows has given up.
    Closed,
}

/// Reads on a blocking thread.
pub(super) struct RowReader {
    contract: SourceContract,
    /// How the table holds each column; what is never stored has no place in it.
    held: Vec<Option<Held>>,
    date: i32,
    rows: CopyRows,
    chunks: Sender<Chunk>,
    summary: Summary,
}

impl RowReader {
    pub(super) fn new(contract: &SourceContract, held: Vec<Held>, date: Date, chunks: Sender<Chunk>) -> Self {
        let mut held = held.into_iter();
        let held = contract.columns.iter().map(|column| if column.pii == Pii::Drop { None } else { held.next() }).collect();
        let days = date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24;
        let date = i32::try_from(days).unwrap_or_default();
        Self { contract: contract.clone(), held, date, rows: CopyRows::new(), chunks, summary: Summary::default() }
    }

    /// Reads the whole file. The end is sent only when it is good: without one, nothing is stored.
    pub(super) fn read(mut self, file: impl Read) -> Result<Summary, ReadFault> {
        let tail = TailWatch { reader: BufReader::new(file), last: None };
        let mut reader = ReaderBuilder::new().flexible(true).buffer_capacity(1 << 18).from_reader(tail);
        let header = reader.byte_headers().map_err(csv_fault)?.clone();
        let positions = self.positions(&header)?;
        let mut record = ByteRecord::new();
        let mut last_line_is_bad = None;
        while reader.read_byte_record(&mut record).map_err(csv_fault)? {
            let line = record.position().map_or(0, csv::Position::line);
            let outcome = if record.len() == header.len() {
                self.row(&record, &positions)
            } else {
                Err(format!("{} fields where the header has {}", record.len(), header.len()))
            };
            last_line_is_bad = outcome.is_err().then_some(line);
            match outcome {
                Ok(()) => self.summary.accepted += 1,
                Err(reason) => self.refuse(line, reason),
            }
            if let Some(chunk) = self.rows.take_full() {
                self.chunks.blocking_send(Chunk::Rows(chunk)).map_err(|_| ReadFault::Closed)?;
            }
        }
        if let Some(line) = last_line_is_bad.filter(|_| reader.get_ref().last != Some(b'\n')) {
            return Err(ReadFault::Shape(format!("is cut off: line {line}, the last, has no end and breaks the contract")));
        }
        if self.summary.accepted > 0 {
            self.chunks.blocking_send(Chunk::Last(self.rows.finish())).map_err(|_| ReadFault::Closed)?;
        }
        Ok(self.summary)
    }

    /// Where each column stands in the file.
    fn positions(&self, header: &ByteRecord) -> Result<Vec<usize>, ReadFault> {
        if header.is_empty() {
            return Err(ReadFault::Shape("is empty".to_owned()));
        }
        let names: Vec<_> = header.iter().map(|name| String::from_utf8_lossy(name.trim_ascii())).collect();
        let position = |column: &ColumnContract| {
            names.iter().position(|name| name.strip_prefix('\u{feff}').unwrap_or(name) == column.name.as_str())
        };
        let found: Vec<_> = self.contract.columns.iter().map(|column| (column, position(column))).collect();
        let missing: Vec<_> = found.iter().filter(|(_, at)| at.is_none()).map(|(column, _)| column.name.as_str()).collect();
        if !missing.is_empty() {
            return Err(ReadFault::Shape(format!("has no column {}", missing.join(", "))));
        }
        Ok(found.into_iter().filter_map(|(_, at)| at).collect())
    }

    fn row(&mut self, record: &ByteRecord, positions: &[usize]) -> Result<(), String> {
        let fields: Vec<&[u8]> = positions.iter().map(|position| &record[*position]).collect();
        let mut values = Vec::with_capacity(fields.len());
        self.contract.read_row(&fields, &mut values).map_err(|fault| fault.to_string())?;
        self.rows.start_row(self.held.iter().flatten().count() + 1);
        for (((column, held), value), field) in self.contract.columns.iter().zip(&self.held).zip(values).zip(fields) {
            let Some(held) = held else { continue };
            if let Err(fault) = store(&mut self.rows, column, *held, value, field) {
                self.rows.undo_row();
                return Err(format!("{} {fault}", column.name));
            }
        }
        self.rows.date(self.date);
        Ok(())
    }

    fn refuse(&mut self, line: u64, reason: String) {
        self.summary.refused += 1;
        if self.summary.verdicts.len() < MAX_VERDICTS {
            self.summary.verdicts.push(Verdict { line, reason });
        }
    }
}

fn store(rows: &mut CopyRows, column: &ColumnContract, held: Held, value: Value<'_>, field: &[u8]) -> Result<(), Unstorable> {
    match (held, value) {
        (_, Value::Absent) => rows.null(),
        (_, Value::Text(text)) => rows.text(column.pii.kept(text).unwrap_or_default())?,
        // A table of texts keeps every field as the file has it; what was read is ASCII.
        (Held::Text, _) => rows.text(&String::from_utf8_lossy(field))?,
        (Held::Timestamptz | Held::Timestamp, Value::Integer(micros)) => rows.instant(micros)?,
        (_, Value::Integer(number)) => rows.bigint(number),
        (_, Value::Number(number)) => rows.double(number),
        (_, Value::Date(days)) => rows.date(days),
        (_, Value::Boolean(value)) => rows.boolean(value),
    }
    Ok(())
}

fn csv_fault(error: csv::Error) -> ReadFault {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => ReadFault::Io(error),
        kind => ReadFault::Shape(format!("is not a CSV file: {kind:?}")),
    }
}

/// Remembers the last byte that was read: a file cut off in the middle of a row does not end with a line feed.
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
