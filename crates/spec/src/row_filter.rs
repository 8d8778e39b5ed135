//! Row filters: the part of SQL in which a column is compared with literals. Nothing in it can fail on a row, or tell of another.
//!
//! `column = 1`, `<> < <= > >=`, `column in ('a', 'b')`, `column is [not] null`, `and`, `or`, `not`, parentheses; `$user` is the name of
//! whoever asks.

use serde::Deserialize;

use crate::{ColumnName, UserName};

/// A filter, parsed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub enum RowFilter {
    /// A column against a value.
    Compare(ColumnName, CompareOp, FilterValue),
    /// A column against several.
    In(ColumnName, Vec<FilterValue>),
    /// Whether a column holds nothing.
    IsNull(ColumnName),
    /// Both.
    And(Box<Self>, Box<Self>),
    /// Either.
    Or(Box<Self>, Box<Self>),
    /// The opposite; of what is unknown still unknown, so that the row is not shown.
    Not(Box<Self>),
}

/// How a column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// What a column is compared with; a number is read as the column's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterValue {
    /// Text.
    Text(String),
    /// A number, as written.
    Number(String),
    /// `true` or `false`.
    Boolean(bool),
    /// `$user`.
    User,
}

/// A filter that is not of that part of SQL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{filter}` is no row filter at `{rest}`: compare columns with literals or $user, by = <> < <= > >= in, is null, and, or, not"
)]
pub struct InvalidFilter {
    filter: String,
    rest: String,
}

/// Deeper ones are nobody's rule.
const MOST_DEPTH: usize = 32;
const OPERATORS: [(&str, CompareOp); 6] = [
    ("<>", CompareOp::NotEqual),
    ("<=", CompareOp::LessOrEqual),
    (">=", CompareOp::GreaterOrEqual),
    ("=", CompareOp::Equal),
    ("<", CompareOp::Less),
    (">", CompareOp::Greater),
];

impl TryFrom<String> for RowFilter {
    type Error = InvalidFilter;

    fn try_from(text: String) -> Result<Self, InvalidFilter> {
        let mut reader = Reader { rest: &text };
        let found = reader.either(0).filter(|_| reader.rest.trim().is_empty());
        let rest = reader.rest.trim().chars().take(40).collect();
        found.ok_or(InvalidFilter { filter: text, rest })
    }
}

impl RowFilter {
    /// The same with the name of a user in place of `$user`.
    pub fn for_user(&self, user: &UserName) -> Self {
        let value = |value: &FilterValue| match value {
            FilterValue::User => FilterValue::Text(user.to_string()),
            other => other.clone(),
        };
        let both = |left: &Self, right: &Self| (Box::new(left.for_user(user)), Box::new(right.for_user(user)));
        match self {
            Self::Compare(column, op, with) => Self::Compare(column.clone(), *op, value(with)),
            Self::In(column, values) => Self::In(column.clone(), values.iter().map(value).collect()),
            Self::IsNull(column) => Self::IsNull(column.clone()),
            Self::Not(inner) => Self::Not(Box::new(inner.for_user(user))),
            Self::And(left, right) => {
                let (left, right) = both(left, right);
                Self::And(left, right)
            }
            Self::Or(left, right) => {
                let (left, right) = both(left, right);
                Self::Or(left, right)
            }
        }
    }

    /// Does it name `$user`?
    pub fn names_user(&self) -> bool {
        match self {
            Self::Compare(_, _, value) => *value == FilterValue::User,
            Self::In(_, values) => values.contains(&FilterValue::User),
            Self::IsNull(_) => false,
            Self::Not(inner) => inner.names_user(),
            Self::And(left, right) | Self::Or(left, right) => left.names_user() || right.names_user(),
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn either(&mut self, depth: usize) -> Option<RowFilter> {
        let mut left = self.both(depth)?;
        while self.word("or") {
            left = RowFilter::Or(Box::new(left), Box::new(self.both(depth)?));
        }
        Some(left)
    }

    fn both(&mut self, depth: usize) -> Option<RowFilter> {
        let mut left = self.one(depth)?;
        while self.word("and") {
            left = RowFilter::And(Box::new(left), Box::new(self.one(depth)?));
        }
        Some(left)
    }

    fn one(&mut self, depth: usize) -> Option<RowFilter> {
        if depth > MOST_DEPTH {
            return None;
        }
        if self.word("not") {
            return Some(RowFilter::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.symbol("(") {
            let inner = self.either(depth + 1)?;
            return self.symbol(")").then_some(inner);
        }
        let column = self.column()?;
        if self.word("is") {
            let is_not = self.word("not");
            let is_null = self.word("null").then_some(RowFilter::IsNull(column))?;
            return Some(if is_not { RowFilter::Not(Box::new(is_null)) } else { is_null });
        }
        if self.word("in") {
            return self.list().map(|values| RowFilter::In(column, values));
        }
        let op = OPERATORS.iter().find(|(symbol, _)| self.symbol(symbol)).map(|(_, op)| *op)?;
        Some(RowFilter::Compare(column, op, self.value()?))
    }

    fn list(&mut self) -> Option<Vec<FilterValue>> {
        let mut values = Vec::new();
        let mut goes_on = self.symbol("(");
        while goes_on {
            values.push(self.value()?);
            goes_on = self.symbol(",");
        }
        (!values.is_empty() && self.symbol(")")).then_some(values)
    }

    fn value(&mut self) -> Option<FilterValue> {
        if self.symbol("$user") {
            return Some(FilterValue::User);
        }
        for word in [true, false] {
            if self.word(if word { "true" } else { "false" }) {
                return Some(FilterValue::Boolean(word));
            }
        }
        let rest = self.rest.trim_start();
        if rest.starts_with('\'') { self.text() } else { self.number() }
    }

    fn text(&mut self) -> Option<FilterValue> {
        self.symbol("'");
        let mut text = String::new();
        loop {
            let (part, after) = self.rest.split_once('\'')?;
            text.push_str(part);
            self.rest = after;
            // Two quotes are one.
            match after.strip_prefix('\'') {
                Some(after) => {
                    text.push('\'');
                    self.rest = after;
                }
                None => return Some(FilterValue::Text(text)),
            }
        }
    }

    fn number(&mut self) -> Option<FilterValue> {
        let rest = self.rest.trim_start();
        let is_part = |character: char| character.is_ascii_digit() || matches!(character, '-' | '.');
        let end = rest.find(|character| !is_part(character)).unwrap_or(rest.len());
        let number = &rest[..end];
        number.parse::<f64>().ok()?;
        self.rest = &rest[end..];
        Some(FilterValue::Number(number.to_owned()))
    }

    fn column(&mut self) -> Option<ColumnName> {
        let rest = self.rest.trim_start();
        let end = rest.find(|character: char| !character.is_ascii_alphanumeric() && character != '_').unwrap_or(rest.len());
        const KEYWORDS: [&str; 8] = ["and", "or", "not", "in", "is", "null", "true", "false"];
        let name = rest[..end].parse().ok().filter(|_| !KEYWORDS.contains(&&rest[..end]))?;
        self.rest = &rest[end..];
        Some(name)
    }

    /// A keyword in any case, and the end of it.
    fn word(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        let is_word = rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
            && !rest[word.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '_');
        if is_word {
            self.rest = &rest[word.len()..];
        }
        is_word
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        match self.rest.trim_start().strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<RowFilter, InvalidFilter> {
        text.to_owned().try_into()
    }

    #[test]
    fn and_binds_more_than_or_and_not_more_than_and() {
        let same = [
            ("a = 1 or b = 2 and c = 3", "a = 1 or (b = 2 and c = 3)"),
            ("not a = 1 and b = 2", "(not a = 1) and b = 2"),
            ("a IN (1,2) AND NOT b is NOT null", "a in ( 1 , 2 ) and not (b is not null)"),
            ("a='it''s'", "a = 'it''s'"),
        ];
        for (one, other) in same {
            assert_eq!(read(one).expect(one), read(other).expect(other));
        }
        assert_eq!(
            read("a = 'it''s'"),
            Ok(RowFilter::Compare("a".parse().expect("a"), CompareOp::Equal, FilterValue::Text("it's".into())))
        );
        let user = read("owner in ($user, 'all')").expect("a filter");
        assert!(user.names_user() && !user.for_user(&"ada".parse().expect("a name")).names_user());
    }

    #[test]
    fn everything_else_of_sql_is_refused() {
        let deep = format!("{}a = 1{}", "(".repeat(100), ")".repeat(100));
        let nots = format!("{} a = 1", "not ".repeat(10_000));
        let refused = [
            "",
            "a",
            "a =",
            "= 1",
            "1 = 1",
            "a = b",
            "a = 1 and",
            "a = 1 or or b = 2",
            "(a = 1",
            "a = 1)",
            "a = 1; drop table b",
            "a = 1 -- b",
            "a = 1 /* b */",
            "a = 'b",
            "a = \"b\"",
            "a in ()",
            "a in (1,)",
            "a in (select b from c)",
            "a like 'b%'",
            "a between 1 and 2",
            "length(a) = 1",
            "a + 1 = 2",
            "a is 1",
            "a is not 1",
            "gold.a = 1",
            "A = 1",
            "a = $other",
            "a = 1e400e",
            "exists (select 1)",
            "a = null",
            "not",
            "a == 1",
            "a != 1",
            "a = --1",
            "true",
            &deep,
            &nots,
        ];
        for text in refused {
            assert!(read(text).is_err(), "{text}");
        }
        println!("{} texts refused", refused.len());
    }
}
