//! Apache Parquet. Values go through the same text parsers as every other format, so that one contract holds for all.

use std::{fs::File, path::Path};

use arrow::{
    array::RecordBatch,
    util::display::{ArrayFormatter, FormatOptions},
};
use lakehouse_spec::SourceContract;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{
    super::sink::{ReadError, RowSink},
    positions,
};

/// Reads every row; a row's line is its place in the file, from 1.
pub(super) fn read(path: &Path, contract: &SourceContract, sink: &mut RowSink) -> Result<(), ReadError> {
    let not_parquet = |error: &dyn std::fmt::Display| ReadError::Shape(format!("is not a whole Parquet file: {error}"));
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?).map_err(|error| not_parquet(&error))?;
    let names: Vec<String> = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
    let positions = positions(&names, contract, sink)?;
    let mut line = 0;
    for batch in builder.build().map_err(|error| not_parquet(&error))? {
        let batch = batch.map_err(|error| not_parquet(&error))?;
        line = read_batch(&batch, &positions, line, sink)?;
    }
    Ok(())
}

fn read_batch(batch: &RecordBatch, positions: &[usize], mut line: u64, sink: &mut RowSink) -> Result<u64, ReadError> {
    let options = FormatOptions::new()
        .with_null("")
        .with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.f"))
        .with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.fZ"));
    let formatters = positions
        .iter()
        .map(|position| ArrayFormatter::try_new(batch.column(*position).as_ref(), &options))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| ReadError::Shape(format!("has a column of a type that no contract knows: {error}")))?;
    for row in 0..batch.num_rows() {
        line += 1;
        let texts: Vec<String> = formatters.iter().map(|formatter| formatter.value(row).to_string()).collect();
        let fields: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        sink.row(line, &fields, || texts.join(","))?;
    }
    Ok(line)
}
