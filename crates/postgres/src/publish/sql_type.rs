//! The types of published columns.

/// A type that holds a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "PostgreSQL's types, under their own names")]
pub enum SqlType {
    Text,
    Integer,
    Bigint,
    Double,
    Boolean,
    Date,
    Timestamptz,
    Timestamp,
}

impl SqlType {
    /// As PostgreSQL's `format_type` has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Bigint => "bigint",
            Self::Double => "double precision",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Timestamptz => "timestamp with time zone",
            Self::Timestamp => "timestamp without time zone",
        }
    }
}
