//! What a client's query needs and gives, told without running it: the types of its placeholders, and its columns.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::{
    common::{
        ScalarValue, plan_err,
        tree_node::{TreeNode as _, TreeNodeRecursion},
    },
    error::Result,
    logical_expr::{Cast, Expr, LogicalPlan, TryCast},
};

use crate::{LakeError, Session, modest};

/// As many as a message of PostgreSQL's protocol can hold.
const MOST_PLACEHOLDERS: usize = 65_535;

/// A query's placeholders `$1`, `$2` … and its columns.
#[derive(Debug, Clone)]
pub struct Description {
    /// The type of each placeholder.
    pub parameters: Vec<DataType>,
    /// The columns.
    pub columns: SchemaRef,
}

impl Session {
    /// Plans a query and tells its shape. `declared` are types that the client gives its placeholders; others are taken from where
    /// they stand, and those that could be anything are texts.
    pub async fn describe(&self, sql: &str, declared: &[Option<DataType>]) -> Result<Description, LakeError> {
        let frame = self.frame(sql).await?;
        let plan = frame.logical_plan();
        modest::check_size(plan).map_err(LakeError::plan)?;
        let inferred = inferred(plan).map_err(LakeError::plan)?;
        let count = inferred.keys().last().copied().unwrap_or(0).max(declared.len());
        let kind = |place: usize| {
            let declared = declared.get(place - 1).cloned().flatten();
            declared.or_else(|| inferred.get(&place).cloned().flatten()).unwrap_or(DataType::Utf8)
        };
        let parameters: Vec<DataType> = (1..=count).map(kind).collect();
        let frame = if inferred.is_empty() {
            frame
        } else {
            let nothing = parameters.iter().map(ScalarValue::try_from).collect::<Result<Vec<_>>>().map_err(LakeError::plan)?;
            frame.with_param_values(nothing).map_err(LakeError::plan)?
        };
        Ok(Description { parameters, columns: frame.schema().inner().clone() })
    }
}

/// The types of placeholders by their place, where something says them.
fn inferred(plan: &LogicalPlan) -> Result<BTreeMap<usize, Option<DataType>>> {
    let mut found = BTreeMap::new();
    for (name, data_type) in plan.get_parameter_types()? {
        match name.trim_start_matches('$').parse() {
            Ok(place @ 1..=MOST_PLACEHOLDERS) => found.insert(place, data_type),
            _ => return plan_err!("{name} is no placeholder: they are $1 to ${MOST_PLACEHOLDERS}"),
        };
    }
    let mut say = |expr: &Expr, data_type: &DataType| {
        if let Expr::Placeholder(placeholder) = expr
            && let Ok(place) = placeholder.id.trim_start_matches('$').parse::<usize>()
            && let Some(known) = found.get_mut(&place)
        {
            known.get_or_insert_with(|| data_type.clone());
        }
    };
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Limit(limit) = node {
            for count in [&limit.skip, &limit.fetch].into_iter().flatten() {
                say(count, &DataType::Int64);
            }
        }
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field }) = expr {
                    say(expr, field.data_type());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}
