//! Comma-separated values with a header, RFC 4180.

use std::io::{BufReader, Read};

use csv::{ByteRecord, ReaderBuilder};
use lakehouse_spec::SourceContract;

use super::{
    super::sink::{ReadError, RowSink},
    positions,
};

/// Reads every record; one with another number of fields than the header is refused, not the file.
pub(super) fn read(reader: impl Read, contract: &SourceContract, sink: &mut RowSink) -> Result<(), ReadError> {
    let tail = TailWatch { reader: BufReader::new(reader), last: None };
    let mut reader = ReaderBuilder::new().flexible(true).buffer_capacity(1 << 18).from_reader(tail);
    let header = reader.byte_headers().map_err(read_error)?.clone();
    if header.is_empty() {
        return Err(ReadError::Shape("is empty".to_owned()));
    }
    let names: Vec<String> = header.iter().map(|name| String::from_utf8_lossy(name.trim_ascii()).into_owned()).collect();
    let names = without_byte_order_mark(names);
    let positions = positions(&names, contract, sink)?;
    let mut record = ByteRecord::new();
    let mut fields: Vec<&[u8]> = Vec::new();
    let mut last_line_is_bad = None;
    while reader.read_byte_record(&mut record).map_err(read_error)? {
        let line = record.position().map_or(0, csv::Position::line);
        let is_good = if record.len() == names.len() {
            let mut row = std::mem::take(&mut fields);
            row.extend(positions.iter().map(|position| &record[*position]));
            let is_good = sink.row(line, &row, || text(&record))?;
            fields = recycled(row);
            is_good
        } else {
            let reason = format!("{} fields where the header has {}", record.len(), names.len());
            sink.refuse(line, reason, || text(&record))?;
            false
        };
        last_line_is_bad = (!is_good).then_some(line);
    }
    match last_line_is_bad {
        Some(line) if reader.get_ref().last != Some(b'\n') => {
            Err(ReadError::Shape(format!("is cut off: line {line}, the last, has no end and breaks the contract")))
        }
        _ => Ok(()),
    }
}

fn read_error(error: csv::Error) -> ReadError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => ReadError::Io(error),
        kind => ReadError::Shape(format!("is not a CSV file: {kind:?}")),
    }
}

fn without_byte_order_mark(mut names: Vec<String>) -> Vec<String> {
    if let Some(first) = names.first_mut()
        && let Some(rest) = first.strip_prefix('\u{feff}')
    {
        *first = rest.to_owned();
    }
    names
}

/// The record as text for the quarantine: fields joined by commas, broken UTF-8 replaced.
fn text(record: &ByteRecord) -> String {
    let fields: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
    fields.join(",")
}

/// The emptied vector for the next record, without the old record's borrows.
fn recycled<'a>(mut row: Vec<&[u8]>) -> Vec<&'a [u8]> {
    row.clear();
    row.into_iter().map(|_| -> &'a [u8] { &[] }).collect()
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
