//! Operators on a leash: whatever reads, joins or multiplies rows gives its thread back now and then, and ends when it is told to.
//!
//! DataFusion makes scans cooperative, and a join may turn one batch of a scan into billions of rows without going back to it, or
//! compare as many and let none through.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Schema},
};
use datafusion::{
    common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion},
    config::ConfigOptions,
    error::Result,
    execution::{SendableRecordBatchStream, TaskContext},
    logical_expr::ColumnarValue,
    physical_expr::PhysicalExpr,
    physical_optimizer::PhysicalOptimizerRule,
    physical_plan::{
        ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
        coop::make_cooperative,
        execution_plan::SchedulingType,
        joins::{HashJoinExec, NestedLoopJoinExec, NestedLoopJoinExecBuilder, utils::JoinFilter},
        stream::RecordBatchStreamAdapter,
        union::{InterleaveExec, UnionExec},
        unnest::UnnestExec,
    },
};
use futures::StreamExt as _;

use crate::{Leash, QueryRefusal};

/// A row that a join copies may have this many bytes, on average over a batch: a batch of copies of a wider one has no limit.
const MOST_ROW_BYTES: usize = 32 << 10;

/// Puts a plan on a leash.
#[derive(Debug)]
pub(crate) struct Leashing(pub Leash);

impl PhysicalOptimizerRule for Leashing {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| self.leash(plan)).map(|leashed| leashed.data)
    }

    fn name(&self) -> &'static str {
        "leashing"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

impl Leashing {
    fn leash(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
        let multiplies = plan.children().len() > 1 || plan.is::<UnnestExec>();
        if !multiplies && !plan.children().is_empty() {
            return Ok(Transformed::no(plan));
        }
        let copies_rows = multiplies && !plan.is::<UnionExec>() && !plan.is::<InterleaveExec>();
        let plan = if copies_rows { self.with_narrow_inputs(self.with_leashed_filter(plan)?)? } else { plan };
        Ok(Transformed::yes(self.exec(plan, usize::MAX)))
    }

    fn with_narrow_inputs(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let inputs = plan.children().into_iter().map(|input| self.exec(input.clone(), MOST_ROW_BYTES)).collect();
        plan.replace_children(inputs, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    /// A join looks at its condition for each of its batches, even if nothing comes of it.
    fn with_leashed_filter(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>()
            && let Some(filter) = join.filter()
        {
            return Ok(Arc::new(NestedLoopJoinExecBuilder::from(join).with_filter(Some(self.filter(filter))).build()?));
        }
        if let Some(join) = plan.downcast_ref::<HashJoinExec>()
            && let Some(filter) = join.filter()
        {
            return join.builder().with_filter(Some(self.filter(filter))).build_exec();
        }
        Ok(plan)
    }

    fn filter(&self, filter: &JoinFilter) -> JoinFilter {
        let expression = LeashedExpr { inner: filter.expression().clone(), leash: self.0.clone() };
        JoinFilter::new(Arc::new(expression), filter.column_indices().to_vec(), filter.schema().clone())
    }

    fn exec(&self, input: Arc<dyn ExecutionPlan>, most_row_bytes: usize) -> Arc<dyn ExecutionPlan> {
        Arc::new(LeashExec::new(input, self.0.clone(), most_row_bytes))
    }
}

/// Asks before each batch whether the query may go on.
#[derive(Debug)]
struct LeashExec {
    input: Arc<dyn ExecutionPlan>,
    leash: Leash,
    most_row_bytes: usize,
    properties: Arc<PlanProperties>,
}

impl LeashExec {
    fn new(input: Arc<dyn ExecutionPlan>, leash: Leash, most_row_bytes: usize) -> Self {
        let properties = PlanProperties::clone(input.properties()).with_scheduling_type(SchedulingType::Cooperative).into();
        Self { input, leash, most_row_bytes, properties }
    }
}

impl DisplayAs for LeashExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LeashExec")
    }
}

impl ExecutionPlan for LeashExec {
    fn name(&self) -> &'static str {
        "LeashExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(children.swap_remove(0), self.leash.clone(), self.most_row_bytes)))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let batches = make_cooperative(self.input.execute(partition, context)?);
        let (schema, leash, most_row_bytes) = (batches.schema(), self.leash.clone(), self.most_row_bytes);
        let asked = batches.map(move |batch| {
            leash.check()?;
            let batch = batch?;
            if most_row_bytes < usize::MAX { narrow(batch, most_row_bytes) } else { Ok(batch) }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, asked)))
    }
}

fn narrow(batch: RecordBatch, most_row_bytes: usize) -> Result<RecordBatch> {
    let slices = batch.columns().iter().map(|column| column.to_data().get_slice_memory_size());
    let bytes: usize = slices.sum::<Result<usize, _>>()?;
    // No row is wide that is not there, though its buffers may have a few bytes.
    if batch.num_rows() == 0 || bytes <= most_row_bytes.saturating_mul(batch.num_rows()) {
        Ok(batch)
    } else {
        Err(QueryRefusal::WideRows.into())
    }
}

/// An expression that asks before it is looked at whether the query may go on.
#[derive(Debug)]
struct LeashedExpr {
    inner: Arc<dyn PhysicalExpr>,
    leash: Leash,
}

impl PhysicalExpr for LeashedExpr {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.inner.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.inner.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        self.leash.check()?;
        self.inner.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Self { inner: children.swap_remove(0), leash: self.leash.clone() }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}

impl fmt::Display for LeashedExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl PartialEq for LeashedExpr {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner)
    }
}

impl Eq for LeashedExpr {}

impl Hash for LeashedExpr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}
