//! Between Arrow columns and the kernel's slices.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray as _, BooleanBuilder, Float64Builder, Int64Builder, RecordBatch},
    compute::cast,
    datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType},
    error::ArrowError,
};
use lakehouse_signals::{EventColumns, Inputs, Key, OutputKind};
use lakehouse_spec::ColumnName;

/// The columns of a batch as the kernel reads them.
pub(super) struct OwnedEvents {
    times: Vec<i64>,
    ids: Vec<i64>,
    numbers: Vec<Vec<f64>>,
    keys: Vec<Vec<Key>>,
    flags: Vec<Vec<bool>>,
}

impl OwnedEvents {
    /// Reads the plan's inputs out of a batch.
    pub(super) fn read(batch: &RecordBatch, inputs: &Inputs) -> Result<Self, ArrowError> {
        let column = |name: &ColumnName| {
            let missing = || ArrowError::SchemaError(format!("the batch has no column {name}"));
            batch.column_by_name(name.as_str()).ok_or_else(missing)
        };
        let times = column(&inputs.time)?;
        if times.null_count() > 0 {
            return Err(ArrowError::InvalidArgumentError(format!("the time column {} has nulls", inputs.time)));
        }
        Ok(Self {
            times: times.as_primitive::<TimestampMicrosecondType>().values().to_vec(),
            ids: column(&inputs.id)?.as_primitive::<Int64Type>().values().to_vec(),
            numbers: inputs.numbers.iter().map(|name| numbers(column(name)?)).collect::<Result<_, _>>()?,
            keys: inputs.keys.iter().map(|name| keys(column(name)?)).collect::<Result<_, _>>()?,
            flags: inputs.flags.iter().map(|name| flags(column(name)?)).collect::<Result<_, _>>()?,
        })
    }

    /// Calls `use_columns` with the columns as slices.
    pub(super) fn with_columns<T>(&self, use_columns: impl FnOnce(&EventColumns<'_>) -> T) -> T {
        let numbers: Vec<&[f64]> = self.numbers.iter().map(Vec::as_slice).collect();
        let keys: Vec<&[Key]> = self.keys.iter().map(Vec::as_slice).collect();
        let flags: Vec<&[bool]> = self.flags.iter().map(Vec::as_slice).collect();
        use_columns(&EventColumns { times: &self.times, ids: &self.ids, numbers: &numbers, keys: &keys, flags: &flags })
    }
}

fn numbers(array: &ArrayRef) -> Result<Vec<f64>, ArrowError> {
    let array = cast(array, &DataType::Float64)?;
    let values = array.as_primitive::<Float64Type>();
    if values.null_count() == 0 {
        return Ok(values.values().to_vec());
    }
    Ok(values.iter().map(|value| value.unwrap_or(f64::NAN)).collect())
}

fn keys(array: &ArrayRef) -> Result<Vec<Key>, ArrowError> {
    if array.data_type().is_integer() {
        let array = cast(array, &DataType::Int64)?;
        let key = |value: Option<i64>| value.map_or(Key::NULL, Key::from_integer);
        return Ok(array.as_primitive::<Int64Type>().iter().map(key).collect());
    }
    let array = cast(array, &DataType::Utf8)?;
    Ok(array.as_string::<i32>().iter().map(|value| value.map_or(Key::NULL, Key::from_text)).collect())
}

fn flags(array: &ArrayRef) -> Result<Vec<bool>, ArrowError> {
    let array = cast(array, &DataType::Boolean)?;
    Ok(array.as_boolean().iter().map(|value| value.unwrap_or(false)).collect())
}

/// A signal's values as an Arrow column; NaN becomes null.
pub(super) fn output_column(kind: OutputKind, values: &[f64]) -> ArrayRef {
    match kind {
        OutputKind::Float => {
            let mut column = Float64Builder::with_capacity(values.len());
            values.iter().for_each(|value| column.append_option((!value.is_nan()).then_some(*value)));
            Arc::new(column.finish())
        }
        OutputKind::Integer => {
            let mut column = Int64Builder::with_capacity(values.len());
            values.iter().for_each(|value| column.append_option((!value.is_nan()).then_some(*value as i64)));
            Arc::new(column.finish())
        }
        OutputKind::Boolean => {
            let mut column = BooleanBuilder::with_capacity(values.len());
            values.iter().for_each(|value| column.append_option((!value.is_nan()).then_some(*value != 0.0)));
            Arc::new(column.finish())
        }
    }
}
