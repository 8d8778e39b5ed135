//! Comma-separated values with a header.

use std::io::Read;

use csv::ByteRecord;
use lakehouse_spec::{CsvRecords, SourceContract};

use super::{
    super::sink::{ReadError, RowSink},
    positions,
};

/// Reads every record; one with another number of fields than the header is refused, not the file.
pub(super) fn read(reader: impl Read, contract: &SourceContract, sink: &mut RowSink) -> Result<(), ReadError> {
    let mut records = CsvRecords::open(reader)?;
    let positions = positions(records.names(), contract, sink)?;
    let mut record = ByteRecord::new();
    let mut fields: Vec<&[u8]> = Vec::new();
    while let Some(line) = records.next(&mut record)? {
        let is_good = match records.check_width(&record) {
            Ok(()) => {
                let mut row = std::mem::take(&mut fields);
                row.extend(positions.iter().map(|position| &record[*position]));
                let is_good = sink.row(line, &row, || text(&record))?;
                fields = recycled(row);
                is_good
            }
            Err(reason) => {
                sink.refuse(line, reason, || text(&record))?;
                false
            }
        };
        records.judge(is_good);
    }
    Ok(records.finish()?)
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
