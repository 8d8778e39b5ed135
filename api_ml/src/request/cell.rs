//! Transactions out of columns: values of Arrow batches and of tensors go through the same checks as those of JSON.

use serde::{
    Deserialize as _, Deserializer,
    de::{
        IntoDeserializer, Visitor,
        value::{Error, MapDeserializer},
    },
    forward_to_deserialize_any,
};

use super::Transaction;

/// One value of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    Absent,
    Flag(bool),
    Integer(i64),
    Number(f64),
    Text(&'a str),
}

impl Cell<'_> {
    /// A number; NaN is how tables without nulls write an absent one.
    pub fn number(number: f64) -> Self {
        if number.is_nan() { Self::Absent } else { Self::Number(number) }
    }
}

/// The transaction that a row of named cells is. On `Err`, the field and what is wrong with it.
pub fn transaction<'a>(cells: impl Iterator<Item = (&'a str, Cell<'a>)> + Clone) -> Result<Transaction, String> {
    Transaction::deserialize(MapDeserializer::<_, Error>::new(cells.clone())).map_err(|error| {
        // Again, this time keeping track of the field.
        match serde_path_to_error::deserialize::<_, Transaction>(MapDeserializer::<_, Error>::new(cells)) {
            Err(fault) if fault.path().to_string() != "." => format!("`{}`: {}", fault.path(), fault.inner()),
            _ => error.to_string(),
        }
    })
}

impl<'de> Deserializer<'de> for Cell<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Absent => visitor.visit_unit(),
            Self::Flag(flag) => visitor.visit_bool(flag),
            Self::Integer(integer) => visitor.visit_i64(integer),
            Self::Number(number) => visitor.visit_f64(number),
            Self::Text(text) => visitor.visit_str(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self == Self::Absent { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for Cell<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
