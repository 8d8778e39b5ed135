//! The contract of a source: which columns, of which type, which of them are keys, and what of a person may be kept.

use serde::{Deserialize, Serialize};

use crate::{ColumnName, DatabaseSpec, SourceName, SpecError};

/// One source: where its files are and what a good row looks like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceContract {
    /// The file's stem; the bronze table has the same name.
    #[serde(skip)]
    pub name: Option<SourceName>,
    /// What a row is, in one sentence.
    pub description: String,
    /// File name with one optional `*`; `.gz` and `.zst` of it count too.
    pub files: String,
    /// How the files are written.
    pub format: FileFormat,
    /// `json_map` and `json_array`: the member of the top object that holds the rows; absent means the top itself.
    pub at: Option<String>,
    /// May there be nothing at all, no file or one without rows? Then its table is empty. Like where the rows are, no part of what
    /// a row is.
    #[serde(default, skip_serializing)]
    pub optional: bool,
    /// What a new batch means for the older ones.
    pub mode: SourceMode,
    /// Columns whose values together name a row; a second row with the same key is quarantined. A single one is required, of
    /// several some may be absent. An append source may have none: then equal rows are different rows, as in a log.
    pub key: Vec<ColumnName>,
    /// The columns. A missing one fails the source, an unknown one is reported and ignored.
    pub columns: Vec<ColumnContract>,
    /// The database table that may hold the rows instead of files. Not part of what a row is, so not of what is serialized: a
    /// source that moves is not read anew.
    #[serde(skip_serializing)]
    pub database: Option<DatabaseSpec>,
}

/// One column of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnContract {
    /// Its name in the file and in bronze.
    pub name: ColumnName,
    /// How its text is read.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// An empty value breaks the contract.
    #[serde(default)]
    pub required: bool,
    /// What may be stored of it.
    #[serde(default)]
    pub pii: Pii,
    /// `json_map`: which part of an entry it is.
    pub from: Option<JsonPart>,
    /// Meaning and unit.
    #[serde(default)]
    pub about: String,
}

/// How a value is read and stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// Text as it stands.
    String,
    /// A whole number of 64 bits.
    Integer,
    /// A finite double.
    Number,
    /// `$1,234.50`, `$-77.00` or a plain number, as a double.
    Money,
    /// `YYYY-MM-DD[ T]HH:MM:SS[.ffffff]` with optional offset; UTC when none is given. Microseconds.
    Timestamp,
    /// `MM/YYYY`, stored as the first day of the month.
    Month,
    /// `yes/no`, `true/false`, `1/0`, in any case.
    Boolean,
}

/// What may be kept of a personal value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pii {
    /// Stored as it is.
    #[default]
    Keep,
    /// Only the last four characters are stored.
    Mask,
    /// Never stored anywhere.
    Drop,
}

/// How a source's files are written. Any of them may be compressed with gzip or zstd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// Comma-separated, with a header.
    Csv,
    /// One JSON object a line.
    Ndjson,
    /// One JSON array of objects.
    JsonArray,
    /// One JSON object whose members are the rows: key → value.
    JsonMap,
    /// Apache Parquet.
    Parquet,
}

/// A part of a `json_map` entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JsonPart {
    /// The member's name.
    Key,
    /// The member's value.
    Value,
}

/// What a new batch means for the older ones of its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceMode {
    /// It adds rows.
    Append,
    /// It is the whole truth and replaces them.
    Snapshot,
}

impl SourceContract {
    /// The columns that reach storage, in order.
    pub fn stored_columns(&self) -> impl Iterator<Item = &ColumnContract> {
        self.columns.iter().filter(|column| column.pii != Pii::Drop)
    }

    /// Does the source hold values that must not be stored as they are?
    pub fn has_protected_columns(&self) -> bool {
        self.columns.iter().any(|column| column.pii != Pii::Keep)
    }

    pub(crate) fn check(&self, path: &str) -> Result<(), SpecError> {
        for (position, column) in self.columns.iter().enumerate() {
            let name = &column.name;
            if self.columns[..position].iter().any(|earlier| earlier.name == *name) {
                return Err(SpecError::rule(path, format!("the column `{name}` is declared twice")));
            }
            if (self.format == FileFormat::JsonMap) != column.from.is_some() {
                return Err(SpecError::rule(
                    path,
                    format!("column `{name}`: `from` goes with the format json_map, on every column"),
                ));
            }
            if column.pii == Pii::Mask && column.kind != ColumnType::String {
                return Err(SpecError::rule(path, format!("column `{name}`: only text can be masked")));
            }
        }
        self.check_key(path)?;
        if self.at.is_some() && !matches!(self.format, FileFormat::JsonMap | FileFormat::JsonArray) {
            return Err(SpecError::rule(path, "`at` goes with the formats json_map and json_array"));
        }
        if self.files.matches('*').count() > 1 || self.files.contains('/') {
            return Err(SpecError::rule(path, "`files` is a plain file name with at most one `*`"));
        }
        self.database.as_ref().map_or(Ok(()), |database| database.check(self, path))
    }

    fn check_key(&self, path: &str) -> Result<(), SpecError> {
        for key in &self.key {
            match self.columns.iter().find(|column| column.name == *key) {
                Some(column) if column.pii == Pii::Keep && (column.required || self.key.len() > 1) => {}
                _ => return Err(SpecError::rule(path, format!("the key `{key}` must be a required, unprotected column"))),
            }
        }
        if self.key.is_empty() && self.mode == SourceMode::Snapshot {
            return Err(SpecError::rule(path, "a snapshot source needs a `key`"));
        }
        Ok(())
    }
}
