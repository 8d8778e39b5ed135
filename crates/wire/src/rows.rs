//! Rows of Arrow as messages: of a query, or of `copy … to stdout`.

use arrow::{
    array::{Array, ArrayRef, AsArray as _, RecordBatch, StringArray},
    compute::{CastOptions, cast_with_options},
    datatypes::{
        DataType, Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
        Time64MicrosecondType, TimestampMicrosecondType,
    },
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};

use crate::{
    Kind,
    backend::write::counted,
    values::{
        bytea, float4, float8, numeric,
        time::{DAYS_TO_2000, MICROS_TO_2000, date, time, timestamp},
    },
};

const COPY_HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// What rows are put into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// The answer of a query.
    Rows,
    /// A file with a tab between values.
    CopyText,
    /// A file with commas, and a line of names if wanted.
    CopyCsv {
        /// Is there one?
        header: bool,
    },
    /// A file in the binary format.
    CopyBinary,
}

/// Writes rows.
#[derive(Debug, Clone)]
pub struct RowWriter {
    /// Name, type, and whether it is wanted in binary.
    columns: Vec<(String, Kind, bool)>,
    framing: Framing,
    /// The head of a binary file comes in one message with what follows it: readers rely on that.
    head: &'static [u8],
}

impl RowWriter {
    /// Rows with these columns.
    pub fn new(columns: Vec<(String, Kind, bool)>, framing: Framing) -> Self {
        let head = if framing == Framing::CopyBinary { COPY_HEAD } else { &[] };
        Self { columns, framing, head }
    }

    /// The columns: name, type, and whether it is wanted in binary.
    pub fn columns(&self) -> &[(String, Kind, bool)] {
        &self.columns
    }

    /// What comes before the first row.
    pub fn start(&self, out: &mut Vec<u8>) {
        if let Framing::CopyCsv { header: true } = self.framing {
            copy_data(out, |out| {
                for (place, (name, ..)) in self.columns.iter().enumerate() {
                    out.extend((place > 0).then_some(b','));
                    csv(name.as_bytes(), out);
                }
                out.push(b'\n');
            });
        }
    }

    /// What comes after the last row.
    pub fn finish(&self, out: &mut Vec<u8>) {
        if self.framing == Framing::CopyBinary {
            copy_data(out, |out| {
                out.extend_from_slice(self.head);
                out.extend_from_slice(&(-1_i16).to_be_bytes());
            });
        }
    }

    /// The rows of a batch, a message each.
    pub fn write(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        let columns = batch.columns().iter().zip(&self.columns);
        let arrays = columns.map(|(array, (_, kind, _))| brought(array, *kind)).collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            match self.framing {
                Framing::Rows => {
                    out.push(b'D');
                    counted(out, 4, |out| self.fields(&arrays, row, out));
                }
                Framing::CopyBinary => {
                    let head = std::mem::take(&mut self.head);
                    copy_data(out, |out| {
                        out.extend_from_slice(head);
                        self.fields(&arrays, row, out);
                    });
                }
                Framing::CopyText => copy_data(out, |out| self.line(&arrays, row, b'\t', out)),
                Framing::CopyCsv { .. } => copy_data(out, |out| self.line(&arrays, row, b',', out)),
            }
        }
        Ok(())
    }

    fn fields(&self, arrays: &[ArrayRef], row: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&(arrays.len() as u16).to_be_bytes());
        for (array, (_, kind, is_binary)) in arrays.iter().zip(&self.columns) {
            field(array, *kind, row, *is_binary || self.framing == Framing::CopyBinary, out);
        }
    }

    fn line(&self, arrays: &[ArrayRef], row: usize, between: u8, out: &mut Vec<u8>) {
        let mut value = Vec::new();
        for (place, (array, (_, kind, _))) in arrays.iter().zip(&self.columns).enumerate() {
            out.extend((place > 0).then_some(between));
            value.clear();
            match (array.is_null(row), between) {
                (true, b'\t') => out.extend_from_slice(b"\\N"),
                (true, _) => {}
                (false, b'\t') => {
                    text(array, *kind, row, &mut value);
                    escaped(&value, out);
                }
                (false, _) => {
                    text(array, *kind, row, &mut value);
                    csv(&value, out);
                }
            }
        }
        out.push(b'\n');
    }
}

fn copy_data(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'd');
    counted(out, 4, body);
}

/// A value of `copy` as text: what would be read as an end is escaped.
fn escaped(value: &[u8], out: &mut Vec<u8>) {
    for byte in value {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => out.push(*other),
        }
    }
}

/// A value of `copy` as CSV: an empty text is quoted, as nothing means null.
fn csv(value: &[u8], out: &mut Vec<u8>) {
    let is_plain = !value.is_empty() && value != b"\\." && !value.iter().any(|byte| b",\"\n\r".contains(byte));
    if is_plain {
        return out.extend_from_slice(value);
    }
    out.push(b'"');
    for byte in value {
        out.extend((*byte == b'"').then_some(b'"'));
        out.push(*byte);
    }
    out.push(b'"');
}

/// The array in the type that its column is written from.
fn brought(array: &ArrayRef, kind: Kind) -> Result<ArrayRef, ArrowError> {
    let wanted = kind.canonical(array.data_type());
    if *array.data_type() == wanted {
        return Ok(array.clone());
    }
    if wanted == DataType::Utf8 && !is_textual(array.data_type()) {
        let options = FormatOptions::default();
        let formatter = ArrayFormatter::try_new(array, &options)?;
        let texts = (0..array.len()).map(|row| array.is_valid(row).then(|| formatter.value(row).to_string()));
        return Ok(std::sync::Arc::new(texts.collect::<StringArray>()));
    }
    cast_with_options(array, &wanted, &CastOptions { safe: false, ..CastOptions::default() })
}

fn is_textual(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        DataType::Dictionary(_, values) => is_textual(values),
        _ => false,
    }
}

fn field(array: &ArrayRef, kind: Kind, row: usize, is_binary: bool, out: &mut Vec<u8>) {
    if array.is_null(row) {
        return out.extend_from_slice(&(-1_i32).to_be_bytes());
    }
    counted(out, 0, |out| if is_binary { binary(array, kind, row, out) } else { text(array, kind, row, out) });
}

fn text(array: &ArrayRef, kind: Kind, row: usize, out: &mut Vec<u8>) {
    let written = match array.data_type() {
        DataType::Boolean => return out.push(if array.as_boolean().value(row) { b't' } else { b'f' }),
        DataType::Utf8 => return out.extend_from_slice(array.as_string::<i32>().value(row).as_bytes()),
        DataType::Binary => return bytea(array.as_binary::<i32>().value(row), out),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float32 => float4(array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => float8(array.as_primitive::<Float64Type>().value(row)),
        DataType::Date32 => date(array.as_primitive::<Date32Type>().value(row).into()),
        DataType::Time64(_) => time(array.as_primitive::<Time64MicrosecondType>().value(row)),
        DataType::Timestamp(_, zone) => {
            timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row), if zone.is_some() { "+00" } else { "" })
        }
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Decimal256(..) => array.as_primitive::<Decimal256Type>().value_as_string(row),
        DataType::List(_) => return list(&array.as_list::<i32>().value(row), kind, out),
        // Nothing else comes out of `brought`; nulls are not written here.
        _ => String::new(),
    };
    out.extend_from_slice(written.as_bytes());
}

fn list(items: &ArrayRef, kind: Kind, out: &mut Vec<u8>) {
    let kind = Kind { is_array: false, ..kind };
    let mut value = Vec::new();
    out.push(b'{');
    for item in 0..items.len() {
        out.extend((item > 0).then_some(b','));
        if items.is_null(item) {
            out.extend_from_slice(b"NULL");
            continue;
        }
        value.clear();
        text(items, kind, item, &mut value);
        let is_plain = !value.is_empty()
            && !value.eq_ignore_ascii_case(b"null")
            && !value.iter().any(|byte| b"{}\",\\".contains(byte) || byte.is_ascii_whitespace());
        if is_plain {
            out.extend_from_slice(&value);
            continue;
        }
        out.push(b'"');
        for byte in &value {
            out.extend(b"\"\\".contains(byte).then_some(b'\\'));
            out.push(*byte);
        }
        out.push(b'"');
    }
    out.push(b'}');
}

fn binary(array: &ArrayRef, kind: Kind, row: usize, out: &mut Vec<u8>) {
    match array.data_type() {
        DataType::Boolean => out.push(u8::from(array.as_boolean().value(row))),
        DataType::Utf8 => out.extend_from_slice(array.as_string::<i32>().value(row).as_bytes()),
        DataType::Binary => out.extend_from_slice(array.as_binary::<i32>().value(row)),
        DataType::Int16 => out.extend_from_slice(&array.as_primitive::<Int16Type>().value(row).to_be_bytes()),
        DataType::Int32 => out.extend_from_slice(&array.as_primitive::<Int32Type>().value(row).to_be_bytes()),
        DataType::Int64 => out.extend_from_slice(&array.as_primitive::<Int64Type>().value(row).to_be_bytes()),
        DataType::Float32 => out.extend_from_slice(&array.as_primitive::<Float32Type>().value(row).to_be_bytes()),
        DataType::Float64 => out.extend_from_slice(&array.as_primitive::<Float64Type>().value(row).to_be_bytes()),
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().value(row).saturating_sub(DAYS_TO_2000);
            out.extend_from_slice(&days.to_be_bytes());
        }
        DataType::Time64(_) => out.extend_from_slice(&array.as_primitive::<Time64MicrosecondType>().value(row).to_be_bytes()),
        DataType::Timestamp(..) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row).saturating_sub(MICROS_TO_2000);
            out.extend_from_slice(&micros.to_be_bytes());
        }
        DataType::Decimal128(..) => numeric::encode(&array.as_primitive::<Decimal128Type>().value_as_string(row), out),
        DataType::Decimal256(..) => numeric::encode(&array.as_primitive::<Decimal256Type>().value_as_string(row), out),
        DataType::List(_) => binary_list(&array.as_list::<i32>().value(row), kind, out),
        _ => {}
    }
}

fn binary_list(items: &ArrayRef, kind: Kind, out: &mut Vec<u8>) {
    let kind = Kind { is_array: false, ..kind };
    let (dimensions, has_nulls) = (i32::from(!items.is_empty()), i32::from(items.null_count() > 0));
    out.extend_from_slice(&dimensions.to_be_bytes());
    out.extend_from_slice(&has_nulls.to_be_bytes());
    out.extend_from_slice(&kind.oid().to_be_bytes());
    if !items.is_empty() {
        out.extend_from_slice(&(items.len() as i32).to_be_bytes());
        out.extend_from_slice(&1_i32.to_be_bytes());
        (0..items.len()).for_each(|item| field(items, kind, item, true, out));
    }
}
