//! Rows as bytes, batch by batch.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use arrow::{
    array::RecordBatch,
    csv,
    datatypes::SchemaRef,
    error::ArrowError,
    ipc::writer::StreamWriter,
    json::{
        WriterBuilder,
        writer::{JsonArray, LineDelimited},
    },
};
use bytes::Bytes;
use lakehouse_service::Problem;
use lakehouse_wire::RowWriter;
use parquet::{arrow::ArrowWriter, file::properties::WriterProperties};
use serde_json::json;

use super::Format;

/// Rows and bytes of a Parquet row group: it is held until it is complete.
const GROUP_ROWS: usize = 131_072;
const GROUP_BYTES: usize = 16 << 20;

/// Writes batches in a format.
pub(super) struct Encoder {
    schema: SchemaRef,
    out: Shared,
    writer: Writer,
    rows: usize,
}

enum Writer {
    /// Held back to the end.
    Json(arrow::json::Writer<Shared, JsonArray>),
    NdJson(arrow::json::Writer<Shared, LineDelimited>),
    Csv(Box<csv::Writer<Shared>>),
    Arrow(StreamWriter<Shared>),
    Parquet(Box<ArrowWriter<Shared>>),
    /// Messages of PostgreSQL's protocol.
    Rows(RowWriter, Shared),
}

/// What writers write to, and what is taken from there.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Encoder {
    pub(super) fn new(format: Format, schema: &SchemaRef) -> Result<Self, Problem> {
        let out = Shared::default();
        let writer = Writer::new(format, schema, out.clone()).map_err(unwritable)?;
        Ok(Self { schema: schema.clone(), out, writer, rows: 0 })
    }

    /// Writes messages of PostgreSQL's protocol.
    pub(super) fn rows(writer: RowWriter, schema: &SchemaRef) -> Self {
        let out = Shared::default();
        out.with(|bytes| writer.start(bytes));
        Self { schema: schema.clone(), writer: Writer::Rows(writer, out.clone()), out, rows: 0 }
    }

    /// Writes a batch and gives the bytes that are ready.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<Bytes, Problem> {
        self.rows += batch.num_rows();
        self.writer.write(batch).map_err(unwritable)?;
        Ok(if matches!(self.writer, Writer::Json(_)) { Bytes::new() } else { self.out.take().into() })
    }

    /// Bytes that are held back.
    pub(super) fn held(&self) -> usize {
        self.out.len()
    }

    /// What remains, after the last batch.
    pub(super) fn finish(self, truncated: bool) -> Result<Bytes, Problem> {
        let Self { schema, out, writer, rows } = self;
        let is_json = matches!(writer, Writer::Json(_));
        writer.finish(&schema, rows).map_err(unwritable)?;
        let bytes = out.take();
        if is_json { json_answer(&schema, &bytes, rows, truncated).map_err(Problem::internal) } else { Ok(bytes.into()) }
    }
}

impl Writer {
    fn new(format: Format, schema: &SchemaRef, out: Shared) -> Result<Self, ArrowError> {
        let json = || WriterBuilder::new().with_explicit_nulls(true);
        Ok(match format {
            Format::Json => Self::Json(json().build(out)),
            Format::NdJson => Self::NdJson(json().build(out)),
            Format::Csv => Self::Csv(Box::new(csv::WriterBuilder::new().with_header(true).build(out))),
            Format::Arrow => Self::Arrow(StreamWriter::try_new(out, schema)?),
            Format::Parquet => {
                let groups = WriterProperties::builder().set_max_row_group_row_count(Some(GROUP_ROWS));
                let properties = groups.set_max_row_group_bytes(Some(GROUP_BYTES)).build();
                Self::Parquet(Box::new(ArrowWriter::try_new(out, schema.clone(), Some(properties))?))
            }
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        match self {
            Self::Json(writer) => writer.write(batch),
            Self::NdJson(writer) => writer.write(batch),
            Self::Csv(writer) => writer.write(batch),
            Self::Arrow(writer) => writer.write(batch),
            Self::Parquet(writer) => writer.write(batch).map_err(Into::into),
            Self::Rows(writer, out) => out.with(|bytes| writer.write(batch, bytes)),
        }
    }

    fn finish(self, schema: &SchemaRef, rows: usize) -> Result<(), ArrowError> {
        match self {
            Self::Json(mut writer) => writer.finish(),
            Self::NdJson(mut writer) => writer.finish(),
            // The names of columns come with the first batch, so there has to be one.
            Self::Csv(mut writer) if rows == 0 => writer.write(&RecordBatch::new_empty(schema.clone())),
            Self::Csv(_) => Ok(()),
            Self::Arrow(mut writer) => writer.finish(),
            Self::Parquet(writer) => writer.close().map(drop).map_err(Into::into),
            Self::Rows(writer, out) => {
                out.with(|bytes| writer.finish(bytes));
                Ok(())
            }
        }
    }
}

fn json_answer(schema: &SchemaRef, rows: &[u8], count: usize, truncated: bool) -> Result<Bytes, serde_json::Error> {
    let columns = schema.fields().iter();
    let columns = columns.map(|field| json!({ "name": field.name(), "type": field.data_type().to_string() }));
    let columns = serde_json::to_string(&columns.collect::<Vec<_>>())?;
    let mut answer = Vec::with_capacity(rows.len() + columns.len() + 64);
    answer.extend_from_slice(b"{\"columns\":");
    answer.extend_from_slice(columns.as_bytes());
    answer.extend_from_slice(b",\"rows\":");
    answer.extend_from_slice(if rows.is_empty() { b"[]" } else { rows });
    answer.extend_from_slice(format!(",\"row_count\":{count},\"truncated\":{truncated}}}").as_bytes());
    Ok(answer.into())
}

/// The format has no place for a type of the result, or refused a value of it.
fn unwritable(error: ArrowError) -> Problem {
    tracing::info!(%error, "a result cannot be written in the format that was asked for");
    Problem::unprocessable("the result cannot be written in this format; ask for another one, or cast its columns")
        .with_code("unwritable_result")
}

impl Shared {
    fn with<T>(&self, work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
