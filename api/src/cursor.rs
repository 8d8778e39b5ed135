//! Where a page ended: the version that was read, what was asked of it, and the last row's place in the order.
//!
//! A cursor holds nothing that a client may not know, and nothing is taken from it unchecked: the version has to exist, the values
//! have to be ones of their columns, and the question has to be the one it was made for.

use arrow::{array::RecordBatch, error::ArrowError, util::display::array_value_to_string};
use lakehouse_lake::TableQuery;
use lakehouse_service::Problem;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Where a page ended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cursor {
    pub version: u64,
    question: String,
    pub after: Vec<Option<String>>,
}

impl Cursor {
    /// After the last row of a page, which has every column of the order.
    pub(crate) fn after(version: u64, query: &TableQuery, page: &RecordBatch) -> Result<Self, ArrowError> {
        let last = page.num_rows().saturating_sub(1);
        let value = |(name, _): &(String, bool)| match page.column_by_name(name) {
            Some(column) if !column.is_null(last) => array_value_to_string(column, last).map(Some),
            _ => Ok(None),
        };
        Ok(Self { version, question: question(query), after: query.order.iter().map(value).collect::<Result<_, _>>()? })
    }

    /// Reads a cursor that was given for `query`.
    pub(crate) fn read(text: &str, query: &TableQuery) -> Result<Self, Problem> {
        let cursor: Option<Self> = hex::decode(text).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let refused = |why| Problem::unprocessable(why).with_code("invalid_cursor");
        let cursor = cursor.ok_or_else(|| refused("`cursor` is not one that was given here"))?;
        if cursor.question == question(query) {
            Ok(cursor)
        } else {
            Err(refused("`cursor` was given for other filters, columns or another order"))
        }
    }

    pub(crate) fn text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_vec(self).map(hex::encode)
    }
}

/// What must stay the same from page to page; the size of a page may change.
fn question(query: &TableQuery) -> String {
    let text = format!("{:?} {:?} {:?}", query.select, query.filters, query.order);
    hex::encode(&Sha256::digest(text.as_bytes())[..8])
}
