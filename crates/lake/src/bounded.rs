//! Functions that make much of little, within bounds: what a text could become is known before it is made.
//!
//! The engine takes no account of memory while it evaluates an expression, so a few words of SQL could ask for any amount of it.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _},
    compute::kernels::concat_elements::concat_elements_utf8,
    datatypes::{DataType, FieldRef, Int64Type},
};
use datafusion::{
    common::{DFSchema, ScalarValue, exec_err, plan_err},
    error::Result,
    logical_expr::{
        ColumnarValue, Expr, ExprSchemable as _, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
        Volatility,
        planner::{ExprPlanner, PlannerResult, RawBinaryExpr},
        simplify::{ExprSimplifyResult, SimplifyContext},
    },
    sql::sqlparser::ast::BinaryOperator,
};

use crate::QueryRefusal;

/// Bytes of one text that a function makes.
const MOST_TEXT: usize = 64 << 10;
/// Bytes of all texts that a function makes of one batch.
const MOST_TEXTS: usize = 64 << 20;
/// Steps that a function takes over one batch.
const MOST_WORK: usize = 1 << 30;

/// At most how long the result is for these arguments.
type Bound = fn(&[Cell]) -> usize;

/// Functions whose result can be much longer than what they are given, and what it comes to.
const GROWING: &[(&str, Bound)] = &[
    ("repeat", |cells| cell(cells, 0).bytes.saturating_mul(cell(cells, 1).count())),
    ("lpad", padded),
    ("rpad", padded),
    ("replace", |cells| {
        let [text, from, to] = [0, 1, 2].map(|place| cell(cells, place).bytes);
        text.saturating_add((text / from.max(1) + 1).saturating_mul(to))
    }),
    ("regexp_replace", |cells| {
        let [text, with] = [0, 2].map(|place| cell(cells, place).bytes);
        text.saturating_add((2 * text + 1).saturating_mul(with))
    }),
    ("concat", joined),
    ("concat_ws", |cells| joined(cells).saturating_add(cell(cells, 0).bytes.saturating_mul(cells.len()))),
    ("overlay", joined),
];

/// Functions whose work grows faster than what they are given: the steps they take.
const LABORIOUS: &[(&str, Bound)] = &[("levenshtein", |cells| cell(cells, 0).bytes.saturating_mul(cell(cells, 1).bytes))];

fn padded(cells: &[Cell]) -> usize {
    // A character has four bytes at most.
    cell(cells, 0).bytes.max(cell(cells, 1).count().saturating_mul(4))
}

fn joined(cells: &[Cell]) -> usize {
    cells.iter().map(|cell| cell.bytes).fold(0, usize::saturating_add)
}

/// The same functions, those that need it within bounds.
pub(crate) fn bounded(functions: Vec<Arc<ScalarUDF>>) -> Vec<Arc<ScalarUDF>> {
    let find = |list: &[(&str, Bound)], name: &str| list.iter().find(|(known, _)| *known == name).map(|(_, bound)| *bound);
    let bind = |function: Arc<ScalarUDF>| {
        let limits = match (find(GROWING, function.name()), find(LABORIOUS, function.name())) {
            (Some(bound), _) => Limits { bound, each: MOST_TEXT, all: MOST_TEXTS },
            (_, Some(bound)) => Limits { bound, each: MOST_WORK, all: MOST_WORK },
            _ => return function,
        };
        Arc::new(ScalarUDF::new_from_impl(Bounded { inner: function, limits }))
    };
    functions.into_iter().map(bind).collect()
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    bound: Bound,
    each: usize,
    all: usize,
}

/// What a bound needs to know of an argument.
#[derive(Clone, Copy, Default)]
struct Cell {
    bytes: usize,
    number: i64,
}

impl Cell {
    fn count(self) -> usize {
        usize::try_from(self.number).unwrap_or(0)
    }
}

fn cell(cells: &[Cell], place: usize) -> Cell {
    cells.get(place).copied().unwrap_or_default()
}

/// Bytes that any number, date or truth value has as a text.
const SHORT: usize = 64;

fn cell_of(array: &ArrayRef, row: usize) -> Cell {
    let bytes = |bytes: usize| Cell { bytes, number: 0 };
    if array.is_null(row) {
        return Cell::default();
    }
    match array.data_type() {
        DataType::Utf8 => bytes(array.as_string::<i32>().value(row).len()),
        DataType::LargeUtf8 => bytes(array.as_string::<i64>().value(row).len()),
        DataType::Utf8View => bytes(array.as_string_view().value(row).len()),
        DataType::Binary => bytes(array.as_binary::<i32>().value(row).len()),
        DataType::LargeBinary => bytes(array.as_binary::<i64>().value(row).len()),
        DataType::BinaryView => bytes(array.as_binary_view().value(row).len()),
        DataType::Int64 => Cell { bytes: SHORT, number: array.as_primitive::<Int64Type>().value(row) },
        _ => bytes(SHORT),
    }
}

impl Limits {
    fn check(self, function: &str, args: &ScalarFunctionArgs) -> Result<()> {
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let arrays = args.args.iter().map(|arg| match arg {
            ColumnarValue::Array(array) => Ok((array.clone(), false)),
            ColumnarValue::Scalar(value) => value.to_array().map(|array| (array, true)),
        });
        let arrays: Vec<(ArrayRef, bool)> = arrays.collect::<Result<_>>()?;
        let (mut all, mut cells) = (0_usize, vec![Cell::default(); arrays.len()]);
        for row in 0..if is_constant { 1 } else { args.number_rows } {
            for (cell, (array, is_same)) in cells.iter_mut().zip(&arrays) {
                *cell = cell_of(array, if *is_same { 0 } else { row });
            }
            let each = (self.bound)(&cells);
            all = all.saturating_add(each);
            if each > self.each || all > self.all {
                return Err(self.refusal(function).into());
            }
        }
        Ok(())
    }

    fn refusal(self, function: &str) -> QueryRefusal {
        let function = function.to_owned();
        if self.each == MOST_TEXT {
            QueryRefusal::LongResult { function, most: self.each }
        } else {
            QueryRefusal::LongWork { function }
        }
    }
}

/// A function that looks at what would come of its arguments before it takes them.
#[derive(Debug)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    limits: Limits,
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.inner().coerce_types(arg_types)
    }

    fn simplify(&self, args: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        // The function's own way would put one without bounds in its place.
        Ok(ExprSimplifyResult::Original(args))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.limits.check(self.name(), &args)?;
        self.inner.invoke_with_args(args)
    }
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

/// Plans `||` as a function within bounds.
#[derive(Debug)]
pub(crate) struct BoundedOperators(Arc<ScalarUDF>);

impl Default for BoundedOperators {
    fn default() -> Self {
        let signature = Signature::user_defined(Volatility::Immutable);
        let inner = Arc::new(ScalarUDF::new_from_impl(Joining { signature }));
        let limits = Limits { bound: joined, each: MOST_TEXT, all: MOST_TEXTS };
        Self(Arc::new(ScalarUDF::new_from_impl(Bounded { inner, limits })))
    }
}

impl ExprPlanner for BoundedOperators {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        if expr.op != BinaryOperator::StringConcat {
            return Ok(PlannerResult::Original(expr));
        }
        for side in [&expr.left, &expr.right] {
            let kind = side.get_type(schema)?;
            if kind.is_nested() || kind.is_binary() {
                return plan_err!("`||` joins texts, not {kind}");
            }
        }
        Ok(PlannerResult::Planned(self.0.call(vec![expr.left, expr.right])))
    }
}

/// `||`: no text if one of the two is none.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Joining {
    signature: Signature,
}

impl ScalarUDFImpl for Joining {
    fn name(&self) -> &'static str {
        "||"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![DataType::Utf8; arg_types.len()])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [left, right] = arrays.as_slice() else { return exec_err!("`||` joins two texts") };
        let joined = concat_elements_utf8(left.as_string::<i32>(), right.as_string::<i32>())?;
        if is_constant {
            return ScalarValue::try_from_array(&joined, 0).map(ColumnarValue::Scalar);
        }
        Ok(ColumnarValue::Array(Arc::new(joined)))
    }
}
