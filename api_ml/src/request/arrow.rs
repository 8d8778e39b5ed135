//! Transactions as an Arrow IPC stream: columns are named like the fields of JSON, and any others are ignored.

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, RecordBatch},
    compute::{CastOptions, cast_with_options},
    datatypes::{DataType, Float64Type, Int64Type},
    error::ArrowError,
    util::display::FormatOptions,
};

use super::{
    Transaction,
    cell::{Cell, transaction},
    transaction::FIELDS,
};

/// Appends the batch's transactions. On `Err`, what is wrong, without the row, which is the one after the last that was appended.
pub fn append(batch: &RecordBatch, transactions: &mut Vec<Transaction>) -> Result<(), String> {
    let mut columns = Vec::with_capacity(FIELDS.len());
    for (name, _) in FIELDS {
        if let Some(column) = batch.column_by_name(name) {
            let column = readable(column).map_err(|error| format!("`{name}` cannot be read: {error}"))?;
            columns.push((name, column));
        }
    }
    for row in 0..batch.num_rows() {
        transactions.push(transaction(columns.iter().map(|(name, column)| (*name, cell(column, row))))?);
    }
    Ok(())
}

/// The column as one of four types. A value that does not fit is an error, never null.
fn readable(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let of_values = |kind: &DataType| match kind {
        DataType::Dictionary(_, values) => (**values).clone(),
        other => other.clone(),
    };
    let to = match of_values(column.data_type()) {
        DataType::Boolean => DataType::Boolean,
        kind if kind.is_integer() => DataType::Int64,
        kind if kind.is_numeric() => DataType::Float64,
        _ => DataType::Utf8,
    };
    let instants = FormatOptions::new().with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.f"));
    let options = CastOptions { safe: false, format_options: instants.with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.f%:z")) };
    cast_with_options(column, &to, &options)
}

fn cell(column: &ArrayRef, row: usize) -> Cell<'_> {
    match column.data_type() {
        _ if column.is_null(row) => Cell::Absent,
        DataType::Boolean => Cell::Flag(column.as_boolean().value(row)),
        DataType::Int64 => Cell::Integer(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Cell::number(column.as_primitive::<Float64Type>().value(row)),
        _ => Cell::Text(column.as_string::<i32>().value(row)),
    }
}
