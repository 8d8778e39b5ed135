//! From CSV to the binary rows of `copy`, checked by the contract on the way.

use std::io::Read;

use csv::ByteRecord;
use jiff::civil::Date;
use lakehouse_spec::{ColumnContract, CsvFault, CsvRecords, Pii, SourceContract, Value};
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

impl From<CsvFault> for ReadFault {
    fn from(fault: CsvFault) -> Self {
        match fault {
            CsvFault::Io(error) => Self::Io(error),
            CsvFault::Shape(reason) => Self::Shape(reason),
        }
    }
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
        let mut records = CsvRecords::open(file)?;
        let positions = self.contract.positions(records.names()).map_err(ReadFault::Shape)?;
        let mut record = ByteRecord::new();
        while let Some(line) = records.next(&mut record)? {
            let outcome = records.check_width(&record).and_then(|()| self.row(&record, &positions));
            records.judge(outcome.is_ok());
            match outcome {
                Ok(()) => self.summary.accepted += 1,
                Err(reason) => self.refuse(line, reason),
            }
            if let Some(chunk) = self.rows.take_full() {
                self.chunks.blocking_send(Chunk::Rows(chunk)).map_err(|_| ReadFault::Closed)?;
            }
        }
        records.finish()?;
        if self.summary.accepted > 0 {
            self.chunks.blocking_send(Chunk::Last(self.rows.finish())).map_err(|_| ReadFault::Closed)?;
        }
        Ok(self.summary)
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
