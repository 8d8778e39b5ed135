//! Types, by the numbers that PostgreSQL has for them.

use arrow::datatypes::{DataType, TimeUnit};

/// A type of PostgreSQL, as in its table `pg_type`.
#[derive(Debug, PartialEq, Eq)]
pub struct PgType {
    /// Its number.
    pub oid: u32,
    /// The number of arrays of it.
    pub array: u32,
    /// Its name.
    pub name: &'static str,
    /// Its name in SQL.
    pub sql: &'static str,
    /// Bytes of a value; -1 where they differ.
    pub size: i16,
    /// What kind of type it is, for clients that choose operators by it.
    pub category: &'static str,
}

macro_rules! types {
    ($($name:ident: $oid:literal $array:literal $word:literal $sql:literal $size:literal $category:literal;)+) => {
        $(pub(crate) const $name: &PgType =
            &PgType { oid: $oid, array: $array, name: $word, sql: $sql, size: $size, category: $category };)+

        /// Every type that values have here.
        pub const BASE: &[&PgType] = &[$($name),+];
    };
}

types! {
    BOOL: 16 1000 "bool" "boolean" 1 "B";
    BYTEA: 17 1001 "bytea" "bytea" -1 "U";
    INT8: 20 1016 "int8" "bigint" 8 "N";
    INT2: 21 1005 "int2" "smallint" 2 "N";
    INT4: 23 1007 "int4" "integer" 4 "N";
    TEXT: 25 1009 "text" "text" -1 "S";
    FLOAT4: 700 1021 "float4" "real" 4 "N";
    FLOAT8: 701 1022 "float8" "double precision" 8 "N";
    DATE: 1082 1182 "date" "date" 4 "D";
    TIME: 1083 1183 "time" "time without time zone" 8 "D";
    TIMESTAMP: 1114 1115 "timestamp" "timestamp without time zone" 8 "D";
    TIMESTAMPTZ: 1184 1185 "timestamptz" "timestamp with time zone" 8 "D";
    NUMERIC: 1700 1231 "numeric" "numeric" -1 "N";
}

/// Texts by other names, which only parameters have: what is not known, `varchar`, `bpchar`, `name`, `json`.
const TEXTS: [u32; 6] = [0, 705, 1043, 1042, 19, 114];

/// The type of a column or a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Of a value, or of each value of an array.
    pub base: &'static PgType,
    /// Is it an array?
    pub is_array: bool,
}

impl Kind {
    /// How values of a type of Arrow are shown. What PostgreSQL has no type for is a text.
    pub fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _)
                if !item.data_type().is_nested() =>
            {
                Self { base: base_of(item.data_type()), is_array: true }
            }
            DataType::Dictionary(_, values) => Self::of(values),
            other => Self { base: base_of(other), is_array: false },
        }
    }

    /// The type with this number, if values of it can be sent here; a number that a client leaves open is a text.
    pub fn of_oid(oid: u32) -> Option<Self> {
        if TEXTS.contains(&oid) {
            return Some(Self { base: TEXT, is_array: false });
        }
        BASE.iter().find(|base| base.oid == oid).map(|base| Self { base, is_array: false })
    }

    /// Its number.
    pub fn oid(self) -> u32 {
        if self.is_array { self.base.array } else { self.base.oid }
    }

    /// Bytes of a value; -1 where they differ.
    pub fn size(self) -> i16 {
        if self.is_array { -1 } else { self.base.size }
    }

    /// The type of Arrow that values are brought into before they are written.
    pub fn canonical(self, given: &DataType) -> DataType {
        let one = match self.base.oid {
            16 => DataType::Boolean,
            17 => DataType::Binary,
            20 => DataType::Int64,
            21 => DataType::Int16,
            23 => DataType::Int32,
            700 => DataType::Float32,
            701 => DataType::Float64,
            1082 => DataType::Date32,
            1083 => DataType::Time64(TimeUnit::Microsecond),
            1114 => DataType::Timestamp(TimeUnit::Microsecond, None),
            1184 => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            1700 => match element(given) {
                decimal @ (DataType::Decimal128(..) | DataType::Decimal256(..)) => decimal.clone(),
                _ => DataType::Decimal128(20, 0),
            },
            _ => DataType::Utf8,
        };
        if self.is_array { DataType::new_list(one, true) } else { one }
    }
}

fn element(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => item.data_type(),
        other => other,
    }
}

fn base_of(data_type: &DataType) -> &'static PgType {
    match data_type {
        DataType::Boolean => BOOL,
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => INT2,
        DataType::Int32 | DataType::UInt16 => INT4,
        DataType::Int64 | DataType::UInt32 => INT8,
        DataType::UInt64 | DataType::Decimal32(..) | DataType::Decimal64(..) => NUMERIC,
        DataType::Decimal128(..) | DataType::Decimal256(..) => NUMERIC,
        DataType::Float16 | DataType::Float32 => FLOAT4,
        DataType::Float64 => FLOAT8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => BYTEA,
        DataType::Date32 | DataType::Date64 => DATE,
        DataType::Time32(_) | DataType::Time64(_) => TIME,
        DataType::Timestamp(_, None) => TIMESTAMP,
        DataType::Timestamp(_, Some(_)) => TIMESTAMPTZ,
        DataType::Dictionary(_, values) => base_of(values),
        _ => TEXT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_the_numbers_of_postgresql() {
        assert_eq!(Kind::of(&DataType::Int64).oid(), 20);
        assert_eq!(Kind::of(&DataType::new_list(DataType::Utf8View, true)).oid(), 1009);
        assert_eq!(Kind::of(&DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))).oid(), 1184);
        assert_eq!(Kind::of(&DataType::Null).oid(), 25);
        assert_eq!(Kind::of_oid(1043).map(Kind::oid), Some(25));
        assert_eq!(Kind::of_oid(600), None);
    }
}
