//! The keys a source has already used.

use std::collections::HashSet;

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, RecordBatch},
    datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimestampMicrosecondType},
};
use lakehouse_spec::Value;
use roaring::RoaringTreemap;
use twox_hash::XxHash3_128;

/// The keys a source has already used. Whole numbers take about two bytes each when dense; text is held as 128-bit hashes.
#[derive(Debug, Default)]
pub(crate) struct KnownKeys {
    numbers: RoaringTreemap,
    texts: HashSet<u128>,
    /// A key of several values on its way into `texts`.
    bytes: Vec<u8>,
}

impl KnownKeys {
    /// Adds a key of several values; true if it is new.
    pub(crate) fn insert_all<'a>(&mut self, key: impl Iterator<Item = Value<'a>>) -> bool {
        self.bytes.clear();
        for value in key {
            // A byte for the kind and, for texts, the length: no two keys look alike.
            match value {
                Value::Absent => self.bytes.push(0),
                Value::Integer(number) => self.bytes.extend([&[1][..], &number.to_le_bytes()].concat()),
                Value::Number(number) => self.bytes.extend([&[2][..], &number.to_le_bytes()].concat()),
                Value::Date(days) => self.bytes.extend([&[3][..], &days.to_le_bytes()].concat()),
                Value::Boolean(value) => self.bytes.extend([4, u8::from(value)]),
                Value::Text(text) => {
                    self.bytes.push(5);
                    self.bytes.extend((text.len() as u64).to_le_bytes());
                    self.bytes.extend(text.as_bytes());
                }
            }
        }
        self.texts.insert(XxHash3_128::oneshot(&self.bytes))
    }

    /// Adds a key of one value; true if it is new.
    pub(crate) fn insert(&mut self, key: &Value<'_>) -> bool {
        match key {
            Value::Integer(number) => self.numbers.insert(number.cast_unsigned()),
            Value::Text(text) => self.texts.insert(XxHash3_128::oneshot(text.as_bytes())),
            Value::Number(number) => self.texts.insert(u128::from(number.to_bits())),
            Value::Date(date) => self.numbers.insert(u64::from(date.cast_unsigned())),
            Value::Boolean(value) => self.numbers.insert(u64::from(*value)),
            Value::Absent => true,
        }
    }

    /// Adds the keys of rows of an earlier batch; the columns are those of the key.
    pub(crate) fn insert_rows(&mut self, batch: &RecordBatch) {
        for row in 0..batch.num_rows() {
            match batch.columns() {
                [key] => self.insert(&value(key, row)),
                keys => self.insert_all(keys.iter().map(|key| value(key, row))),
            };
        }
    }
}

/// A value of a bronze column as it was read.
fn value(column: &ArrayRef, row: usize) -> Value<'_> {
    if column.is_null(row) {
        return Value::Absent;
    }
    match column.data_type() {
        DataType::Int64 => Value::Integer(column.as_primitive::<Int64Type>().value(row)),
        DataType::Timestamp(..) => Value::Integer(column.as_primitive::<TimestampMicrosecondType>().value(row)),
        DataType::Float64 => Value::Number(column.as_primitive::<Float64Type>().value(row)),
        DataType::Date32 => Value::Date(column.as_primitive::<Date32Type>().value(row)),
        DataType::Boolean => Value::Boolean(column.as_boolean().value(row)),
        DataType::Utf8 => Value::Text(column.as_string::<i32>().value(row)),
        // Bronze has no other types.
        _ => Value::Absent,
    }
}

#[cfg(test)]
mod tests {
    use super::{KnownKeys, Value};

    #[test]
    fn keys_of_several_values_are_told_apart_by_all_of_them() {
        let mut known = KnownKeys::default();
        let keys = [
            [Value::Integer(1), Value::Text("N1"), Value::Absent],
            [Value::Integer(1), Value::Absent, Value::Text("N1")],
            [Value::Integer(2), Value::Text("N1"), Value::Absent],
            [Value::Integer(1), Value::Text("N"), Value::Text("1")],
            [Value::Number(1.0), Value::Text("N1"), Value::Absent],
        ];
        assert!(keys.iter().all(|key| known.insert_all(key.iter().copied())));
        assert!(!keys.iter().any(|key| known.insert_all(key.iter().copied())));
    }
}
