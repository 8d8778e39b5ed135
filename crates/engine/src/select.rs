//! Running a stage model: its select, checked and written in one commit.

use std::{sync::Arc, time::Instant};

use arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef, TimeUnit};
use datafusion::{
    logical_expr::{Expr, cast, col},
    physical_plan::execute_stream_partitioned,
    prelude::DataFrame,
};
use futures::StreamExt as _;
use lakehouse_lake::{ChangeMode, CommitNote, Lake, LakeError, LakeTable, QueryStream, Session};
use lakehouse_spec::{DomainName, StageModel, TableName};
use serde_json::json;

use crate::{
    Decision, EngineError, InputVersions, StepReport,
    checks::{CheckRunner, Checks},
    decide, definition_hash,
    sink::{commit, write_streams},
};

/// A stage model to be brought up to date.
#[derive(Debug, Clone, Copy)]
pub struct SelectJob<'a> {
    /// Where its tables are.
    pub lake: &'a Lake,
    /// Its domain.
    pub domain: &'a DomainName,
    /// The table it makes.
    pub table: &'a TableName,
    /// What is promised about the rows.
    pub model: &'a StageModel,
    /// The select.
    pub sql: &'a str,
    /// The run's name, for notes and quarantine.
    pub run: &'a str,
}

/// Brings a stage model's table up to date. Memory is bounded by the lake's limit; the table changes in one commit or not at all.
pub async fn run_select(job: SelectJob<'_>) -> Result<StepReport, EngineError> {
    let started = Instant::now();
    let failed = EngineError::table(job.table);
    let definition = definition_hash(job.sql, &json!(job.model));
    let session = job.lake.session(job.domain);
    let inputs = session.register_references(job.lake, job.sql).await.map_err(&failed)?;
    let versions: InputVersions = inputs.iter().map(|input| (input.name.clone(), input.version)).collect();
    let present = job.lake.table(job.domain, job.table).await.map_err(&failed)?;
    let note = present.as_ref().and_then(|table| table.note.as_ref());
    let mut decision = decide(note, &definition, &versions, &job.model.write);
    if let (Decision::Skip, Some(present)) = (&decision, &present) {
        return Ok(StepReport::unchanged(job.table, present.version, started));
    }
    if let Decision::Append { from, since } = &decision {
        let new = new_files(job.lake, &inputs, from, *since).await.map_err(&failed)?;
        match new {
            Some(new) => session.register(new).map_err(&failed)?,
            None => decision = Decision::Rebuild { reason: format!("rows of {from} were replaced") },
        }
    }
    let note = CommitNote {
        run: job.run.to_owned(),
        definition,
        inputs: versions.iter().map(|(table, version)| (table.to_string(), version.to_string())).collect(),
        ..CommitNote::default()
    };
    write(job, &session, &decision, note, started).await
}

async fn write(
    job: SelectJob<'_>,
    session: &Session,
    decision: &Decision,
    note: CommitNote,
    started: Instant,
) -> Result<StepReport, EngineError> {
    let failed = EngineError::table(job.table);
    let frame = session.frame(job.sql).await.map_err(&failed)?;
    let (frame, schema) = in_delta_types(frame).map_err(&failed)?;
    expect_columns(job, &schema)?;
    let checks = Checks::compile(&frame, &job.model.checks).map_err(&failed)?;
    let context = Arc::new(frame.task_ctx());
    let plan = frame.create_physical_plan().await.map_err(execute_error).map_err(&failed)?;
    let streams = execute_stream_partitioned(plan, context).map_err(execute_error).map_err(&failed)?;
    let runner = CheckRunner::new(job, checks).map_err(&failed)?;
    let streams = streams.into_iter().map(|stream| runner.wrap(QueryStream::from(stream).boxed())).collect();
    let files = write_streams(job.lake, job.domain, job.table, &schema, streams).await.map_err(&failed)?;
    let broken = runner.finish(&note).await?;
    let mode = if matches!(decision, Decision::Append { .. }) { ChangeMode::Append } else { ChangeMode::Overwrite };
    let (rows, bytes) = (files.rows, files.bytes);
    let committed = commit(job.lake, job.domain, job.table, schema, files, mode, note).await.map_err(&failed)?;
    Ok(StepReport {
        table: job.table.clone(),
        decision: decision.to_string(),
        rows,
        bytes,
        version: committed.version(),
        seconds: started.elapsed().as_secs_f64(),
        broken,
    })
}

fn execute_error(source: datafusion::error::DataFusionError) -> LakeError {
    LakeError::Execute { source: Box::new(source) }
}

/// The files of `from` that its version `since` did not have; `None` when it had files that are gone.
async fn new_files(lake: &Lake, inputs: &[LakeTable], from: &TableName, since: u64) -> Result<Option<LakeTable>, LakeError> {
    let Some(now) = inputs.iter().find(|input| input.name == *from) else { return Ok(None) };
    let Some(then) = lake.table_at(&now.domain, &now.name, since).await? else { return Ok(None) };
    let is_in = |table: &LakeTable, path: &object_store::path::Path| table.files.iter().any(|file| file.path == *path);
    if then.files.iter().any(|file| !is_in(now, &file.path)) {
        return Ok(None);
    }
    Ok(Some(now.clone().restricted(|file| !is_in(&then, &file.path))))
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

/// The TOML's columns are the select's, in its order; every key is one of them.
fn expect_columns(job: SelectJob<'_>, schema: &SchemaRef) -> Result<(), EngineError> {
    let refuse = |reason: String| Err(EngineError::Columns { table: job.table.clone(), reason });
    for key in &job.model.key {
        if schema.field_with_name(key.as_str()).is_err() {
            return refuse(format!("the key `{key}` is not a column of the select"));
        }
    }
    let is_column = |name: &&String| schema.field_with_name(name).is_ok();
    match job.model.columns.keys().find(|name| !is_column(name)) {
        Some(name) => refuse(format!("the file describes `{name}`, which is not a column of the select")),
        None => Ok(()),
    }
}
