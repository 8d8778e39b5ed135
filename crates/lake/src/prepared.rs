//! A client's query before it runs: its values bound, its columns known.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, RecordBatch, StringArray},
    datatypes::{DataType, SchemaRef},
};
use datafusion::{
    common::{
        ParamValues, ScalarValue, plan_err,
        tree_node::{TreeNode as _, TreeNodeRecursion},
    },
    logical_expr::{Expr, LogicalPlan, Volatility},
    physical_plan::{execute_stream, stream::RecordBatchStreamAdapter},
    prelude::DataFrame,
};
use futures::StreamExt as _;

use crate::{LakeError, Leash, QueryStream, SendableRecordBatchStream, Session, modest};

/// A value for a placeholder.
#[derive(Debug, Clone, PartialEq)]
pub enum BoundValue {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A day, counted from 1970-01-01.
    Day(i32),
    /// An instant, in microseconds since 1970 in UTC.
    Instant(i64),
    /// A date and time without a zone, in microseconds since 1970.
    LocalInstant(i64),
}

/// Values for `$1`, `$2` … or for `$name`.
#[derive(Debug, Clone, PartialEq)]
pub enum BoundValues {
    /// By position.
    Positions(Vec<BoundValue>),
    /// By name, without the `$`.
    Names(BTreeMap<String, BoundValue>),
}

impl Default for BoundValues {
    fn default() -> Self {
        Self::Positions(Vec::new())
    }
}

/// A query that was planned and has not run.
pub struct PreparedQuery {
    frame: DataFrame,
    kind: Kind,
    leash: Leash,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rows,
    /// Tells how a query would run.
    Explanation,
}

impl Session {
    /// Plans a query with its values. Every placeholder needs one, and every value a placeholder.
    pub async fn prepare(&self, sql: &str, values: &BoundValues) -> Result<PreparedQuery, LakeError> {
        let frame = self.frame(sql).await?;
        let plan = frame.logical_plan();
        let wanted = plan.get_parameter_names().map_err(LakeError::plan)?;
        values.check(&wanted, self.has_catalogue()).map_err(LakeError::plan)?;
        modest::check_size(plan).map_err(LakeError::plan)?;
        let kind = match plan {
            LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) => Kind::Explanation,
            _ => Kind::Rows,
        };
        let frame = if wanted.is_empty() { frame } else { frame.with_param_values(values.clone()).map_err(LakeError::plan)? };
        Ok(PreparedQuery { frame, kind, leash: self.leash().clone() })
    }
}

impl PreparedQuery {
    /// The result's columns.
    pub fn schema(&self) -> SchemaRef {
        self.frame.schema().inner().clone()
    }

    /// Would the same rows come again from the same versions of its tables? Not with the time of day or dice in it.
    pub fn is_repeatable(&self) -> Result<bool, LakeError> {
        let mut is_repeatable = self.kind == Kind::Rows;
        let mut look = |expr: &Expr| {
            let changes = |volatility: Volatility| volatility != Volatility::Immutable;
            is_repeatable &= !matches!(expr, Expr::ScalarFunction(call) if changes(call.func.signature().volatility));
            Ok(TreeNodeRecursion::Continue)
        };
        let plan = self.frame.logical_plan();
        plan.apply_with_subqueries(|node| node.apply_expressions(|expr| expr.apply(&mut look))).map_err(LakeError::plan)?;
        Ok(is_repeatable)
    }

    /// Stops it once it runs.
    pub fn leash(&self) -> &Leash {
        &self.leash
    }

    /// Runs it; not more than `limit` rows come.
    pub async fn run(self, limit: usize) -> Result<QueryStream, LakeError> {
        let frame = match self.kind {
            Kind::Rows => self.frame.limit(0, Some(limit)).map_err(LakeError::plan)?,
            Kind::Explanation => self.frame,
        };
        let (state, plan) = frame.into_parts();
        let plan = state.optimize(&plan).map_err(LakeError::plan)?;
        modest::check_literals(&plan).map_err(LakeError::plan)?;
        let plan = state.query_planner().create_physical_plan(&plan, &state).await.map_err(LakeError::plan)?;
        let rows = execute_stream(plan, state.task_ctx()).map_err(LakeError::execute)?;
        if self.kind == Kind::Rows {
            return Ok(rows.into());
        }
        let schema = rows.schema();
        let told = rows.map(|batch| batch.and_then(|batch| Ok(without_files(&batch)?)));
        let told: SendableRecordBatchStream = Box::pin(RecordBatchStreamAdapter::new(schema, told));
        Ok(told.into())
    }
}

impl BoundValues {
    /// Where a statement was put into other words, placeholders may be gone with what they stood in.
    fn check(&self, wanted: &HashSet<String>, may_be_more: bool) -> Result<(), datafusion::error::DataFusionError> {
        let given: HashSet<String> = match self {
            Self::Positions(values) => (1..=values.len()).map(|place| format!("${place}")).collect(),
            Self::Names(values) => values.keys().map(|name| format!("${name}")).collect(),
        };
        let first = |names: &HashSet<String>, others: &HashSet<String>| names.difference(others).min().cloned();
        match (first(wanted, &given), first(&given, wanted)) {
            (Some(name), _) => plan_err!("no value is given for {name}"),
            (_, Some(name)) if !may_be_more => plan_err!("a value is given for {name}, which the query does not have"),
            _ => Ok(()),
        }
    }
}

impl From<BoundValues> for ParamValues {
    fn from(values: BoundValues) -> Self {
        match values {
            BoundValues::Positions(values) => values.into_iter().map(ScalarValue::from).collect::<Vec<_>>().into(),
            BoundValues::Names(values) => {
                values.into_iter().map(|(name, value)| (name, ScalarValue::from(value))).collect::<Vec<_>>().into()
            }
        }
    }
}

impl From<BoundValue> for ScalarValue {
    fn from(value: BoundValue) -> Self {
        match value {
            BoundValue::Null => Self::Null,
            BoundValue::Bool(value) => value.into(),
            BoundValue::Integer(value) => value.into(),
            BoundValue::Float(value) => value.into(),
            BoundValue::Text(value) => value.into(),
            BoundValue::Day(days) => Self::Date32(Some(days)),
            BoundValue::Instant(micros) => Self::TimestampMicrosecond(Some(micros), Some("UTC".into())),
            BoundValue::LocalInstant(micros) => Self::TimestampMicrosecond(Some(micros), None),
        }
    }
}

/// An explanation names the files of a scan; where they are is nobody's business.
fn without_files(batch: &RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
    let cleaned = batch.columns().iter().map(|column| match column.data_type() {
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            Arc::new(
                (0..texts.len()).map(|row| texts.is_valid(row).then(|| hide_files(texts.value(row)))).collect::<StringArray>(),
            ) as ArrayRef
        }
        _ => column.clone(),
    });
    RecordBatch::try_new(batch.schema(), cleaned.collect())
}

const FILES: &str = "file_groups={";

/// Leaves out what stands between the braces of `file_groups={…}`.
fn hide_files(text: &str) -> String {
    let mut parts = text.split(FILES);
    let mut cleaned = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let after = part.find('}').map_or("", |end| &part[end..]);
        cleaned.extend([FILES, "…", after]);
    }
    cleaned.split_inclusive(BETWEEN_WORDS).map(hide_file).collect()
}

const BETWEEN_WORDS: [char; 7] = [' ', ',', '{', '}', '[', ']', '\n'];

/// A word, with what follows it, as it may be told.
fn hide_file(word: &str) -> &str {
    let end = word.trim_end_matches(BETWEEN_WORDS).len();
    if word[..end].contains(".parquet") { &word[end..] } else { word }
}

#[cfg(test)]
mod tests {
    use super::hide_files;

    #[test]
    fn explanations_do_not_tell_where_files_are() {
        let text = "A: file_groups={2 groups: [[lake/a.parquet:0..9], [lake/b.parquet]]}, projection=[x]\n B: file_groups={1}, z";
        assert_eq!(hide_files(text), "A: file_groups={…}, projection=[x]\n B: file_groups={…}, z");
        assert_eq!(hide_files("rows{filename=lake/p=1/a.parquet, x=1}=2, y"), "rows{, x=1}=2, y");
        assert_eq!(hide_files("no scan"), "no scan");
        assert_eq!(hide_files("cut file_groups={lake/a"), "cut file_groups={…");
    }
}
