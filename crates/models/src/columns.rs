//! Many rows of inputs, column by column: what training and batch scoring pass in.
//!
//! Texts are kept as codes into a dictionary, so a column of nine million card brands takes 36 MB and every transform is
//! worked out once a distinct text instead of once a row. Codes depend on the order of the rows and never reach an artifact.

use std::collections::{BTreeMap, HashMap};

use crate::{InputKind, Value, fold};

/// One column of inputs.
#[derive(Debug, Clone)]
pub enum Column {
    /// Numbers; NaN is absent. 8 bytes a row.
    Number(Vec<f64>),
    /// Flags. 1 byte a row.
    Flag(Vec<Option<bool>>),
    /// Texts. 4 bytes a row and the dictionary.
    Text(TextColumn),
}

impl Column {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Number(values) => values.len(),
            Self::Flag(values) => values.len(),
            Self::Text(values) => values.codes.len(),
        }
    }

    /// Has it no row?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The kind of its values.
    pub fn kind(&self) -> InputKind {
        match self {
            Self::Number(_) => InputKind::Number,
            Self::Flag(_) => InputKind::Flag,
            Self::Text(_) => InputKind::Text,
        }
    }

    /// One row's value; absent past the end.
    pub fn value(&self, row: usize) -> Value<'_> {
        let value = match self {
            Self::Number(values) => values.get(row).filter(|number| number.is_finite()).map(|number| Value::Number(*number)),
            Self::Flag(values) => values.get(row).copied().flatten().map(Value::Flag),
            Self::Text(values) => values.get(row).map(Value::Text),
        };
        value.unwrap_or(Value::Absent)
    }
}

/// Texts as codes into a dictionary of the distinct ones, in order of first appearance.
#[derive(Debug, Clone, Default)]
pub struct TextColumn {
    codes: Vec<u32>,
    texts: Vec<String>,
    code_of: HashMap<String, u32>,
}

impl TextColumn {
    /// The code of an absent text.
    pub const ABSENT: u32 = u32::MAX;

    /// Adds a row.
    pub fn push(&mut self, text: Option<&str>) {
        let code = match text {
            None => Self::ABSENT,
            Some(text) => match self.code_of.get(text) {
                Some(code) => *code,
                None => self.add_text(text),
            },
        };
        self.codes.push(code);
    }

    fn add_text(&mut self, text: &str) -> u32 {
        // A column of u32::MAX distinct texts is far beyond memory; the last code would then stand for absent.
        let code = u32::try_from(self.texts.len()).unwrap_or(Self::ABSENT);
        self.texts.push(text.to_owned());
        self.code_of.insert(text.to_owned(), code);
        code
    }

    /// The codes, one a row.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// The distinct texts by code.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// How often each text stands in `rows`, without case and in lower case: the most frequent first, equally frequent ones in
    /// alphabetical order.
    pub fn frequencies(&self, rows: &[u32]) -> Vec<(String, u64)> {
        let mut counts = vec![0_u64; self.texts.len()];
        for row in rows {
            let code = self.codes.get(*row as usize);
            if let Some(count) = code.and_then(|code| counts.get_mut(*code as usize)) {
                *count += 1;
            }
        }
        let mut folded = BTreeMap::<String, u64>::new();
        for (text, count) in self.texts.iter().zip(counts).filter(|(_, count)| *count > 0) {
            *folded.entry(fold::fold(text)).or_default() += count;
        }
        let mut ranked: Vec<(String, u64)> = folded.into_iter().collect();
        ranked.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        ranked
    }

    /// One row's text.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.codes.get(row).and_then(|code| self.texts.get(*code as usize)).map(String::as_str)
    }
}

impl<'a> FromIterator<Option<&'a str>> for TextColumn {
    fn from_iter<I: IntoIterator<Item = Option<&'a str>>>(texts: I) -> Self {
        let mut column = Self::default();
        texts.into_iter().for_each(|text| column.push(text));
        column
    }
}

/// Columns of the same length, each with a name of its own.
#[derive(Debug, Clone)]
pub struct Columns {
    columns: Vec<(String, Column)>,
    rows: usize,
}

/// Columns that do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnsError {
    /// A name stands twice.
    #[error("the column `{0}` stands twice")]
    Twice(String),
    /// A column has another number of rows than the first one.
    #[error("the column `{name}` has {rows} rows instead of {expected}")]
    Length {
        /// The column.
        name: String,
        /// Its rows.
        rows: usize,
        /// The rows of the first column.
        expected: usize,
    },
    /// There are more rows than a `u32` can number.
    #[error("{0} rows are too many: at most 4,294,967,295 can be numbered")]
    TooMany(usize),
}

impl Columns {
    /// Checks that names are distinct and lengths equal.
    pub fn new(columns: Vec<(String, Column)>) -> Result<Self, ColumnsError> {
        let rows = columns.first().map_or(0, |(_, column)| column.len());
        if u32::try_from(rows).is_err() {
            return Err(ColumnsError::TooMany(rows));
        }
        for (position, (name, column)) in columns.iter().enumerate() {
            if columns.iter().take(position).any(|(earlier, _)| earlier == name) {
                return Err(ColumnsError::Twice(name.clone()));
            }
            if column.len() != rows {
                return Err(ColumnsError::Length { name: name.clone(), rows: column.len(), expected: rows });
            }
        }
        Ok(Self { columns, rows })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The column with this name.
    pub fn get(&self, name: &str) -> Option<&Column> {
        self.iter().find(|(column, _)| *column == name).map(|(_, column)| column)
    }

    /// Names and columns, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Column)> {
        self.columns.iter().map(|(name, column)| (name.as_str(), column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fit_together_or_are_refused() {
        let numbers = |rows: usize| Column::Number(vec![1.0; rows]);
        let refuse = |columns| Columns::new(columns).expect_err("refused");
        assert_eq!(refuse(vec![("a".into(), numbers(1)), ("a".into(), numbers(1))]), ColumnsError::Twice("a".into()));
        let length = ColumnsError::Length { name: "b".into(), rows: 2, expected: 1 };
        assert_eq!(refuse(vec![("a".into(), numbers(1)), ("b".into(), numbers(2))]), length);
    }

    #[test]
    fn frequencies_ignore_case_and_order_ties_alphabetically() {
        let texts: TextColumn = [Some("TX"), Some("ca"), None, Some("NY"), Some("CA"), Some("WA")].into_iter().collect();
        let expected = [("ca", 2), ("ny", 1), ("tx", 1)].map(|(text, count)| (text.to_owned(), count));
        assert_eq!(texts.frequencies(&[0, 1, 2, 3, 4]), expected);
    }

    #[test]
    fn texts_come_back_by_row() {
        let texts: TextColumn = [Some("Visa"), None, Some("Amex"), Some("Visa")].into_iter().collect();
        assert_eq!(texts.codes(), [0, TextColumn::ABSENT, 1, 0]);
        let column = Column::Text(texts);
        assert_eq!(column.value(3), Value::Text("Visa"));
        assert_eq!(column.value(1), Value::Absent);
        assert_eq!(column.value(9), Value::Absent);
        assert_eq!(Column::Number(vec![f64::INFINITY]).value(0), Value::Absent);
    }
}
