//! How a row is read by its contract: each field's text becomes a value, or names the rule it breaks.

use serde_json::{Map, Value as Json};

use crate::{
    ColumnContract, ColumnType, FieldError, FileFormat, Pii, SourceContract, parse_boolean, parse_integer, parse_money,
    parse_month, parse_number, parse_timestamp,
};

/// What a field's text says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Absent,
    /// A whole number; of a timestamp, microseconds since 1970.
    Integer(i64),
    /// A finite double.
    Number(f64),
    /// Days since 1970.
    Date(i32),
    /// Yes or no.
    Boolean(bool),
    /// Text as it stands.
    Text(&'a str),
}

/// The rule a row breaks. Holds no value of the row: it may be personal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// A required field is empty.
    #[error("{0} is missing")]
    Missing(String),
    /// A field is not of its column's type.
    #[error("{0} {1}")]
    Field(String, #[source] FieldError),
    /// A field is not text.
    #[error("{0} is not valid UTF-8")]
    Encoding(String),
}

impl SourceContract {
    /// Where each column stands among a file's names. The text ends a sentence that starts with the file.
    pub fn positions(&self, names: &[String]) -> Result<Vec<usize>, String> {
        let position = |column: &ColumnContract| names.iter().position(|name| name == column.name.as_str());
        let missing: Vec<_> = self.columns.iter().filter(|column| position(column).is_none()).collect();
        if missing.is_empty() {
            return Ok(self.columns.iter().filter_map(position).collect());
        }
        let missing: Vec<_> = missing.into_iter().map(|column| column.name.as_str()).collect();
        Err(format!("has no column {}", missing.join(", ")))
    }

    /// Reads a row, given as the text of each column in the contract's order; empty text is absent.
    pub fn read_row<'a>(&self, fields: &[&'a [u8]], values: &mut Vec<Value<'a>>) -> Result<(), RowFault> {
        values.clear();
        for (column, text) in self.columns.iter().zip(fields) {
            let value = column.read(text)?;
            if column.required && value == Value::Absent {
                return Err(RowFault::Missing(column.name.to_string()));
            }
            values.push(value);
        }
        Ok(())
    }

    /// The text of each column in a JSON object, in the contract's order; empty where the object has none or null.
    pub fn texts_of(&self, object: &Map<String, Json>) -> Vec<Vec<u8>> {
        self.columns.iter().map(|column| object.get(column.name.as_str()).map_or_else(Vec::new, text_of)).collect()
    }

    /// The contract of this source's rows as they are kept between a door and bronze: one JSON object a line, without the
    /// columns that may not be stored.
    pub fn of_kept_rows(&self) -> Self {
        let columns = self.stored_columns().map(|column| ColumnContract { from: None, ..column.clone() }).collect();
        Self { format: FileFormat::Ndjson, at: None, columns, ..self.clone() }
    }
}

/// A JSON value as the text that is read by a contract; null is absent.
pub fn text_of(value: &Json) -> Vec<u8> {
    match value {
        Json::Null => Vec::new(),
        Json::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    }
}

impl ColumnContract {
    fn read<'a>(&self, text: &'a [u8]) -> Result<Value<'a>, RowFault> {
        if text.is_empty() {
            return Ok(Value::Absent);
        }
        let value = match self.kind {
            ColumnType::String => {
                let text = std::str::from_utf8(text).map_err(|_| RowFault::Encoding(self.name.to_string()))?;
                return Ok(Value::Text(text));
            }
            ColumnType::Integer => parse_integer(text).map(Value::Integer),
            ColumnType::Number => parse_number(text).map(Value::Number),
            ColumnType::Money => parse_money(text).map(Value::Number),
            ColumnType::Timestamp => parse_timestamp(text).map(Value::Integer),
            ColumnType::Month => parse_month(text).map(Value::Date),
            ColumnType::Boolean => parse_boolean(text).map(Value::Boolean),
        };
        value.map_err(|fault| RowFault::Field(self.name.to_string(), fault))
    }
}

impl Pii {
    /// What may be stored of a text.
    pub fn kept(self, text: &str) -> Option<&str> {
        match self {
            Self::Keep => Some(text),
            Self::Mask => Some(last_four(text)),
            Self::Drop => None,
        }
    }
}

/// The last four characters: what is kept of a masked value.
fn last_four(text: &str) -> &str {
    let start = text.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::Pii;

    #[test]
    fn a_masked_text_keeps_its_last_four_characters_however_often_it_is_masked() {
        for (text, kept) in [("4344676511950444", "0444"), ("0444", "0444"), ("44", "44"), ("", ""), ("čtyři", "tyři")] {
            assert_eq!(Pii::Mask.kept(text), Some(kept));
            assert_eq!(Pii::Mask.kept(kept), Some(kept));
        }
        assert_eq!((Pii::Keep.kept("a"), Pii::Drop.kept("a")), (Some("a"), None));
    }
}
