//! PostgreSQL's functions about the session and the catalogue, as far as clients use them. Each looks at its arguments row by row.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, BooleanArray, Int64Array, StringArray},
    compute::cast,
    datatypes::DataType,
};
use datafusion::{
    error::Result,
    logical_expr::{ColumnarValue, ScalarUDF, Signature, TypeSignature, Volatility, expr_fn::SimpleScalarUDF},
};
use lakehouse_spec::{DomainName, Schema};
use lakehouse_wire::{BASE, PgType};

/// The version that clients choose their queries of the catalogue by.
const VERSION: &str = concat!("PostgreSQL 14.0 (Lakehouse ", env!("CARGO_PKG_VERSION"), ", read-only)");

/// The arguments of one call.
struct Arguments<'a> {
    arrays: &'a [ArrayRef],
    row: usize,
}

impl Arguments<'_> {
    fn text(&self, place: usize) -> Option<&str> {
        let array = self.arrays.get(place)?.as_string_opt::<i32>()?;
        array.is_valid(self.row).then(|| array.value(self.row))
    }

    fn number(&self, place: usize) -> Option<i64> {
        self.text(place)?.parse().ok()
    }
}

/// What a function comes to.
enum Outcome {
    Text(Option<String>),
    Number(Option<i64>),
    Flag(bool),
}

type Body = Arc<dyn Fn(&Arguments<'_>) -> Outcome + Send + Sync>;

/// Every function, for one client and the tables that are shown to it: by number, `schema.table`.
pub fn all(domain: &DomainName, user: &str, tables: &BTreeMap<i64, String>) -> Vec<ScalarUDF> {
    let mut functions = Vec::new();
    let mut add = |names: &[&str], kind: DataType, body: Body| {
        functions.extend(names.iter().map(|name| function(name, kind.clone(), body.clone())));
    };
    let text = |value: &str| {
        let value = value.to_owned();
        Arc::new(move |_: &Arguments<'_>| Outcome::Text(Some(value.clone()))) as Body
    };
    add(&["version"], DataType::Utf8, text(VERSION));
    add(&["current_database", "pg_current_catalog"], DataType::Utf8, text(domain.as_str()));
    add(&["current_schema", "pg_current_schema"], DataType::Utf8, text(Schema::Gold.as_str()));
    let owner = ["pg_current_user", "pg_session_user", "pg_user", "pg_current_role", "pg_get_userbyid"];
    add(&owner, DataType::Utf8, text(user));
    add(&["pg_encoding_to_char"], DataType::Utf8, text("UTF8"));
    add(&["pg_size_pretty"], DataType::Utf8, text("0 bytes"));
    add(&["pg_advisory_unlock_all"], DataType::Utf8, text(""));
    let nothing: Body = Arc::new(|_| Outcome::Text(None));
    add(NOTHING, DataType::Utf8, nothing.clone());
    add(&["pg_nothing"], DataType::Utf8, nothing);
    add(&["set_config"], DataType::Utf8, Arc::new(|call| Outcome::Text(call.text(1).map(str::to_owned))));
    add(&["current_setting"], DataType::Utf8, Arc::new(|call| Outcome::Text(call.text(0).and_then(setting))));
    add(&["quote_ident"], DataType::Utf8, Arc::new(|call| Outcome::Text(call.text(0).map(quote_ident))));
    let literal: Body = Arc::new(|call| Outcome::Text(call.text(0).map(|text| format!("'{}'", text.replace('\'', "''")))));
    add(&["quote_literal"], DataType::Utf8, literal);
    add(&["format_type"], DataType::Utf8, Arc::new(|call| Outcome::Text(call.number(0).map(format_type))));
    let known = Arc::new(tables.clone());
    let name: Body = Arc::new(move |call| Outcome::Text(call.number(0).map(|oid| regclass_name(&known, oid))));
    add(&["pg_regclass_name"], DataType::Utf8, name);
    let known = Arc::new(tables.clone());
    let number: Body = Arc::new(move |call| Outcome::Number(call.text(0).and_then(|name| regclass(&known, name))));
    add(&["to_regclass", "pg_regclass"], DataType::Int64, number);
    add(&["pg_regtype", "to_regtype"], DataType::Int64, Arc::new(|call| Outcome::Number(call.text(0).and_then(regtype))));
    add(&["pg_char_to_encoding"], DataType::Int64, Arc::new(|_| Outcome::Number(Some(6))));
    let zero: Body = Arc::new(|_| Outcome::Number(Some(0)));
    add(ZERO, DataType::Int64, zero);
    let yes: Body = Arc::new(|_| Outcome::Flag(true));
    add(YES, DataType::Boolean, yes);
    let no: Body = Arc::new(|_| Outcome::Flag(false));
    add(NO, DataType::Boolean, no);
    functions
}

/// There is nothing of the kind here.
const NOTHING: &[&str] = &[
    "array_to_string",
    "col_description",
    "inet_client_addr",
    "inet_server_addr",
    "obj_description",
    "pg_get_constraintdef",
    "pg_get_expr",
    "pg_get_function_arguments",
    "pg_get_function_identity_arguments",
    "pg_get_function_result",
    "pg_get_functiondef",
    "pg_get_indexdef",
    "pg_get_partkeydef",
    "pg_get_ruledef",
    "pg_get_serial_sequence",
    "pg_get_statisticsobjdef_columns",
    "pg_get_triggerdef",
    "pg_get_viewdef",
    "pg_tablespace_location",
    "shobj_description",
];

/// Sizes are nobody's business, and there is one backend.
const ZERO: &[&str] = &[
    "inet_server_port",
    "pg_backend_pid",
    "pg_database_size",
    "pg_indexes_size",
    "pg_my_temp_schema",
    "pg_relation_size",
    "pg_table_size",
    "pg_total_relation_size",
    "txid_current",
];

/// What is shown may be read.
const YES: &[&str] = &[
    "has_any_column_privilege",
    "has_column_privilege",
    "has_database_privilege",
    "has_function_privilege",
    "has_schema_privilege",
    "has_table_privilege",
    "pg_collation_is_visible",
    "pg_function_is_visible",
    "pg_has_role",
    "pg_is_in_recovery",
    "pg_table_is_visible",
    "pg_type_is_visible",
];

const NO: &[&str] = &["has_sequence_privilege", "pg_is_other_temp_schema", "pg_relation_is_publishable", "row_security_active"];

/// Is a function one of these? PostgreSQL calls a column after its function, without parentheses.
pub fn is_known(name: &str) -> bool {
    const OTHERS: [&str; 11] = [
        "version",
        "current_database",
        "current_schema",
        "pg_get_userbyid",
        "pg_encoding_to_char",
        "set_config",
        "current_setting",
        "quote_ident",
        "quote_literal",
        "format_type",
        "to_regclass",
    ];
    [&OTHERS[..], NOTHING, ZERO, YES, NO].iter().any(|names| names.contains(&name))
}

fn function(name: &str, kind: DataType, body: Body) -> ScalarUDF {
    let arguments = TypeSignature::OneOf(vec![TypeSignature::Nullary, TypeSignature::VariadicAny]);
    let result = kind.clone();
    let call = move |values: &[ColumnarValue]| -> Result<ColumnarValue> {
        let is_constant = values.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(values)?;
        let arrays = arrays.iter().map(|array| Ok(cast(array, &DataType::Utf8).unwrap_or_else(|_| nulls(array.len()))));
        let arrays = arrays.collect::<Result<Vec<ArrayRef>>>()?;
        let rows = arrays.first().map_or(1, |array| array.len());
        let outcomes: Vec<Outcome> = (0..rows).map(|row| body(&Arguments { arrays: &arrays, row })).collect();
        let array = gathered(&result, &outcomes);
        if is_constant && rows == 1 {
            return Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&array, 0)?));
        }
        Ok(ColumnarValue::Array(array))
    };
    let signature = Signature::new(arguments, Volatility::Stable);
    ScalarUDF::from(SimpleScalarUDF::new_with_signature(name, signature, kind, Arc::new(call)))
}

fn nulls(rows: usize) -> ArrayRef {
    Arc::new(StringArray::new_null(rows))
}

fn gathered(kind: &DataType, outcomes: &[Outcome]) -> ArrayRef {
    let text = |outcome: &Outcome| match outcome {
        Outcome::Text(text) => text.clone(),
        _ => None,
    };
    let number = |outcome: &Outcome| match outcome {
        Outcome::Number(number) => *number,
        _ => None,
    };
    match kind {
        DataType::Boolean => {
            Arc::new(BooleanArray::from_iter(outcomes.iter().map(|one| Some(matches!(one, Outcome::Flag(true))))))
        }
        DataType::Int64 => Arc::new(Int64Array::from_iter(outcomes.iter().map(number))),
        _ => Arc::new(StringArray::from_iter(outcomes.iter().map(text))),
    }
}

fn setting(name: &str) -> Option<String> {
    let known = [
        ("server_version", "14.0"),
        ("server_version_num", "140000"),
        ("search_path", "gold"),
        ("timezone", "UTC"),
        ("transaction_isolation", "read committed"),
        ("standard_conforming_strings", "on"),
        ("max_index_keys", "32"),
    ];
    known.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| (*value).to_owned())
}

fn quote_ident(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

static TYPES: LazyLock<BTreeMap<i64, (&'static PgType, bool)>> = LazyLock::new(|| {
    let of = |base: &&'static PgType| [(i64::from(base.oid), (*base, false)), (i64::from(base.array), (*base, true))];
    BASE.iter().flat_map(of).collect()
});

fn format_type(oid: i64) -> String {
    match TYPES.get(&oid) {
        Some((base, false)) => base.sql.to_owned(),
        Some((base, true)) => format!("{}[]", base.sql),
        None => "???".to_owned(),
    }
}

fn regtype(name: &str) -> Option<i64> {
    let name = name.trim_start_matches("pg_catalog.");
    let found = TYPES.iter().find(|(_, (base, is_array))| !is_array && (base.name == name || base.sql == name));
    found.map(|(oid, _)| *oid)
}

fn regclass_name(tables: &BTreeMap<i64, String>, oid: i64) -> String {
    tables.get(&oid).map_or_else(|| oid.to_string(), |name| name.trim_start_matches("gold.").to_owned())
}

/// The number of a table by its name, with or without its schema, or by the number itself.
fn regclass(tables: &BTreeMap<i64, String>, name: &str) -> Option<i64> {
    let name = name.replace('"', "");
    let full = if name.contains('.') { name.clone() } else { format!("gold.{name}") };
    let found = tables.iter().find(|(_, known)| **known == full).map(|(oid, _)| *oid);
    found.or_else(|| name.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_to_each_other() {
        let tables = BTreeMap::from([(7, "gold.dm_a".to_owned()), (8, "silver.b".to_owned())]);
        assert_eq!((regclass(&tables, "dm_a"), regclass(&tables, "\"silver\".\"b\"")), (Some(7), Some(8)));
        assert_eq!((regclass(&tables, "b"), regclass(&tables, "8")), (None, Some(8)));
        assert_eq!((regclass_name(&tables, 7), regclass_name(&tables, 8)), ("dm_a".into(), "silver.b".into()));
        assert_eq!((format_type(701), format_type(1009)), ("double precision".to_owned(), "text[]".to_owned()));
        assert_eq!((quote_ident("a_1"), quote_ident("A b")), ("a_1".to_owned(), "\"A b\"".to_owned()));
    }
}
