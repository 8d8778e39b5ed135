//! The rows of PostgreSQL's catalogue.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray},
    datatypes::{Field, Schema as ArrowSchema},
    error::ArrowError,
};
use lakehouse_spec::Schema;
use lakehouse_wire::{BASE, Kind, PgType};

use super::{CATALOGUE, DATABASE, INFORMATION, OWNER, layout, oid, schema_oid};
use crate::LakeTable;

/// A value. What a row does not say is zero, no, or null.
#[derive(Debug, Clone)]
enum Cell {
    Number(i64),
    Flag(bool),
    Text(String),
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Number(value)
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

type Row = Vec<(&'static str, Cell)>;

macro_rules! row {
    ($($name:ident: $value:expr),+ $(,)?) => { vec![$((stringify!($name), Cell::from($value))),+] };
}

/// A table of the catalogue; `None` when there is none of this name.
pub fn batch(name: &str, database: &str, user: &str, tables: &[LakeTable]) -> Option<Result<RecordBatch, ArrowError>> {
    let columns = layout::columns(name)?;
    let rows: Vec<Row> = match name {
        "pg_catalog.pg_namespace" => schemas().map(|(oid, name)| row! { oid: oid, nspname: name, nspowner: OWNER }).collect(),
        "pg_catalog.pg_class" => tables.iter().map(class).collect(),
        "pg_catalog.pg_attribute" => tables.iter().flat_map(attributes).collect(),
        "pg_catalog.pg_type" => BASE.iter().flat_map(|base| [scalar(base), array(base)]).collect(),
        "pg_catalog.pg_am" => vec![row! { oid: 2, amname: "heap", amtype: "t" }],
        "pg_catalog.pg_database" => vec![row! {
            oid: DATABASE, datname: database, datdba: OWNER, encoding: 6, datcollate: "C", datctype: "C", datallowconn: true,
            datconnlimit: -1,
        }],
        "pg_catalog.pg_roles" => vec![row! { oid: OWNER, rolname: user, rolinherit: true, rolcanlogin: true, rolconnlimit: -1 }],
        "pg_catalog.pg_user" => vec![row! { usename: user, usesysid: OWNER }],
        "pg_catalog.pg_tables" => {
            let of =
                |table: &LakeTable| row! { schemaname: schema_of(table), tablename: table.name.table.as_str(), tableowner: user };
            tables.iter().map(of).collect()
        }
        "information_schema.schemata" => {
            let of = |(_, name): (i64, &'static str)| row! { catalog_name: database, schema_name: name, schema_owner: user };
            schemas().map(of).collect()
        }
        "information_schema.tables" => {
            let of = |table: &LakeTable| {
                row! {
                    table_catalog: database, table_schema: schema_of(table), table_name: table.name.table.as_str(),
                    table_type: "BASE TABLE", is_insertable_into: "NO", is_typed: "NO",
                }
            };
            tables.iter().map(of).collect()
        }
        "information_schema.columns" => tables.iter().flat_map(|table| described_columns(database, table)).collect(),
        // Nothing of the kind is here.
        _ => Vec::new(),
    };
    Some(filled(columns, &rows))
}

fn schema_of(table: &LakeTable) -> &'static str {
    table.name.schema.as_str()
}

fn schemas() -> impl Iterator<Item = (i64, &'static str)> {
    let ours = Schema::ALL.into_iter().map(|schema| (schema_oid(schema), schema.as_str()));
    ours.chain([(CATALOGUE, "pg_catalog"), (INFORMATION, "information_schema")])
}

fn class(table: &LakeTable) -> Row {
    row! {
        oid: oid(table), relname: table.name.table.as_str(), relnamespace: schema_oid(table.name.schema), relowner: OWNER,
        relam: 2, reltuples: -1, relpersistence: "p", relkind: "r", relnatts: table.schema.fields().len() as i64,
        relispopulated: true, relreplident: "n",
    }
}

fn attributes(table: &LakeTable) -> Vec<Row> {
    let of = |(place, field): (usize, &Arc<Field>)| {
        let kind = Kind::of(field.data_type());
        row! {
            attrelid: oid(table), attname: field.name().as_str(), atttypid: i64::from(kind.oid()), attstattarget: -1,
            attlen: i64::from(kind.size()), attnum: place as i64 + 1, attndims: i64::from(kind.is_array), attcacheoff: -1,
            atttypmod: -1, attstorage: "p", attalign: "i", attcompression: "", attnotnull: !field.is_nullable(), attidentity: "",
            attgenerated: "", attislocal: true,
        }
    };
    table.schema.fields().iter().enumerate().map(of).collect()
}

fn scalar(base: &PgType) -> Row {
    row! {
        oid: i64::from(base.oid), typname: base.name, typnamespace: CATALOGUE, typowner: OWNER, typlen: i64::from(base.size),
        typtype: "b", typcategory: base.category, typisdefined: true, typdelim: ",", typarray: i64::from(base.array),
        typinput: format!("{}in", base.name), typoutput: format!("{}out", base.name), typreceive: format!("{}recv", base.name),
        typsend: format!("{}send", base.name), typalign: "i", typstorage: "p", typtypmod: -1,
    }
}

fn array(base: &PgType) -> Row {
    row! {
        oid: i64::from(base.array), typname: format!("_{}", base.name), typnamespace: CATALOGUE, typowner: OWNER, typlen: -1,
        typtype: "b", typcategory: "A", typisdefined: true, typdelim: ",", typelem: i64::from(base.oid), typinput: "array_in",
        typoutput: "array_out", typreceive: "array_recv", typsend: "array_send", typalign: "i", typstorage: "x", typtypmod: -1,
    }
}

fn described_columns(database: &str, table: &LakeTable) -> Vec<Row> {
    let of = |(place, field): (usize, &Arc<Field>)| {
        let kind = Kind::of(field.data_type());
        let data_type = if kind.is_array { "ARRAY" } else { kind.base.sql };
        row! {
            table_catalog: database, table_schema: schema_of(table), table_name: table.name.table.as_str(),
            column_name: field.name().as_str(), ordinal_position: place as i64 + 1,
            is_nullable: if field.is_nullable() { "YES" } else { "NO" }, data_type: data_type, udt_catalog: database,
            udt_schema: "pg_catalog", udt_name: if kind.is_array { format!("_{}", kind.base.name) } else { kind.base.name.to_owned() },
            is_self_referencing: "NO", is_identity: "NO", is_generated: "NEVER", is_updatable: "NO",
        }
    };
    table.schema.fields().iter().enumerate().map(of).collect()
}

/// Rows with all columns of the layout.
fn filled(columns: &str, rows: &[Row]) -> Result<RecordBatch, ArrowError> {
    let cell = |row: &Row, name: &str| row.iter().find(|(known, _)| *known == name).map(|(_, cell)| cell.clone());
    let number = |row: &Row, name: &str| match cell(row, name) {
        Some(Cell::Number(number)) => number,
        _ => 0,
    };
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for column in columns.split_whitespace() {
        let (name, kind) = column.split_once(':').unwrap_or((column, "t"));
        let array: ArrayRef = match kind {
            "i" => Arc::new(rows.iter().map(|row| Some(number(row, name))).collect::<Int64Array>()),
            "f" => Arc::new(rows.iter().map(|row| Some(number(row, name) as f64)).collect::<Float64Array>()),
            "b" => {
                Arc::new(rows.iter().map(|row| Some(matches!(cell(row, name), Some(Cell::Flag(true))))).collect::<BooleanArray>())
            }
            _ => {
                let text = |row: &Row| match cell(row, name) {
                    Some(Cell::Text(text)) => Some(text),
                    _ => None,
                };
                Arc::new(rows.iter().map(text).collect::<StringArray>())
            }
        };
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), arrays)
}
