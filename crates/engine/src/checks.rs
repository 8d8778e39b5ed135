//! Checks: rules that every row of a select must meet, evaluated on the way to the table.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arrow::{
    array::{Array as _, AsArray as _, BooleanArray, RecordBatch},
    compute::{and, filter_record_batch, not, prep_null_mask_filter},
    json::LineDelimitedWriter,
};
use datafusion::{
    error::DataFusionError, logical_expr::simplify::SimplifyContext, optimizer::simplify_expressions::ExprSimplifier,
    physical_expr::PhysicalExpr, prelude::DataFrame,
};
use futures::{StreamExt as _, stream::BoxStream};
use lakehouse_lake::{CommitNote, LakeError, Quarantine, RefusedRow};
use lakehouse_spec::{Check, CheckAction, Schema, TableName};
use tokio::sync::Mutex;

use crate::{EngineError, TableJob};

/// Rows on their way to a table.
pub(crate) type RowStream = BoxStream<'static, Result<RecordBatch, LakeError>>;

/// The checks of one table, ready to evaluate.
pub(crate) struct Checks(Vec<(Check, Arc<dyn PhysicalExpr>)>);

impl Checks {
    /// Compiles the expressions against the columns of `frame`.
    pub(crate) fn compile(frame: &DataFrame, checks: &[Check]) -> Result<Self, LakeError> {
        let plan_error = |source: DataFusionError| LakeError::Plan { source: Box::new(source) };
        let compiled = checks.iter().map(|check| {
            let expression = frame.parse_sql_expr(&check.expect).map_err(plan_error)?;
            let (state, plan) = frame.clone().into_parts();
            // Some functions, such as `coalesce`, exist only until an expression is simplified.
            let context = SimplifyContext::builder()
                .with_schema(plan.schema().clone())
                .with_config_options(state.config_options().clone())
                .with_current_time()
                .build();
            let simplifier = ExprSimplifier::new(context);
            let expression = simplifier.coerce(expression, plan.schema()).and_then(|typed| simplifier.simplify(typed));
            let physical = expression.and_then(|simple| state.create_physical_expr(simple, plan.schema()));
            Ok((check.clone(), physical.map_err(plan_error)?))
        });
        compiled.collect::<Result<_, _>>().map(Self)
    }
}

/// Evaluates checks on batches and keeps count; shared by the streams of one table.
pub(crate) struct CheckRunner {
    checks: Vec<(Check, Arc<dyn PhysicalExpr>, AtomicU64)>,
    quarantine: Mutex<Quarantine>,
    table: TableName,
}

impl CheckRunner {
    pub(crate) fn new(job: TableJob<'_>, checks: Checks) -> Result<Arc<Self>, LakeError> {
        let name = format!("{}_{}", job.table.schema.as_str(), job.table.table);
        let quarantine = TableName::new(Schema::Quarantine, &name).map_err(|_| LakeError::UnknownTable { table: name })?;
        Ok(Arc::new(Self {
            checks: checks.0.into_iter().map(|(check, expression)| (check, expression, AtomicU64::new(0))).collect(),
            quarantine: Mutex::new(Quarantine::new(job.lake, job.domain, quarantine, &format!("{}.{}", job.run, job.table))),
            table: job.table.clone(),
        }))
    }

    /// The rows of `stream` that may reach the table.
    pub(crate) fn wrap(self: &Arc<Self>, stream: RowStream) -> RowStream {
        if self.checks.is_empty() {
            return stream;
        }
        let runner = self.clone();
        stream
            .then(move |batch| {
                let runner = runner.clone();
                async move { runner.apply(batch?).await }
            })
            .boxed()
    }

    async fn apply(&self, batch: RecordBatch) -> Result<RecordBatch, LakeError> {
        let mut keep: Option<BooleanArray> = None;
        for (check, expression, broken) in &self.checks {
            let holds = evaluate(expression, &batch)?;
            let broken_rows = (holds.len() - holds.true_count()) as u64;
            if broken_rows == 0 {
                continue;
            }
            broken.fetch_add(broken_rows, Ordering::Relaxed);
            if check.action == CheckAction::Quarantine {
                let refused = filter_record_batch(&batch, &not(&holds).map_err(arrow_error)?).map_err(arrow_error)?;
                self.refuse(check, &refused).await?;
                keep = Some(match keep {
                    Some(kept) => and(&kept, &holds).map_err(arrow_error)?,
                    None => holds,
                });
            }
        }
        match keep {
            Some(keep) => filter_record_batch(&batch, &keep).map_err(arrow_error),
            None => Ok(batch),
        }
    }

    async fn refuse(&self, check: &Check, refused: &RecordBatch) -> Result<(), LakeError> {
        let mut lines = LineDelimitedWriter::new(Vec::new());
        lines.write(refused).and_then(|()| lines.finish()).map_err(arrow_error)?;
        let text = String::from_utf8_lossy(&lines.into_inner()).into_owned();
        let mut quarantine = self.quarantine.lock().await;
        let origin = self.table.to_string();
        for row in text.lines() {
            let refused = RefusedRow { origin: &origin, line: None, reason: check.name.as_str(), row: Some(row) };
            quarantine.add(refused).await?;
        }
        Ok(())
    }

    /// Fails if a `stop` check was broken; else commits the refused rows and tells the counts. Call it when the streams have ended.
    pub(crate) async fn finish(self: Arc<Self>, note: &CommitNote) -> Result<BTreeMap<String, u64>, EngineError> {
        let table = self.table.clone();
        let mut counts = BTreeMap::new();
        for (check, _, broken) in &self.checks {
            let rows = broken.load(Ordering::Relaxed);
            if rows > 0 && check.action == CheckAction::Stop {
                return Err(EngineError::Stopped { table: self.table.clone(), check: check.name.to_string(), rows });
            }
            if rows > 0 {
                counts.insert(check.name.to_string(), rows);
            }
        }
        if let Some(runner) = Arc::into_inner(self) {
            runner.quarantine.into_inner().commit(note.clone()).await.map_err(EngineError::table(&table))?;
        }
        Ok(counts)
    }
}

/// True where the check holds; null counts as broken.
fn evaluate(expression: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<BooleanArray, LakeError> {
    let value = expression.evaluate(batch).and_then(|value| value.into_array(batch.num_rows()));
    let array = value.map_err(|source| LakeError::Execute { source: Box::new(source) })?;
    let holds = array.as_boolean_opt().ok_or_else(|| {
        let reason = format!("a check gives {}, not a boolean", array.data_type());
        LakeError::Plan { source: Box::new(DataFusionError::Plan(reason)) }
    })?;
    Ok(if holds.null_count() > 0 { prep_null_mask_filter(holds) } else { holds.clone() })
}

fn arrow_error(source: arrow::error::ArrowError) -> LakeError {
    LakeError::Execute { source: Box::new(source.into()) }
}
