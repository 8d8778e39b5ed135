//! Reading one table by filters and order, without SQL text.

use arrow::datatypes::DataType;
use datafusion::{
    common::{Column, ScalarValue},
    logical_expr::{Expr, SortExpr, col, lit},
    prelude::DataFrame,
};

use crate::{Lake, LakeError, LakeTable, QueryStream, Session};

/// How a column is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Equal,
    /// Not equal.
    NotEqual,
    /// Less.
    Less,
    /// Less or equal.
    LessOrEqual,
    /// Greater.
    Greater,
    /// Greater or equal.
    GreaterOrEqual,
    /// SQL `like`.
    Like,
    /// One of several, comma-joined.
    In,
    /// Null (`true`) or not (`false`).
    IsNull,
}

/// One condition; all conditions of a query must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The column.
    pub column: String,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what, as text; read by the column's type.
    pub value: String,
}

/// A read of one table. Nothing of it is ever part of an SQL text.
#[derive(Debug, Clone, Default)]
pub struct TableQuery {
    /// Columns to give, in order; none means all.
    pub select: Vec<String>,
    /// What must hold.
    pub filters: Vec<Filter>,
    /// Columns to order by, each with whether it descends.
    pub order: Vec<(String, bool)>,
    /// Only rows that come after one with these values, one per column of `order`; no value is null.
    pub after: Option<Vec<Option<String>>>,
    /// Rows to leave out first.
    pub offset: usize,
    /// Rows to give at most; `usize::MAX` gives all of them.
    pub limit: usize,
}

/// A query that does not fit its table; the text may be shown to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableQueryError {
    /// A column that the table does not have.
    #[error("there is no column `{0}`")]
    UnknownColumn(String),
    /// A value that the column's type does not have.
    #[error("`{value}` is not a value of column `{column}`, which holds {kind}")]
    Value {
        /// The column.
        column: String,
        /// The value.
        value: String,
        /// What the column holds.
        kind: String,
    },
    /// The row to go on after does not have one value per column of the order.
    #[error("a row to go on after has one value for each column of the order")]
    After,
}

impl Lake {
    /// Runs a query against a pinned table.
    pub async fn read(&self, table: &LakeTable, query: &TableQuery) -> Result<Result<QueryStream, TableQueryError>, LakeError> {
        let parts = match Parts::check(table, query) {
            Ok(parts) => parts,
            Err(refused) => return Ok(Err(refused)),
        };
        let mut frame = self.filtered(table, parts.filters).await?;
        if !parts.order.is_empty() {
            frame = frame.sort(parts.order).map_err(LakeError::plan)?;
        }
        // A sort that has a limit keeps that many rows in a heap.
        let limit = Some(query.limit).filter(|limit| *limit < usize::MAX);
        frame = frame.limit(query.offset, limit).map_err(LakeError::plan)?;
        if !parts.select.is_empty() {
            frame = frame.select(parts.select).map_err(LakeError::plan)?;
        }
        Ok(Ok(frame.execute_stream().await.map_err(LakeError::execute)?.into()))
    }

    /// How many rows of a pinned table fit the filters of a query.
    pub async fn count(&self, table: &LakeTable, query: &TableQuery) -> Result<Result<usize, TableQueryError>, LakeError> {
        match Parts::check(table, &TableQuery { filters: query.filters.clone(), ..TableQuery::default() }) {
            Ok(parts) => self.filtered(table, parts.filters).await?.count().await.map(Ok).map_err(LakeError::execute),
            Err(refused) => Ok(Err(refused)),
        }
    }

    async fn filtered(&self, table: &LakeTable, filters: Vec<Expr>) -> Result<DataFrame, LakeError> {
        let session: Session = self.session(&table.domain);
        session.register(table.clone())?;
        let name = format!("\"{}\".\"{}\"", table.name.schema.as_str(), table.name.table);
        let frame = session.frame(&format!("select * from {name}")).await?;
        match filters.into_iter().reduce(Expr::and) {
            Some(filter) => frame.filter(filter).map_err(LakeError::plan),
            None => Ok(frame),
        }
    }

    /// Are the files of a pinned version still there? A vacuum removes those of old ones.
    pub async fn is_readable(&self, table: &LakeTable) -> Result<bool, LakeError> {
        self.are_there(table.files.iter().map(|file| file.path.clone()).collect()).await
    }
}

struct Parts {
    select: Vec<Expr>,
    filters: Vec<Expr>,
    order: Vec<SortExpr>,
}

impl Parts {
    fn check(table: &LakeTable, query: &TableQuery) -> Result<Self, TableQueryError> {
        let column = |name: &String| match table.schema.field_with_name(name) {
            Ok(field) => Ok((col(Column::from_name(name)), field.data_type().clone())),
            Err(_) => Err(TableQueryError::UnknownColumn(name.clone())),
        };
        let select = query.select.iter().map(|name| column(name).map(|(column, _)| column)).collect::<Result<_, _>>()?;
        let order = query.order.iter().map(|(name, descends)| column(name).map(|(column, _)| column.sort(!descends, false)));
        let filters = query.filters.iter().map(|filter| {
            let (column, kind) = column(&filter.column)?;
            condition(column, &kind, filter)
        });
        let mut filters = filters.collect::<Result<Vec<_>, _>>()?;
        filters.extend(query.after.as_deref().map(|values| after(table, &query.order, values)).transpose()?);
        Ok(Self { select, order: order.collect::<Result<_, _>>()?, filters })
    }
}

/// Does a row come after one with these values? Nulls come last in either direction.
fn after(table: &LakeTable, order: &[(String, bool)], values: &[Option<String>]) -> Result<Expr, TableQueryError> {
    if order.len() != values.len() {
        return Err(TableQueryError::After);
    }
    let mut comes_after = lit(false);
    for ((name, descends), value) in order.iter().zip(values).rev() {
        let field = table.schema.field_with_name(name).map_err(|_| TableQueryError::UnknownColumn(name.clone()))?;
        let column = col(Column::from_name(name));
        let (is_beyond, is_same) = match value {
            Some(text) => {
                let value = ScalarValue::try_from_string(text.clone(), field.data_type());
                let value = lit(value.map_err(|_| TableQueryError::After)?);
                let is_beyond = if *descends { column.clone().lt(value.clone()) } else { column.clone().gt(value.clone()) };
                (is_beyond.or(column.clone().is_null()), column.eq(value))
            }
            None => (lit(false), column.is_null()),
        };
        comes_after = is_beyond.or(is_same.and(comes_after));
    }
    Ok(comes_after)
}

fn condition(column: Expr, kind: &DataType, filter: &Filter) -> Result<Expr, TableQueryError> {
    let refused =
        |value: &str| TableQueryError::Value { column: filter.column.clone(), value: value.to_owned(), kind: kind.to_string() };
    let value = |text: &str| match ScalarValue::try_from_string(text.to_owned(), kind) {
        Ok(value) => Ok(lit(value)),
        Err(_) => Err(refused(text)),
    };
    Ok(match filter.comparison {
        Comparison::Equal => column.eq(value(&filter.value)?),
        Comparison::NotEqual => column.not_eq(value(&filter.value)?),
        Comparison::Less => column.lt(value(&filter.value)?),
        Comparison::LessOrEqual => column.lt_eq(value(&filter.value)?),
        Comparison::Greater => column.gt(value(&filter.value)?),
        Comparison::GreaterOrEqual => column.gt_eq(value(&filter.value)?),
        Comparison::Like if *kind == DataType::Utf8 => column.like(lit(filter.value.clone())),
        Comparison::Like => return Err(refused(&filter.value)),
        Comparison::In => {
            let values = filter.value.split(',').map(value).collect::<Result<Vec<_>, _>>()?;
            column.in_list(values, false)
        }
        Comparison::IsNull => match filter.value.as_str() {
            "true" => column.is_null(),
            "false" => column.is_not_null(),
            other => return Err(refused(other)),
        },
    })
}
