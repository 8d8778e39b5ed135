//! What a client's plan may look like. A plan that passes costs time and memory, which are limited elsewhere; one that does not
//! would cost them before anybody looks, in planning itself or within one batch.

use datafusion::{
    common::{
        ScalarValue,
        tree_node::{TreeNode as _, TreeNodeRecursion},
    },
    error::Result,
    logical_expr::{BinaryExpr, Expr, GroupingSet, LogicalPlan, WindowFunctionDefinition},
};

use crate::QueryRefusal;

/// Steps of a plan, subqueries included.
const MOST_STEPS: usize = 500;
/// Columns of a step.
const MOST_COLUMNS: usize = 1_000;
/// Groupings of one `group by`.
const MOST_GROUPINGS: usize = 32;
/// Bytes of the texts that become columns: each stands in a batch as often as the batch has rows.
const MOST_LITERAL_BYTES: usize = 32 << 10;
/// Bytes of a pattern: every text of a batch is held against each part of it.
const MOST_PATTERN_BYTES: usize = 1 << 10;

/// Refuses a plan that costs too much to even optimise.
pub(crate) fn check_size(plan: &LogicalPlan) -> Result<()> {
    let mut steps = 0;
    plan.apply_with_subqueries(|node| {
        steps += 1;
        if steps > MOST_STEPS {
            return Err(QueryRefusal::ManySteps { most: MOST_STEPS }.into());
        }
        let columns = node.schema().fields().len();
        if columns > MOST_COLUMNS {
            return Err(QueryRefusal::ManyColumns { columns, most: MOST_COLUMNS }.into());
        }
        if let LogicalPlan::Aggregate(aggregate) = node
            && groupings(&aggregate.group_expr) > MOST_GROUPINGS
        {
            return Err(QueryRefusal::ManyGroupings { most: MOST_GROUPINGS }.into());
        }
        node.apply_expressions(|expr| expr.apply(gathers))
    })?;
    Ok(())
}

/// Refuses a plan whose constants, once they are worked out, would fill memory with copies of themselves, or take long to match.
pub(crate) fn check_literals(plan: &LogicalPlan) -> Result<()> {
    let mut bytes = 0;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| expr.apply(has_short_pattern))?;
        // A condition compares with a text, and a list of values holds it once.
        if !matches!(node, LogicalPlan::Filter(_) | LogicalPlan::TableScan(_) | LogicalPlan::Values(_)) {
            node.apply_expressions(|expr| {
                expr.apply(|expr| {
                    bytes += literal_bytes(expr);
                    Ok(TreeNodeRecursion::Continue)
                })
            })?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    if bytes > MOST_LITERAL_BYTES { Err(QueryRefusal::LongLiterals { most: MOST_LITERAL_BYTES }.into()) } else { Ok(()) }
}

fn literal_bytes(expr: &Expr) -> usize {
    match expr {
        Expr::Literal(ScalarValue::Binary(Some(bytes)) | ScalarValue::LargeBinary(Some(bytes)), _) => bytes.len(),
        Expr::Literal(value, _) => value.try_as_str().flatten().map_or(0, str::len),
        _ => 0,
    }
}

/// How often each row of a batch is grouped, all in one go.
fn groupings(expressions: &[Expr]) -> usize {
    let sets = expressions.iter().map(|expr| match expr {
        Expr::GroupingSet(GroupingSet::Cube(columns)) => 1_usize.checked_shl(columns.len() as u32).unwrap_or(usize::MAX),
        Expr::GroupingSet(GroupingSet::Rollup(columns)) => columns.len() + 1,
        Expr::GroupingSet(GroupingSet::GroupingSets(sets)) => sets.len(),
        _ => 1,
    });
    sets.fold(1, usize::saturating_mul)
}

fn has_short_pattern(expr: &Expr) -> Result<TreeNodeRecursion> {
    let pattern = match expr {
        Expr::Like(like) | Expr::SimilarTo(like) => Some(like.pattern.as_ref()),
        Expr::BinaryExpr(BinaryExpr { op, right, .. }) if op.to_string().contains('~') => Some(right.as_ref()),
        Expr::ScalarFunction(call) if call.func.name().starts_with("regexp_") => call.args.get(1),
        _ => None,
    };
    match pattern {
        Some(pattern) if literal_bytes(pattern) > MOST_PATTERN_BYTES => {
            Err(QueryRefusal::LongPattern { most: MOST_PATTERN_BYTES }.into())
        }
        _ => Ok(TreeNodeRecursion::Continue),
    }
}

fn gathers(expr: &Expr) -> Result<TreeNodeRecursion> {
    let Expr::WindowFunction(call) = expr else { return Ok(TreeNodeRecursion::Continue) };
    match &call.fun {
        WindowFunctionDefinition::AggregateUDF(function) if ["array_agg", "string_agg"].contains(&function.name()) => {
            Err(QueryRefusal::GatheringWindow { function: function.name().to_owned() }.into())
        }
        _ => Ok(TreeNodeRecursion::Continue),
    }
}
