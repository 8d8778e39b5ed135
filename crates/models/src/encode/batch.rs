//! Columns to matrices, through the same transforms as single records.

use super::{Encoder, EncoderError, Input, transform::FittedTransform};
use crate::{Column, Columns, ScoringForm, Value};

/// Rows that are encoded and scored together: their matrix stays in the cache.
const BLOCK_ROWS: usize = 1024;

/// How a matrix lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Row after row: what scoring reads.
    RowMajor,
    /// Column after column: what fitting libraries read.
    ColumnMajor,
}

/// An encoder that has found its columns. A matrix takes 8 bytes a number: a million rows by 40 columns, 320 MB; so fit on
/// chosen rows and score in blocks.
#[derive(Debug)]
pub struct BoundEncoder<'a> {
    features: Vec<BoundFeature<'a>>,
    names: Vec<String>,
}

#[derive(Debug)]
struct BoundFeature<'a> {
    start: usize,
    width: usize,
    source: Source<'a>,
}

/// Where a feature's numbers come from: a column of numbers, or a table with one line for each distinct value.
#[derive(Debug)]
enum Source<'a> {
    Numbers { values: &'a [f64], other: Option<&'a [f64]>, transform: &'a FittedTransform },
    Flags { flags: &'a [Option<bool>], table: Vec<f64> },
    Texts { codes: &'a [u32], table: Vec<f64>, texts: usize },
}

impl Encoder {
    /// Finds the inputs among `columns`.
    pub fn bind<'a>(&'a self, columns: &'a Columns) -> Result<BoundEncoder<'a>, EncoderError> {
        let bound = self.features.iter().map(|feature| {
            let other = match feature.other {
                None => None,
                Some(other) => match self.column(columns, other)? {
                    (_, Column::Number(values)) => Some(values.as_slice()),
                    (input, column) => return Err(wrong_kind(input, column)),
                },
            };
            let (input, column) = self.column(columns, feature.input)?;
            let source = Source::new(column, other, &feature.transform).ok_or_else(|| wrong_kind(input, column))?;
            Ok(BoundFeature { start: feature.start, width: feature.transform.width(), source })
        });
        Ok(BoundEncoder { features: bound.collect::<Result<_, _>>()?, names: self.output_names() })
    }

    fn column<'a>(&'a self, columns: &'a Columns, input: usize) -> Result<(&'a Input, &'a Column), EncoderError> {
        let input = &self.inputs()[input];
        let column = columns.get(&input.name).ok_or_else(|| EncoderError::UnknownColumn(input.name.clone()))?;
        Ok((input, column))
    }
}

fn wrong_kind(input: &Input, column: &Column) -> EncoderError {
    EncoderError::WrongKind { column: input.name.clone(), expected: input.kind, found: column.kind().as_str() }
}

impl<'a> Source<'a> {
    fn new(column: &'a Column, other: Option<&'a [f64]>, transform: &'a FittedTransform) -> Option<Self> {
        match column {
            _ if column.kind() != transform.kind() => None,
            Column::Number(values) => Some(Self::Numbers { values, other, transform }),
            Column::Flag(flags) => {
                let values = [Value::Flag(false), Value::Flag(true), Value::Absent];
                Some(Self::Flags { flags, table: table(transform, values.into_iter())? })
            }
            Column::Text(texts) => {
                let values = texts.texts().iter().map(|text| Value::Text(text)).chain([Value::Absent]);
                let table = table(transform, values)?;
                Some(Self::Texts { codes: texts.codes(), table, texts: texts.texts().len() })
            }
        }
    }
}

fn table<'v>(transform: &FittedTransform, values: impl Iterator<Item = Value<'v>>) -> Option<Vec<f64>> {
    let mut table = Vec::new();
    for value in values {
        let start = table.len();
        table.resize(start + transform.width(), f64::NAN);
        transform.apply(value, Value::Absent, table.get_mut(start..)?).ok()?;
    }
    Some(table)
}

impl BoundEncoder<'_> {
    /// How many numbers a row has.
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// What the numbers are called.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The numbers of `rows`. A row past the end is absent.
    pub fn matrix(&self, rows: &[u32], layout: Layout) -> Vec<f64> {
        let mut out = Vec::new();
        self.fill(rows, layout, &mut out);
        out
    }

    /// The same, into a buffer that is used again.
    pub fn fill(&self, rows: &[u32], layout: Layout, out: &mut Vec<f64>) {
        out.clear();
        out.resize(rows.len() * self.width(), f64::NAN);
        let (row_step, column_step) = match layout {
            Layout::RowMajor => (self.width(), 1),
            Layout::ColumnMajor => (1, rows.len()),
        };
        for feature in &self.features {
            for offset in 0..feature.width {
                let places = out.iter_mut().skip((feature.start + offset) * column_step).step_by(row_step);
                feature.write(offset, rows.iter().zip(places));
            }
        }
    }

    /// The score of each row, encoded and scored in blocks.
    pub fn score(&self, form: &ScoringForm, rows: &[u32]) -> Vec<f64> {
        let (mut matrix, mut scores) = (Vec::new(), Vec::with_capacity(rows.len()));
        for block in rows.chunks(BLOCK_ROWS) {
            self.fill(block, Layout::RowMajor, &mut matrix);
            form.score_rows(&matrix, &mut scores);
        }
        scores
    }
}

impl BoundFeature<'_> {
    fn write<'r>(&self, offset: usize, places: impl Iterator<Item = (&'r u32, &'r mut f64)>) {
        let line = |table: &[f64], line: usize| table.get(line * self.width + offset).copied().unwrap_or(f64::NAN);
        match &self.source {
            Source::Numbers { values, other, transform } => {
                let number =
                    |values: &[f64], row: u32| values.get(row as usize).map_or(Value::Absent, |number| Value::Number(*number));
                for (row, place) in places {
                    let other = other.map_or(Value::Absent, |values| number(values, *row));
                    // The kinds were compared while binding, so the transform cannot refuse.
                    let _ = transform.apply(number(values, *row), other, std::slice::from_mut(place));
                }
            }
            Source::Flags { flags, table } => {
                for (row, place) in places {
                    let flag = flags.get(*row as usize).copied().flatten();
                    *place = line(table, flag.map_or(2, usize::from));
                }
            }
            Source::Texts { codes, table, texts } => {
                for (row, place) in places {
                    let code = codes.get(*row as usize).map_or(*texts, |code| (*code as usize).min(*texts));
                    *place = line(table, code);
                }
            }
        }
    }
}
