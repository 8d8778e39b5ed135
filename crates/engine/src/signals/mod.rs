//! Running a signals file: its events in order of time through the kernel, into one table and one state.

mod columns;
mod drive;

use std::{sync::Arc, time::Instant};

use arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef, TimeUnit};
use datafusion::{
    common::Column,
    logical_expr::{Expr, cast, col},
    prelude::DataFrame,
};
use lakehouse_lake::{LakeError, QueryStream};
use lakehouse_signals::{OutputKind, Plan};
use lakehouse_spec::{ColumnName, SignalsSpec, WriteMode};
use serde_json::json;

use crate::{
    EngineError, StepReport, TableJob, definition_hash,
    sink::{commit, write_streams},
};

/// Brings a signals table up to date. Rows are sorted by time with spilling; the kernel's state grows with the keys and with the
/// events inside the longest window, not with the table.
///
/// `publish` gets the kernel's state after the last event, for the services, before the table is committed: the commit says that
/// both are done, and a run that stops between the two does both again.
pub async fn run_signals<E: From<EngineError>, F: Future<Output = Result<(), E>>>(
    job: TableJob<'_>,
    spec: &SignalsSpec,
    publish: impl FnOnce(Vec<u8>) -> F,
) -> Result<StepReport, E> {
    let started = Instant::now();
    let failed = EngineError::table(job.table);
    let prepared = job.prepare(definition_hash(job.sql, &json!(spec)), &WriteMode::Overwrite).await?;
    if let Some(version) = prepared.unchanged_at {
        return Ok(job.unchanged(version, started));
    }
    let refused = |source| EngineError::Signals { table: job.table.clone(), source };
    let plan = Plan::compile(spec).map_err(|error| refused(error.into()))?;
    let frame = prepared.session.frame(job.sql).await.map_err(&failed)?;
    let frame = events_in_order(job, spec, &plan, frame)?;
    let schema = table_schema(spec, &plan, &frame);
    let rows = frame.execute_stream().await.map_err(|source| failed(LakeError::Execute { source: Box::new(source) }))?;
    let (stream, kernel) = drive::drive(plan, spec, schema.clone(), QueryStream::from(rows));
    let files = write_streams(job, &schema, vec![stream]).await.map_err(&failed)?;
    publish(kernel.await.map_err(refused)?).await?;
    Ok(commit(job, schema, files, &prepared.decision, prepared.note, started).await.map_err(&failed)?)
}

/// The events with the columns the kernel and the table need, by time and id.
fn events_in_order(job: TableJob<'_>, spec: &SignalsSpec, plan: &Plan, frame: DataFrame) -> Result<DataFrame, EngineError> {
    let inputs = plan.inputs();
    let needed = [&inputs.id, &inputs.time].into_iter().chain(&spec.carry).chain(&inputs.numbers).chain(&inputs.keys);
    let mut names: Vec<&ColumnName> = Vec::new();
    for name in needed.chain(&inputs.flags) {
        if frame.schema().field_with_unqualified_name(name.as_str()).is_err() {
            let reason = format!("the select has no column `{name}`, which the signals need");
            return Err(EngineError::Columns { table: job.table.clone(), reason });
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let column = |name: &ColumnName| col(Column::from_name(name.as_str()));
    let columns: Vec<Expr> = names
        .iter()
        .map(|name| {
            if **name == inputs.time {
                cast(column(name), time_type()).alias(name.as_str())
            } else if **name == inputs.id {
                cast(column(name), DataType::Int64).alias(name.as_str())
            } else {
                column(name)
            }
        })
        .collect();
    let order = vec![column(&inputs.time).sort(true, false), column(&inputs.id).sort(true, false)];
    let planned = frame.select(columns).and_then(|frame| frame.sort(order));
    planned.map_err(|source| EngineError::table(job.table)(LakeError::Plan { source: Box::new(source) }))
}

fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// id, time, carried columns, signals.
fn table_schema(spec: &SignalsSpec, plan: &Plan, frame: &DataFrame) -> SchemaRef {
    let carried = [&spec.id, &spec.time].into_iter().chain(&spec.carry);
    let mut fields: Vec<Field> = carried
        .filter_map(|name| {
            let field = frame.schema().field_with_unqualified_name(name.as_str()).ok()?;
            Some(Field::new(name.as_str(), field.data_type().clone(), true))
        })
        .collect();
    fields.extend(plan.outputs().map(|output| {
        let kind = match output.kind {
            OutputKind::Integer => DataType::Int64,
            OutputKind::Float => DataType::Float64,
            OutputKind::Boolean => DataType::Boolean,
        };
        Field::new(output.name.as_str(), kind, true)
    }));
    Arc::new(ArrowSchema::new(fields))
}
