//! Running a stage model: its select, checked and written in one commit.

use std::{sync::Arc, time::Instant};

use arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef, TimeUnit};
use datafusion::{
    logical_expr::{Expr, cast, col},
    physical_plan::execute_stream_partitioned,
    prelude::DataFrame,
};
use futures::StreamExt as _;
use lakehouse_lake::{Lake, LakeError, LakeTable, QueryStream};
use lakehouse_spec::{StageModel, TableName};
use serde_json::json;

use crate::{
    Decision, EngineError, StepReport, TableJob,
    checks::{CheckRunner, Checks},
    definition_hash,
    job::Prepared,
    lookback,
    sink::{commit, write_streams},
};

/// Brings a stage model's table up to date. Memory is bounded by the lake's limit; the table changes in one commit or not at all.
pub async fn run_select(job: TableJob<'_>, model: &StageModel) -> Result<StepReport, EngineError> {
    let started = Instant::now();
    let failed = EngineError::table(job.table);
    let mut prepared = job.prepare(definition_hash(job.sql, &json!(model)), &model.write).await?;
    if let Some(version) = prepared.unchanged_at {
        return Ok(job.unchanged(version, started));
    }
    let mut new = None;
    if let Decision::Append { from, since } = &prepared.decision {
        new = new_rows(job.lake, &prepared.inputs, from, *since).await.map_err(&failed)?;
        if new.is_none() {
            prepared.decision = Decision::Rebuild { reason: format!("rows of {from} were replaced") };
        }
    }
    let after = match model.write.lookback() {
        Some(lookback) => lookback::prepare(job, &mut prepared, &model.write, lookback, new).await.map_err(&failed)?,
        None => {
            new.map_or(Ok(()), |new| prepared.session.register(new)).map_err(&failed)?;
            None
        }
    };
    write(job, model, prepared, after, started).await
}

/// Writes the result, or of it only the rows that `only` holds for.
async fn write(
    job: TableJob<'_>,
    model: &StageModel,
    prepared: Prepared,
    only: Option<Expr>,
    started: Instant,
) -> Result<StepReport, EngineError> {
    let failed = EngineError::table(job.table);
    let frame = prepared.session.frame(job.sql).await.map_err(&failed)?;
    let (mut frame, schema) = in_delta_types(frame).map_err(&failed)?;
    if let Some(only) = only {
        frame = frame.filter(only).map_err(|source| LakeError::Plan { source: Box::new(source) }).map_err(&failed)?;
    }
    expect_columns(job.table, model, &schema)?;
    let checks = Checks::compile(&frame, &model.checks).map_err(&failed)?;
    let context = Arc::new(frame.task_ctx());
    let plan = frame.create_physical_plan().await.map_err(execute_error).map_err(&failed)?;
    let streams = execute_stream_partitioned(plan, context).map_err(execute_error).map_err(&failed)?;
    let runner = CheckRunner::new(job, checks).map_err(&failed)?;
    let streams = streams.into_iter().map(|stream| runner.wrap(QueryStream::from(stream).boxed())).collect();
    let files = write_streams(job, &schema, streams).await.map_err(&failed)?;
    let broken = runner.finish(&prepared.note).await?;
    let report = commit(job, schema, files, &prepared.decision, prepared.note, started).await.map_err(&failed)?;
    Ok(StepReport { broken, ..report })
}

fn execute_error(source: datafusion::error::DataFusionError) -> LakeError {
    LakeError::Execute { source: Box::new(source) }
}

/// The rows of `from` that its version `since` did not have; `None` when it had rows that are gone.
async fn new_rows(lake: &Lake, inputs: &[LakeTable], from: &TableName, since: u64) -> Result<Option<LakeTable>, LakeError> {
    match inputs.iter().find(|input| input.name == *from) {
        Some(now) => lake.added_since(now, since).await,
        None => Ok(None),
    }
}

/// The same rows in types that every Delta reader knows, every column nullable.
fn in_delta_types(frame: DataFrame) -> Result<(DataFrame, SchemaRef), LakeError> {
    let mut fields = Vec::new();
    let mut columns: Vec<Expr> = Vec::new();
    for field in frame.schema().fields() {
        let kind = delta_type(field.data_type());
        let column = col(datafusion::common::Column::from_name(field.name()));
        columns.push(if kind == *field.data_type() { column } else { cast(column, kind.clone()).alias(field.name()) });
        fields.push(Field::new(field.name(), kind, true));
    }
    let frame = frame.select(columns).map_err(|source| LakeError::Plan { source: Box::new(source) })?;
    Ok((frame, Arc::new(ArrowSchema::new(fields))))
}

fn delta_type(kind: &DataType) -> DataType {
    match kind {
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Null => DataType::Utf8,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Float16 => DataType::Float32,
        DataType::Date64 => DataType::Date32,
        DataType::Timestamp(_, _) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        other => other.clone(),
    }
}

/// Every key and every described column is a column of the select.
fn expect_columns(table: &TableName, model: &StageModel, schema: &SchemaRef) -> Result<(), EngineError> {
    let refuse = |reason: String| Err(EngineError::Columns { table: table.clone(), reason });
    let is_column = |name: &str| schema.field_with_name(name).is_ok();
    if let Some(key) = model.key.iter().find(|key| !is_column(key.as_str())) {
        return refuse(format!("the key `{key}` is not a column of the select"));
    }
    match model.columns.keys().find(|name| !is_column(name)) {
        Some(name) => refuse(format!("the file describes `{name}`, which is not a column of the select")),
        None => Ok(()),
    }
}
