//! One input value, and a row of them.

use std::{
    collections::{BTreeMap, HashMap},
    hash::BuildHasher,
};

use serde::{Deserialize, Serialize};

/// What kind of value an input takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// A number.
    Number,
    /// A text.
    Text,
    /// True or false.
    Flag,
}

impl InputKind {
    /// The kind's name in messages and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Text => "text",
            Self::Flag => "flag",
        }
    }
}

/// One input value, borrowed. A number that is not finite counts as absent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// A number.
    Number(f64),
    /// A text, in any case.
    Text(&'a str),
    /// True or false.
    Flag(bool),
    /// Nothing is known.
    Absent,
}

impl Value<'_> {
    /// The value's kind; absent has none.
    pub fn kind(&self) -> Option<InputKind> {
        match self {
            Self::Number(_) => Some(InputKind::Number),
            Self::Text(_) => Some(InputKind::Text),
            Self::Flag(_) => Some(InputKind::Flag),
            Self::Absent => None,
        }
    }
}

/// One input value, owned; in JSON a number, a text, true, false or null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Field {
    /// True or false.
    Flag(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// Nothing is known.
    Absent,
}

impl Field {
    /// The same value, borrowed.
    pub fn as_value(&self) -> Value<'_> {
        match self {
            Self::Flag(flag) => Value::Flag(*flag),
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(text),
            Self::Absent => Value::Absent,
        }
    }
}

impl From<Value<'_>> for Field {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Number(number) if number.is_finite() => Self::Number(number),
            Value::Number(_) | Value::Absent => Self::Absent,
            Value::Text(text) => Self::Text(text.to_owned()),
            Value::Flag(flag) => Self::Flag(flag),
        }
    }
}

/// A row of inputs that can be asked for one of them by name.
pub trait Record {
    /// The input's value; `None` and [`Value::Absent`] mean the same.
    fn value(&self, input: &str) -> Option<Value<'_>>;
}

impl Record for BTreeMap<String, Field> {
    fn value(&self, input: &str) -> Option<Value<'_>> {
        self.get(input).map(Field::as_value)
    }
}

impl<S: BuildHasher> Record for HashMap<String, Field, S> {
    fn value(&self, input: &str) -> Option<Value<'_>> {
        self.get(input).map(Field::as_value)
    }
}

impl Record for [(&str, Value<'_>)] {
    fn value(&self, input: &str) -> Option<Value<'_>> {
        self.iter().find(|(name, _)| *name == input).map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_read_and_write_as_plain_json() {
        let text = r#"[true,0.1,"Visa",null]"#;
        let fields: Vec<Field> = serde_json::from_str(text).expect("valid");
        assert_eq!(fields, [Field::Flag(true), Field::Number(0.1), Field::Text("Visa".into()), Field::Absent]);
        assert_eq!(serde_json::to_string(&fields).expect("valid"), text);
        assert_eq!(Field::from(Value::Number(f64::NAN)), Field::Absent);
    }
}
