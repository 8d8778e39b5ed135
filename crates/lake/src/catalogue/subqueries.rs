//! Queries within statements over the catalogue. Clients look single values up in tables that are always empty here, and the engine
//! takes a correlated query for a value only where it gives one for certain.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArguments, Query, Select, SelectItem, SetExpr, TableFactor, Value,
};

use super::{
    layout,
    rewrite::{call, parts},
};

/// What stands for such a query, or for another expression that only the catalogue has.
pub fn other(expr: &mut Expr) -> Option<Expr> {
    match expr {
        Expr::Function(function) if matches!(function.args, FunctionArguments::Subquery(_)) => Some(nothing(expr)),
        // An element of an array, such as `(current_schemas(true))[1]`.
        Expr::CompoundFieldAccess { .. } => Some(nothing(expr)),
        Expr::Exists { subquery, negated } if is_empty(select(subquery)?) => Some(truth(*negated)),
        Expr::Subquery(query) => {
            let select = select_mut(query)?;
            let [SelectItem::UnnamedExpr(value) | SelectItem::ExprWithAlias { expr: value, .. }] = &mut select.projection[..]
            else {
                return None;
            };
            if is_aggregate(value) {
                return None;
            }
            let value = value.clone();
            if is_empty(select) {
                return Some(nothing(&value));
            }
            select.projection = vec![SelectItem::UnnamedExpr(call("max", vec![value]))];
            Some(expr.clone())
        }
        Expr::BinaryOp { left, op: BinaryOperator::NotEq, right } if is_function(left) && is_zero(right) => {
            Some(Expr::IsNotNull(left.clone()))
        }
        _ => None,
    }
}

/// No value, in place of `what`: two of them in one list have to differ.
fn nothing(what: &Expr) -> Expr {
    call("pg_nothing", vec![Expr::Value(Value::SingleQuotedString(what.to_string()).into())])
}

pub fn truth(value: bool) -> Expr {
    Expr::Nested(Box::new(Expr::Value(Value::Boolean(value).into())))
}

fn select(query: &Query) -> Option<&Select> {
    match query.body.as_ref() {
        SetExpr::Select(select) => Some(select),
        _ => None,
    }
}

fn select_mut(query: &mut Query) -> Option<&mut Select> {
    match query.body.as_mut() {
        SetExpr::Select(select) => Some(select),
        _ => None,
    }
}

/// Is one of the tables that are multiplied always empty?
fn is_empty(select: &Select) -> bool {
    select.from.iter().any(|from| match &from.relation {
        TableFactor::Table { name, .. } => {
            let name = parts(name).join(".");
            layout::columns(&name).is_some() && !layout::FILLED.contains(&name.as_str())
        }
        _ => false,
    })
}

fn is_aggregate(expr: &Expr) -> bool {
    const AGGREGATES: [&str; 8] = ["count", "max", "min", "sum", "array_agg", "string_agg", "bool_and", "bool_or"];
    match expr {
        Expr::Function(function) => parts(&function.name).last().is_some_and(|name| AGGREGATES.contains(&name.as_str())),
        Expr::Cast { expr, .. } | Expr::Nested(expr) => is_aggregate(expr),
        _ => false,
    }
}

fn is_function(expr: &Expr) -> bool {
    let name = match expr {
        Expr::Identifier(name) => Some(name),
        Expr::CompoundIdentifier(names) => names.last(),
        _ => None,
    };
    name.is_some_and(|name| layout::FUNCTIONS.contains(&name.value.to_ascii_lowercase().as_str()))
}

fn is_zero(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(&value.value, Value::Number(number, _) if number == "0"))
}
