//! Scans that show a part of a table: some rows, and some columns in another form.
//!
//! The rows are chosen and the columns are masked below an operator that has no inputs as far as the planner knows. So no limit or
//! statistic of a query gets below it, no explanation tells what is there, and an expression that fails on a value, or takes its
//! time, only ever meets values that are shown.
//!
//! Nor does a filter get below it, but one: where no row is hidden, a filter over columns that are shown as they are only meets values
//! that whoever asks may read in any case, so it may leave files out, and is applied again above. Where rows are hidden, the time that
//! it saves would tell of the files' least and greatest values, which hidden rows have a part in; and of a masked column it would tell
//! what the mask hides.

use std::{fmt, sync::Arc};

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, RecordBatch, StringArray, new_null_array},
    compute::cast,
    datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef},
    error::ArrowError,
};
use datafusion::{
    catalog::Session as DataFusionSession,
    common::{Column, DFSchema, ScalarValue, tree_node::TreeNodeRecursion},
    error::{DataFusionError, Result},
    execution::{SendableRecordBatchStream, TaskContext},
    logical_expr::{Expr, Operator, binary_expr, col, in_list, lit, not, utils::conjunction},
    physical_expr::{EquivalenceProperties, PhysicalExpr},
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, PlanProperties, ReplaceChildrenOptions,
        filter::FilterExec, stream::RecordBatchStreamAdapter,
    },
};
use futures::StreamExt as _;
use lakehouse_spec::{CompareOp, FilterValue, Mask, RowFilter, TableAccess};
use sha2::{Digest as _, Sha256};

use crate::scan::PinnedTable;

/// What stands before the characters that are kept.
const STARS: &str = "****";

/// What of a table is shown.
pub(crate) struct Guard {
    /// The columns as they are shown.
    pub shown: SchemaRef,
    /// The columns as they are stored, in the same order.
    pub stored: SchemaRef,
    masks: Vec<Option<Mask>>,
    filter: Option<Expr>,
    secret: [u8; 32],
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guard")
    }
}

impl Guard {
    /// The rules over these columns, or what does not fit.
    pub fn new(access: &TableAccess, stored: &SchemaRef, secret: [u8; 32]) -> std::result::Result<Self, String> {
        let mask_of =
            |field: &Arc<Field>| access.masks.iter().find(|(column, _)| column.as_str() == field.name()).map(|(_, mask)| *mask);
        let masks: Vec<Option<Mask>> = stored.fields().iter().map(mask_of).collect();
        let fields = stored.fields().iter().zip(&masks).map(|(field, mask)| match mask {
            None => field.clone(),
            Some(mask) => Arc::new(Field::new(field.name(), kind(*mask, field.data_type()), true)),
        });
        let shown = Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()));
        let filters =
            access.filters.iter().map(|filter| expression(filter, stored)).collect::<std::result::Result<Vec<_>, _>>()?;
        Ok(Self { shown, stored: stored.clone(), masks, filter: conjunction(filters), secret })
    }

    /// Are there rows that are not shown?
    pub fn hides_rows(&self) -> bool {
        self.filter.is_some()
    }

    /// May whoever asks read every value that `filter` meets below the mask?
    pub fn shows_all_of(&self, filter: &Expr) -> bool {
        let is_as_it_is = |column: &str| self.stored.index_of(column).is_ok_and(|place| self.masks[place].is_none());
        !self.hides_rows() && filter.column_refs().iter().all(|column| is_as_it_is(column.name()))
    }

    /// The shown part of `table`, of which `projection` is wanted; all of `filters` met [`Self::shows_all_of`].
    pub async fn scan(
        self: &Arc<Self>,
        table: &PinnedTable,
        state: &dyn DataFusionSession,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted: Vec<usize> = projection.cloned().unwrap_or_else(|| (0..self.stored.fields().len()).collect());
        let mut read = wanted.clone();
        if let Some(filter) = &self.filter {
            read.extend(filter.column_refs().iter().filter_map(|column| self.stored.index_of(column.name()).ok()));
        }
        read.sort_unstable();
        read.dedup();
        let pruning: Vec<Expr> = self.filter.iter().chain(filters).cloned().collect();
        let mut plan = table.scan_files(state, Some(&read), &pruning, None).await?;
        if let Some(filter) = &self.filter {
            let columns = DFSchema::try_from(plan.schema().as_ref().clone())?;
            plan = Arc::new(FilterExec::try_new(state.create_physical_expr(filter.clone(), &columns)?, plan)?);
        }
        let place = |column: &usize| read.iter().position(|read| read == column).unwrap_or_default();
        let columns = wanted.iter().map(|column| (place(column), self.masks[*column])).collect();
        let schema = Arc::new(self.shown.project(&wanted)?);
        Ok(Arc::new(GuardedExec::new(plan, Mapping { schema, columns, secret: self.secret })))
    }
}

fn kind(mask: Mask, stored: &DataType) -> DataType {
    match mask {
        Mask::Null => stored.clone(),
        Mask::Hash | Mask::KeepLast(_) => DataType::Utf8,
    }
}

/// A row filter over stored columns, with literals of their types.
fn expression(filter: &RowFilter, schema: &SchemaRef) -> std::result::Result<Expr, String> {
    let column = |name: &lakehouse_spec::ColumnName| match schema.field_with_name(name.as_str()) {
        Ok(field) => Ok((col(Column::from_name(name.as_str())), field.data_type().clone())),
        Err(_) => Err(format!("there is no column `{name}`")),
    };
    let value = |value: &FilterValue, kind: &DataType| {
        let text = match value {
            FilterValue::Text(text) | FilterValue::Number(text) => text.clone(),
            FilterValue::Boolean(value) => value.to_string(),
            FilterValue::User => return Err("`$user` stands for nobody".to_owned()),
        };
        let value = ScalarValue::try_from_string(text.clone(), kind).ok().filter(|value| !value.is_null());
        value.map(lit).ok_or_else(|| format!("`{text}` is no {kind}"))
    };
    Ok(match filter {
        RowFilter::Compare(name, op, with) => {
            let (column, kind) = column(name)?;
            binary_expr(column, operator(*op), value(with, &kind)?)
        }
        RowFilter::In(name, values) => {
            let (column, kind) = column(name)?;
            let values = values.iter().map(|with| value(with, &kind)).collect::<std::result::Result<_, _>>()?;
            in_list(column, values, false)
        }
        RowFilter::IsNull(name) => column(name)?.0.is_null(),
        RowFilter::Not(inner) => not(expression(inner, schema)?),
        RowFilter::And(left, right) => expression(left, schema)?.and(expression(right, schema)?),
        RowFilter::Or(left, right) => expression(left, schema)?.or(expression(right, schema)?),
    })
}

fn operator(op: CompareOp) -> Operator {
    match op {
        CompareOp::Equal => Operator::Eq,
        CompareOp::NotEqual => Operator::NotEq,
        CompareOp::Less => Operator::Lt,
        CompareOp::LessOrEqual => Operator::LtEq,
        CompareOp::Greater => Operator::Gt,
        CompareOp::GreaterOrEqual => Operator::GtEq,
    }
}

/// How stored columns become shown ones.
#[derive(Clone)]
struct Mapping {
    schema: SchemaRef,
    columns: Vec<(usize, Option<Mask>)>,
    secret: [u8; 32],
}

impl Mapping {
    fn apply(&self, batch: &RecordBatch) -> std::result::Result<RecordBatch, ArrowError> {
        let columns = self.columns.iter().map(|(place, mask)| match mask {
            None => Ok(batch.column(*place).clone()),
            Some(mask) => self.masked(batch.column(*place), *mask),
        });
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns.collect::<std::result::Result<_, _>>()?, &options)
    }

    fn masked(&self, column: &ArrayRef, mask: Mask) -> std::result::Result<ArrayRef, ArrowError> {
        let shown: fn(&Self, &str, u8) -> String = match mask {
            Mask::Null => return Ok(new_null_array(column.data_type(), column.len())),
            Mask::Hash => |mapping, text, _| mapping.digest(text),
            Mask::KeepLast(_) => |_, text, keep| kept(text, keep),
        };
        let keep = if let Mask::KeepLast(keep) = mask { keep } else { 0 };
        let text = cast(column, &DataType::Utf8)?;
        let values = text.as_string::<i32>().iter().map(|value| value.map(|value| shown(self, value, keep)));
        Ok(Arc::new(values.collect::<StringArray>()))
    }

    /// Half of a keyed digest: enough to tell values apart, and not to go on from.
    fn digest(&self, text: &str) -> String {
        let digest = Sha256::new().chain_update(self.secret).chain_update(text).finalize();
        hex::encode(&digest[..16])
    }
}

/// As long for every value, so that no length is told.
fn kept(text: &str, keep: u8) -> String {
    let keep = usize::from(keep);
    match text.char_indices().rev().nth(keep) {
        Some(_) => {
            let start = text.char_indices().rev().nth(keep - 1).map_or(0, |(start, _)| start);
            format!("{STARS}{}", &text[start..])
        }
        None => STARS.to_owned(),
    }
}

/// A scan with nothing below it, as far as anybody can see.
struct GuardedExec {
    inner: Arc<dyn ExecutionPlan>,
    mapping: Mapping,
    properties: Arc<PlanProperties>,
}

impl GuardedExec {
    fn new(inner: Arc<dyn ExecutionPlan>, mapping: Mapping) -> Self {
        // No order and no equality of what is stored is told of what is shown.
        let properties = PlanProperties::new(
            EquivalenceProperties::new(mapping.schema.clone()),
            datafusion::physical_plan::Partitioning::UnknownPartitioning(inner.output_partitioning().partition_count()),
            inner.pipeline_behavior(),
            inner.boundedness(),
        );
        Self { inner, mapping, properties: Arc::new(properties) }
    }
}

impl fmt::Debug for GuardedExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardedExec")
    }
}

impl DisplayAs for GuardedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardedExec")
    }
}

impl ExecutionPlan for GuardedExec {
    fn name(&self) -> &'static str {
        "GuardedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let mapping = self.mapping.clone();
        let rows = self.inner.execute(partition, context)?;
        let shown = rows.map(move |batch| mapping.apply(&batch?).map_err(DataFusionError::from));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.mapping.schema.clone(), shown)))
    }
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn what_is_kept_tells_no_length_and_no_short_value() {
        for (text, keep, wanted) in [
            ("4000123412341234", 4, "****1234"),
            ("1234", 4, "****"),
            ("12345", 4, "****2345"),
            ("", 4, "****"),
            ("é日本語", 2, "****本語"),
            ("ab", 200, "****"),
        ] {
            assert_eq!(kept(text, keep), wanted, "{text}");
        }
    }
}
