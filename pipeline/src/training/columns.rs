//! From Arrow batches to the columns training reads.

use arrow::{
    array::{Array, ArrayRef, AsArray as _, RecordBatch},
    compute::cast,
    datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType},
};
use lakehouse_models::{Column, Columns, TextColumn};
use lakehouse_spec::{ModelName, TrainingSpec};
use lakehouse_training::TrainingRows;

use super::TrainError;

/// Collects the rows of one model: 8 bytes a number, 4 a text, 1 a flag.
pub(super) struct RowsBuilder<'a> {
    model: &'a ModelName,
    spec: &'a TrainingSpec,
    times: Vec<i64>,
    labels: Vec<Option<bool>>,
    columns: Vec<(String, Option<Column>)>,
}

impl<'a> RowsBuilder<'a> {
    pub(super) fn new(model: &'a ModelName, spec: &'a TrainingSpec) -> Self {
        let mut columns: Vec<(String, Option<Column>)> = Vec::new();
        for column in spec.features.iter().flat_map(|feature| feature.columns()) {
            if !columns.iter().any(|(name, _)| name == column.as_str()) {
                columns.push((column.to_string(), None));
            }
        }
        Self { model, spec, times: Vec::new(), labels: Vec::new(), columns }
    }

    /// Adds a batch of the model's select.
    pub(super) fn add(&mut self, batch: &RecordBatch) -> Result<(), TrainError> {
        let times =
            self.column_as(batch, self.spec.time.as_str(), &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?;
        if times.null_count() > 0 {
            return Err(self.refuse(format!("the time `{}` has nulls", self.spec.time)));
        }
        let labels = self.column_as(batch, self.spec.label.as_str(), &DataType::Int64)?;
        self.times.extend(times.as_primitive::<TimestampMicrosecondType>().values());
        self.labels.extend(labels.as_primitive::<Int64Type>().iter().map(|label| label.map(|label| label != 0)));
        for position in 0..self.columns.len() {
            let array = self.column(batch, &self.columns[position].0)?;
            let appended = append(&mut self.columns[position].1, &array);
            appended.map_err(|reason| self.refuse(format!("`{}` {reason}", self.columns[position].0)))?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<TrainingRows, TrainError> {
        let Self { model, times, labels, columns, .. } = self;
        let refuse = |reason: String| TrainError::Columns { model: model.clone(), reason };
        let columns = columns.into_iter().map(|(name, column)| match column {
            Some(column) => Ok((name, column)),
            None => Err(refuse("the select gives no rows".to_owned())),
        });
        let columns = Columns::new(columns.collect::<Result<_, _>>()?).map_err(|error| refuse(error.to_string()))?;
        TrainingRows::new(times, labels, columns).map_err(|error| refuse(error.to_string()))
    }

    fn column(&self, batch: &RecordBatch, name: &str) -> Result<ArrayRef, TrainError> {
        batch.column_by_name(name).cloned().ok_or_else(|| self.refuse(format!("the select has no column `{name}`")))
    }

    fn column_as(&self, batch: &RecordBatch, name: &str, kind: &DataType) -> Result<ArrayRef, TrainError> {
        cast(&self.column(batch, name)?, kind).map_err(|_| self.refuse(format!("`{name}` cannot be read as {kind}")))
    }

    fn refuse(&self, reason: String) -> TrainError {
        TrainError::Columns { model: self.model.clone(), reason }
    }
}

fn append(column: &mut Option<Column>, array: &ArrayRef) -> Result<(), String> {
    let column = column.get_or_insert_with(|| match array.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Column::Text(TextColumn::default()),
        DataType::Boolean => Column::Flag(Vec::new()),
        _ => Column::Number(Vec::new()),
    });
    let as_kind =
        |kind: DataType| cast(array, &kind).map_err(|_| format!("holds {}, which no transform takes", array.data_type()));
    match column {
        Column::Number(numbers) if matches!(array.data_type(), DataType::Timestamp(_, _)) => {
            let micros = as_kind(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?;
            let micros = micros.as_primitive::<TimestampMicrosecondType>();
            numbers.extend(micros.iter().map(|value| value.map_or(f64::NAN, |micros| micros as f64)));
        }
        Column::Number(numbers) => {
            let values = as_kind(DataType::Float64)?;
            numbers.extend(values.as_primitive::<Float64Type>().iter().map(|value| value.unwrap_or(f64::NAN)));
        }
        Column::Flag(flags) => flags.extend(as_kind(DataType::Boolean)?.as_boolean().iter()),
        Column::Text(texts) => as_kind(DataType::Utf8)?.as_string::<i32>().iter().for_each(|text| texts.push(text)),
    }
    Ok(())
}
