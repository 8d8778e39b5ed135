//! From the text of rows to typed columns, one contract for every file format.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int64Array, Int64Builder, RecordBatch, StringBuilder,
        TimestampMicrosecondBuilder,
    },
    datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef, TimeUnit},
    error::ArrowError,
};
use lakehouse_spec::{ColumnContract, ColumnName, ColumnType, Pii, SourceContract, Value};

use super::keys::KnownKeys;

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

/// Reads rows by a contract into columns; what breaks the contract is told, not stored.
pub(crate) struct RowBuilder {
    contract: SourceContract,
    columns: Vec<ColumnBuilder>,
    /// Where the columns of the key stand.
    key: Vec<usize>,
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
        let columns = contract.columns.iter().map(ColumnBuilder::new).collect();
        let place = |key: &ColumnName| contract.columns.iter().position(|column| column.name == *key);
        let key = contract.key.iter().filter_map(place).collect();
        let schema = bronze_schema(contract, batch_number.is_some());
        Self { contract: contract.clone(), columns, key, known, schema, batch_number, rows: 0 }
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
        let mut values = Vec::with_capacity(self.columns.len());
        self.contract.read_row(fields, &mut values).map_err(|fault| fault.to_string())?;
        let is_new = match self.key.as_slice() {
            [] => true,
            [key] => self.known.insert(&values[*key]),
            keys => self.known.insert_all(keys.iter().map(|key| values[*key])),
        };
        if !is_new {
            let names: Vec<&str> = self.contract.key.iter().map(ColumnName::as_str).collect();
            return Err(format!("duplicate {}", names.join(", ")));
        }
        for ((column, builder), value) in self.contract.columns.iter().zip(&mut self.columns).zip(&values) {
            builder.append(column, value);
        }
        self.rows += 1;
        Ok(())
    }

    /// The rows so far as a batch; the columns start empty again.
    pub(crate) fn finish_batch(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut arrays: Vec<ArrayRef> = self.columns.iter_mut().filter_map(ColumnBuilder::finish).collect();
        if let Some(number) = self.batch_number {
            arrays.push(Arc::new(Int64Array::from_value(number, self.rows)));
        }
        self.rows = 0;
        RecordBatch::try_new(self.schema.clone(), arrays)
    }
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

    /// A value always has its column's type: reading made it so. Anything else is stored as absent.
    fn append(&mut self, column: &ColumnContract, value: &Value<'_>) {
        match (self, value) {
            (Self::Text(builder), Value::Text(text)) => builder.append_option(column.pii.kept(text)),
            (Self::Text(builder), _) => builder.append_null(),
            (Self::Integer(builder), Value::Integer(number)) => builder.append_value(*number),
            (Self::Integer(builder), _) => builder.append_null(),
            (Self::Number(builder), Value::Number(number)) => builder.append_value(*number),
            (Self::Number(builder), _) => builder.append_null(),
            (Self::Timestamp(builder), Value::Integer(micros)) => builder.append_value(*micros),
            (Self::Timestamp(builder), _) => builder.append_null(),
            (Self::Date(builder), Value::Date(days)) => builder.append_value(*days),
            (Self::Date(builder), _) => builder.append_null(),
            (Self::Boolean(builder), Value::Boolean(value)) => builder.append_value(*value),
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
