//! Readers, one a file format. Each hands every row to a [`RowSink`](super::sink::RowSink) as the text of its fields, and holds
//! one row at a time.

mod csv;
mod json;
mod parquet;

use std::{io::Read, path::Path};

use lakehouse_spec::{FileFormat, SourceContract};

use super::{
    files,
    sink::{ReadError, RowSink},
};

/// Reads a whole file into `sink`.
pub(crate) fn read_file(path: &Path, contract: &SourceContract, sink: &mut RowSink) -> Result<(), ReadError> {
    match contract.format {
        FileFormat::Csv => csv::read(files::open(path)?, contract, sink)?,
        FileFormat::Ndjson => json::read_lines(files::open(path)?, contract, sink)?,
        FileFormat::JsonArray | FileFormat::JsonMap => json::read_document(files::open(path)?, contract, sink)?,
        FileFormat::Parquet => parquet::read(path, contract, sink)?,
    }
    sink.flush()
}

/// Reads CSV that is in no file.
pub(crate) fn read_csv(reader: impl Read, contract: &SourceContract, sink: &mut RowSink) -> Result<(), ReadError> {
    csv::read(reader, contract, sink)?;
    sink.flush()
}

/// Where each contract column stands among `names`. Missing ones are an error, unknown ones are noted in `sink`.
fn positions(names: &[String], contract: &SourceContract, sink: &mut RowSink) -> Result<Vec<usize>, ReadError> {
    let positions = contract.positions(names).map_err(ReadError::Shape)?;
    let is_known = |name: &String| contract.columns.iter().any(|column| column.name.as_str() == name);
    sink.ignored_columns = names.iter().filter(|name| !is_known(name)).cloned().collect();
    Ok(positions)
}
