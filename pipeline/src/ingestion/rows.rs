//! From the text of rows to typed columns, one contract for every file format.

use std::{collections::HashSet, sync::Arc};

use arrow::{
    array::{
        ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int64Array, Int64Builder, RecordBatch, StringBuilder,
        TimestampMicrosecondBuilder,
    },
    datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef, TimeUnit},
    error::ArrowError,
};
use lakehouse_spec::{
    ColumnContract, ColumnType, Pii, SourceContract, parse_boolean, parse_integer, parse_money, parse_month, parse_number,
    parse_timestamp,
};
use roaring::RoaringTreemap;
use twox_hash::XxHash3_128;

/// The column of bronze tables that counts the batches of an append source, from 1; the table is partitioned by it.
pub(crate) const BATCH_NUMBER: &str = "batch_number";

/// The columns of a source's bronze table. `is_append` adds the batch number.
pub(crate) fn bronze_schema(contract: &SourceContract, is_append: bool) -> SchemaRef {
    let mut fields: Vec<Field> = contract
        .stored_columns()
        .map(|column| Field::new(column.name.as_str(), arrow_type(column.kind), !column.required))
        .collect();
    if is_append {
        fields.push(Field::new(BATCH_NUMBER, DataType::Int64, false));
    }
    Arc::new(ArrowSchema::new(fields))
}

fn arrow_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::String => DataType::Utf8,
        ColumnType::Integer => DataType::Int64,
        ColumnType::Number | ColumnType::Money => DataType::Float64,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::Month => DataType::Date32,
        ColumnType::Boolean => DataType::Boolean,
    }
}

/// The keys a source has already used. Whole numbers take about two bytes each when dense; text is held as 128-bit hashes.
#[derive(Debug, Default)]
pub(crate) struct KnownKeys {
    numbers: RoaringTreemap,
    texts: HashSet<u128>,
}

impl KnownKeys {
    /// Adds a key of an earlier batch.
    pub(crate) fn insert_number(&mut self, key: i64) {
        self.numbers.insert(key.cast_unsigned());
    }

    /// Adds a key of an earlier batch.
    pub(crate) fn insert_text(&mut self, key: &str) {
        self.texts.insert(XxHash3_128::oneshot(key.as_bytes()));
    }

    /// True if the key is new.
    fn insert(&mut self, key: &Parsed<'_>) -> bool {
        match key {
            Parsed::Integer(number) => self.numbers.insert(number.cast_unsigned()),
            Parsed::Text(text) => self.texts.insert(XxHash3_128::oneshot(text.as_bytes())),
            Parsed::Number(number) => self.texts.insert(u128::from(number.to_bits())),
            Parsed::Date(date) => self.numbers.insert(u64::from(date.cast_unsigned())),
            Parsed::Boolean(value) => self.numbers.insert(u64::from(*value)),
            Parsed::Absent => true,
        }
    }
}

/// One field, read.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Parsed<'a> {
    Absent,
    Integer(i64),
    Number(f64),
    Date(i32),
    Boolean(bool),
    Text(&'a str),
}

/// Reads rows by a contract into columns; what breaks the contract is told, not stored.
pub(crate) struct RowBuilder {
    columns: Vec<(ColumnContract, ColumnBuilder)>,
    key: usize,
    known: KnownKeys,
    schema: SchemaRef,
    batch_number: Option<i64>,
    rows: usize,
}

enum ColumnBuilder {
    Text(StringBuilder),
    Integer(Int64Builder),
    Number(Float64Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Date(Date32Builder),
    Boolean(BooleanBuilder),
    Dropped,
}

impl RowBuilder {
    /// Starts a batch; `batch_number` is given for append sources.
    pub(crate) fn new(contract: &SourceContract, known: KnownKeys, batch_number: Option<i64>) -> Self {
        let columns: Vec<_> = contract.columns.iter().map(|column| (column.clone(), ColumnBuilder::new(column))).collect();
        let key = columns.iter().position(|(column, _)| contract.key.contains(&column.name)).unwrap_or_default();
        Self { columns, key, known, schema: bronze_schema(contract, batch_number.is_some()), batch_number, rows: 0 }
    }

    /// The keys of all rows so far, for the next batch.
    pub(crate) fn into_known(self) -> KnownKeys {
        self.known
    }

    /// Rows in the columns now.
    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// Adds a row, given as the text of each contract column in the contract's order; empty text means absent.
    /// On `Err`, the rule the row breaks; nothing was added.
    pub(crate) fn add(&mut self, fields: &[&[u8]]) -> Result<(), String> {
        let mut parsed = Vec::with_capacity(self.columns.len());
        for ((column, _), text) in self.columns.iter().zip(fields) {
            let value = if text.is_empty() { Ok(Parsed::Absent) } else { read(column, text) };
            match value {
                Ok(Parsed::Absent) if column.required => return Err(format!("{} is missing", column.name)),
                Ok(value) => parsed.push(value),
                Err(fault) => return Err(format!("{} {fault}", column.name)),
            }
        }
        if !self.known.insert(&parsed[self.key]) {
            return Err(format!("duplicate {}", self.columns[self.key].0.name));
        }
        for ((column, builder), value) in self.columns.iter_mut().zip(&parsed) {
            builder.append(column, value);
        }
        self.rows += 1;
        Ok(())
    }

    /// The rows so far as a batch; the columns start empty again.
    pub(crate) fn finish_batch(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut arrays: Vec<ArrayRef> = self.columns.iter_mut().filter_map(|(_, builder)| builder.finish()).collect();
        if let Some(number) = self.batch_number {
            arrays.push(Arc::new(Int64Array::from_value(number, self.rows)));
        }
        self.rows = 0;
        RecordBatch::try_new(self.schema.clone(), arrays)
    }
}

fn read<'a>(column: &ColumnContract, text: &'a [u8]) -> Result<Parsed<'a>, String> {
    let parsed = match column.kind {
        ColumnType::String => return std::str::from_utf8(text).map(Parsed::Text).map_err(|_| "is not valid UTF-8".to_owned()),
        ColumnType::Integer => parse_integer(text).map(Parsed::Integer),
        ColumnType::Number => parse_number(text).map(Parsed::Number),
        ColumnType::Money => parse_money(text).map(Parsed::Number),
        ColumnType::Timestamp => parse_timestamp(text).map(Parsed::Integer),
        ColumnType::Month => parse_month(text).map(Parsed::Date),
        ColumnType::Boolean => parse_boolean(text).map(Parsed::Boolean),
    };
    parsed.map_err(|fault| fault.to_string())
}

/// The last four characters: what is kept of a masked value.
fn last_four(text: &str) -> &str {
    let start = text.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
    &text[start..]
}

impl ColumnBuilder {
    fn new(column: &ColumnContract) -> Self {
        if column.pii == Pii::Drop {
            return Self::Dropped;
        }
        match column.kind {
            ColumnType::String => Self::Text(StringBuilder::new()),
            ColumnType::Integer => Self::Integer(Int64Builder::new()),
            ColumnType::Number | ColumnType::Money => Self::Number(Float64Builder::new()),
            ColumnType::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            ColumnType::Month => Self::Date(Date32Builder::new()),
            ColumnType::Boolean => Self::Boolean(BooleanBuilder::new()),
        }
    }

    /// A value always has its column's type: [`read`] made it so. Anything else is stored as absent.
    fn append(&mut self, column: &ColumnContract, value: &Parsed<'_>) {
        match (self, value) {
            (Self::Text(builder), Parsed::Text(text)) if column.pii == Pii::Mask => builder.append_value(last_four(text)),
            (Self::Text(builder), Parsed::Text(text)) => builder.append_value(text),
            (Self::Text(builder), _) => builder.append_null(),
            (Self::Integer(builder), Parsed::Integer(number)) => builder.append_value(*number),
            (Self::Integer(builder), _) => builder.append_null(),
            (Self::Number(builder), Parsed::Number(number)) => builder.append_value(*number),
            (Self::Number(builder), _) => builder.append_null(),
            (Self::Timestamp(builder), Parsed::Integer(micros)) => builder.append_value(*micros),
            (Self::Timestamp(builder), _) => builder.append_null(),
            (Self::Date(builder), Parsed::Date(days)) => builder.append_value(*days),
            (Self::Date(builder), _) => builder.append_null(),
            (Self::Boolean(builder), Parsed::Boolean(value)) => builder.append_value(*value),
            (Self::Boolean(builder), _) => builder.append_null(),
            (Self::Dropped, _) => {}
        }
    }

    fn finish(&mut self) -> Option<ArrayRef> {
        Some(match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Number(builder) => Arc::new(builder.finish()),
            Self::Timestamp(builder) => Arc::new(builder.finish()),
            Self::Date(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Dropped => return None,
        })
    }
}
