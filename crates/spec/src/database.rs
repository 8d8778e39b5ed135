//! The table of a PostgreSQL database that holds a source's rows.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{ColumnName, FileFormat, SourceContract, SourceMode, SpecError};

/// PostgreSQL cuts longer names off without a word.
const MAX_NAME_BYTES: usize = 63;

/// Where the rows of a source are when they are in a database: one table of the schema `public`, a batch a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSpec {
    /// The table.
    pub table: ColumnName,
    /// Its column that says which batch a row came with.
    pub batch_column: ColumnName,
    /// The date of the first batch; each later one is a day later, at least.
    pub first_batch: Date,
}

impl DatabaseSpec {
    /// The number of the batch of `date`, counted from 1 by days.
    pub fn batch_number(&self, date: Date) -> i64 {
        date.duration_since(self.first_batch).as_hours() / 24 + 1
    }

    pub(crate) fn check(&self, contract: &SourceContract, path: &str) -> Result<(), SpecError> {
        let names = contract.columns.iter().map(|column| &column.name).chain([&self.table, &self.batch_column]);
        if let Some(long) = names.into_iter().find(|name| name.as_str().len() > MAX_NAME_BYTES) {
            return Err(SpecError::rule(
                path,
                format!("`{long}` is longer than the {MAX_NAME_BYTES} bytes of a name in PostgreSQL"),
            ));
        }
        if contract.columns.iter().any(|column| column.name == self.batch_column) {
            return Err(SpecError::rule(path, "`batch_column` is a column of its own, beside those of the files"));
        }
        if contract.mode != SourceMode::Append || contract.format != FileFormat::Csv {
            return Err(SpecError::rule(path, "[database] goes with the mode append and the format csv"));
        }
        Ok(())
    }
}
