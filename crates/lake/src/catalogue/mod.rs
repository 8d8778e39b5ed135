//! What clients of PostgreSQL look up before they ask anything: its catalogue and `information_schema` over the tables that are shown
//! to whoever looks, and its functions about them.
//!
//! A statement that names any of it is put into words that the engine has ([`rewrite`]) and then goes the way of every other one. The
//! tables are made for the query, from what its client is shown; those that would always be empty here are empty.

mod functions;
mod layout;
mod rewrite;
mod subqueries;
mod tables;

use std::{collections::BTreeMap, sync::Arc};

use datafusion::datasource::MemTable;
use lakehouse_spec::Schema;
use sha2::{Digest as _, Sha256};

use crate::{LakeError, LakeTable, Session};

pub(crate) use layout::is_catalogue;

/// Numbers of schemas that are not ours.
const CATALOGUE: i64 = 11;
const INFORMATION: i64 = 13_000;
/// The number of everything's owner.
const OWNER: i64 = 10;
/// The number of the database.
const DATABASE: i64 = 16_384;

/// A statement in the engine's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The statement.
    pub sql: String,
    /// Does it name tables of the catalogue?
    pub names_catalogue: bool,
}

impl Session {
    /// Puts a statement of a client of PostgreSQL into the engine's words. One without anything of PostgreSQL's own stays as it is
    /// written, as does one that cannot be read, which the engine will say.
    pub fn rewrite_postgres(&self, sql: &str) -> Result<Rewritten, LakeError> {
        crate::wording::check(sql).map_err(LakeError::plan)?;
        Ok(rewrite::rewrite(sql))
    }

    /// Makes PostgreSQL's functions known; `tables` are those that are shown.
    pub fn add_postgres_functions(&self, user: &str, tables: &[LakeTable]) {
        for function in functions::all(self.domain_name(), user, &names(tables)) {
            self.register_function(function);
        }
    }

    /// Makes the tables of PostgreSQL's catalogue known that a statement names: `tables` are those that are shown.
    pub fn register_catalogue(&self, sql: &str, user: &str, tables: &[LakeTable]) -> Result<(), LakeError> {
        for name in self.catalogue_references(sql)? {
            let Some(batch) = tables::batch(&name, self.domain_name().as_str(), user, tables) else {
                return Err(LakeError::UnknownTable { table: name });
            };
            let batch = batch.map_err(|error| LakeError::plan(error.into()))?;
            let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).map_err(LakeError::plan)?;
            self.provide_catalogue(&name, Arc::new(table))?;
        }
        Ok(())
    }
}

/// Number → `schema.table`.
fn names(tables: &[LakeTable]) -> BTreeMap<i64, String> {
    tables.iter().map(|table| (oid(table), table.name.to_string())).collect()
}

/// A table's number: the same as long as it has its name, above all numbers of PostgreSQL's own things.
fn oid(table: &LakeTable) -> i64 {
    let digest = Sha256::digest(format!("{}.{}", table.domain, table.name));
    let number = digest[..4].iter().fold(0, |number, byte| (number << 8) | i64::from(*byte));
    number & 0x3fff_ffff | 0x4000_0000
}

fn schema_oid(schema: Schema) -> i64 {
    16_400 + Schema::ALL.iter().position(|known| *known == schema).unwrap_or_default() as i64
}
