//! An Arrow IPC stream. Values go through the same text parsers as every other format, so that one contract holds for all.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, RecordBatch, make_array},
    datatypes::{DataType, Schema},
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};
use lakehouse_landing::PushRows;
use lakehouse_service::ArrowStream;

use super::{BodyFault, Reader};

/// Decodes a stream that comes in pieces.
#[derive(Default)]
pub struct Batches {
    stream: ArrowStream,
    /// Where each column of the contract stands in the stream.
    positions: Option<Vec<Option<usize>>>,
}

impl Batches {
    fn batch(&mut self, batch: &RecordBatch, rows: &mut PushRows) -> Result<(), BodyFault> {
        let positions = match self.positions.take() {
            Some(positions) => positions,
            None => positions(&batch.schema(), rows)?,
        };
        let options = FormatOptions::new().with_null("").with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.f"));
        let column = |position: &Option<usize>| position.map(|position| in_utc(batch.column(position))).transpose();
        let columns: Vec<Option<ArrayRef>> = positions.iter().map(column).collect::<Result<_, _>>().map_err(malformed)?;
        let formatters = columns.iter().map(|column| match column {
            Some(column) => ArrayFormatter::try_new(column, &options).map(Some),
            None => Ok(None),
        });
        let formatters: Vec<Option<ArrayFormatter<'_>>> = formatters.collect::<Result<_, _>>().map_err(malformed)?;
        for row in 0..batch.num_rows() {
            let text = |formatter: &Option<ArrayFormatter<'_>>| {
                formatter.as_ref().map(|formatter| formatter.value(row).try_to_string()).transpose()
            };
            match formatters.iter().map(text).collect::<Result<Vec<_>, _>>() {
                Ok(texts) => {
                    let fields: Vec<&[u8]> = texts.iter().map(|text| text.as_deref().unwrap_or_default().as_bytes()).collect();
                    rows.take(&fields)?;
                }
                Err(_) => rows.refuse("it has a value that cannot be read".to_owned()),
            }
        }
        self.positions = Some(positions);
        Ok(())
    }
}

impl Reader for Batches {
    fn take(&mut self, bytes: &[u8], rows: &mut PushRows) -> Result<(), BodyFault> {
        let batches = self.stream.take(bytes).map_err(BodyFault::Malformed)?;
        batches.iter().try_for_each(|batch| self.batch(batch, rows))
    }

    fn end(&mut self, _rows: &mut PushRows) -> Result<(), BodyFault> {
        self.stream.end().map_err(BodyFault::Malformed)
    }
}

/// An instant is one of UTC whatever zone it is shown in, and a contract reads one without a zone as that.
fn in_utc(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        DataType::Timestamp(unit, Some(_)) => {
            let data = column.to_data().into_builder().data_type(DataType::Timestamp(*unit, None)).build()?;
            Ok(make_array(data))
        }
        _ => Ok(Arc::clone(column)),
    }
}

/// A required column that is not there would refuse every row: that is the stream's fault, and said once.
fn positions(schema: &Schema, rows: &PushRows) -> Result<Vec<Option<usize>>, BodyFault> {
    let columns = &rows.contract().columns;
    let positions: Vec<Option<usize>> = columns.iter().map(|column| schema.index_of(column.name.as_str()).ok()).collect();
    let missing = columns.iter().zip(&positions).filter(|(column, position)| column.required && position.is_none());
    let missing: Vec<&str> = missing.map(|(column, _)| column.name.as_str()).collect();
    if missing.is_empty() {
        return Ok(positions);
    }
    Err(BodyFault::Malformed(format!("the stream has no column {}", missing.join(", "))))
}

fn malformed(error: ArrowError) -> BodyFault {
    BodyFault::Malformed(format!("the body is not a whole Arrow IPC stream: {error}"))
}
