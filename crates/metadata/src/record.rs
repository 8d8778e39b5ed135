//! Rows of the database as they are read.

use std::{fmt::Display, str::FromStr};

use jiff::Timestamp;
use serde_json::Value;
use sqlx::{Any, Decode, Row, Type, any::AnyRow};

use crate::MetadataError;

/// A row of one table. What cannot be read is an error that names table and column.
pub struct Record<'r> {
    pub table: &'static str,
    pub row: &'r AnyRow,
}

impl Record<'_> {
    fn get<T>(&self, column: &'static str) -> Result<T, MetadataError>
    where
        T: for<'v> Decode<'v, Any> + Type<Any>,
    {
        self.row.try_get(column).map_err(|error| self.damaged(column, error))
    }

    fn damaged(&self, column: &'static str, reason: impl Display) -> MetadataError {
        MetadataError::Damaged { table: self.table, column, reason: reason.to_string() }
    }

    pub fn text(&self, column: &'static str) -> Result<String, MetadataError> {
        self.get(column)
    }

    pub fn optional_text(&self, column: &'static str) -> Result<Option<String>, MetadataError> {
        self.get(column)
    }

    pub fn number(&self, column: &'static str) -> Result<i64, MetadataError> {
        self.get(column)
    }

    /// A number of a narrower type.
    pub fn count<T: TryFrom<i64, Error: Display>>(&self, column: &'static str) -> Result<T, MetadataError> {
        T::try_from(self.number(column)?).map_err(|error| self.damaged(column, error))
    }

    pub fn optional_count(&self, column: &'static str) -> Result<Option<u64>, MetadataError> {
        let count: Option<i64> = self.get(column)?;
        count.map(u64::try_from).transpose().map_err(|error| self.damaged(column, error))
    }

    pub fn instant(&self, column: &'static str) -> Result<Timestamp, MetadataError> {
        Timestamp::from_microsecond(self.number(column)?).map_err(|error| self.damaged(column, error))
    }

    pub fn optional_instant(&self, column: &'static str) -> Result<Option<Timestamp>, MetadataError> {
        let at: Option<i64> = self.get(column)?;
        at.map(Timestamp::from_microsecond).transpose().map_err(|error| self.damaged(column, error))
    }

    /// A name or a word with a fixed meaning.
    pub fn word<T: FromStr<Err: Display>>(&self, column: &'static str) -> Result<T, MetadataError> {
        self.text(column)?.parse().map_err(|error| self.damaged(column, error))
    }

    pub fn json(&self, column: &'static str) -> Result<Value, MetadataError> {
        serde_json::from_str(&self.text(column)?).map_err(|error| self.damaged(column, error))
    }

    pub fn optional_json(&self, column: &'static str) -> Result<Option<Value>, MetadataError> {
        let text = self.optional_text(column)?;
        text.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| self.damaged(column, error))
    }
}
