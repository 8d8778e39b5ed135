//! Arrow values as rows for PostgreSQL.

use arrow::{
    array::{Array, ArrayRef, AsArray as _, RecordBatch},
    compute::{CastOptions, cast_with_options},
    datatypes::{DataType, Date32Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType},
    error::ArrowError,
};
use lakehouse_postgres::{CopyRows, SqlType, Unstorable};

/// The type for values of an Arrow type; `None` when there is none.
pub(super) fn sql_type(kind: &DataType) -> Option<SqlType> {
    Some(match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => SqlType::Text,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => SqlType::Integer,
        DataType::Int64 | DataType::UInt32 => SqlType::Bigint,
        DataType::Float32 | DataType::Float64 => SqlType::Double,
        DataType::Boolean => SqlType::Boolean,
        DataType::Date32 => SqlType::Date,
        DataType::Timestamp(_, Some(_)) => SqlType::Timestamptz,
        DataType::Timestamp(_, None) => SqlType::Timestamp,
        _ => return None,
    })
}

/// The one Arrow type that a type is written from.
fn wide(kind: SqlType) -> DataType {
    match kind {
        SqlType::Text => DataType::Utf8,
        SqlType::Integer => DataType::Int32,
        SqlType::Bigint => DataType::Int64,
        SqlType::Double => DataType::Float64,
        SqlType::Boolean => DataType::Boolean,
        SqlType::Date => DataType::Date32,
        SqlType::Timestamptz | SqlType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
    }
}

/// Adds the rows of a batch.
pub(super) fn write(batch: &RecordBatch, rows: &mut CopyRows) -> Result<(), ValueError> {
    let readers = batch.columns().iter().map(Reader::new).collect::<Result<Vec<_>, _>>()?;
    for row in 0..batch.num_rows() {
        rows.start_row(readers.len());
        for (column, reader) in readers.iter().enumerate() {
            let unstorable = |reason| ValueError::Unstorable { column: batch.schema().field(column).name().clone(), reason };
            reader.write(rows, row).map_err(unstorable)?;
        }
    }
    Ok(())
}

/// A value that PostgreSQL has no place for.
#[derive(Debug, thiserror::Error)]
pub(super) enum ValueError {
    #[error("`{column}` {reason}")]
    Unstorable { column: String, reason: Unstorable },
    #[error(transparent)]
    Arrow(#[from] ArrowError),
}

/// One column of a batch, in the type it is written from.
struct Reader {
    array: ArrayRef,
    kind: SqlType,
}

impl Reader {
    fn new(column: &ArrayRef) -> Result<Self, ArrowError> {
        let unknown = || ArrowError::NotYetImplemented(format!("there is no type for {}", column.data_type()));
        let kind = sql_type(column.data_type()).ok_or_else(unknown)?;
        // Every cast here is to a wider type; one that fails is an error and not a null.
        let options = CastOptions { safe: false, ..CastOptions::default() };
        Ok(Self { array: cast_with_options(column, &wide(kind), &options)?, kind })
    }

    fn write(&self, rows: &mut CopyRows, row: usize) -> Result<(), Unstorable> {
        let array = &self.array;
        match self.kind {
            _ if array.is_null(row) => rows.null(),
            SqlType::Text => rows.text(array.as_string::<i32>().value(row))?,
            SqlType::Integer => rows.integer(array.as_primitive::<Int32Type>().value(row)),
            SqlType::Bigint => rows.bigint(array.as_primitive::<Int64Type>().value(row)),
            SqlType::Double => rows.double(array.as_primitive::<Float64Type>().value(row)),
            SqlType::Boolean => rows.boolean(array.as_boolean().value(row)),
            SqlType::Date => rows.date(array.as_primitive::<Date32Type>().value(row)),
            SqlType::Timestamptz | SqlType::Timestamp => {
                rows.instant(array.as_primitive::<TimestampMicrosecondType>().value(row))?;
            }
        }
        Ok(())
    }
}
