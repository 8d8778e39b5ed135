//! The encoder: which inputs a model takes and which numbers they become.

use lakehouse_spec::{ColumnName, FeatureSpec};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::transform::{Categories, FittedTransform};
use crate::{Column, Columns, InputKind, Record, Value};

/// One input of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its name, in tables and in requests.
    pub name: String,
    /// The kind of its values.
    pub kind: InputKind,
    /// May it be absent?
    pub nullable: bool,
}

/// Turns the inputs of a record, or columns of them, into numbers; NaN is absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "EncoderFile", into = "EncoderFile")]
pub struct Encoder {
    inputs: Vec<Input>,
    pub(super) features: Vec<Feature>,
    width: usize,
}

/// One transform of one input, or of two; `start` is where its numbers begin.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Feature {
    pub(super) input: usize,
    pub(super) other: Option<usize>,
    pub(super) transform: FittedTransform,
    pub(super) start: usize,
}

/// An encoder that cannot be built, or columns it cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncoderError {
    /// There is no such column.
    #[error("there is no column `{0}`")]
    UnknownColumn(String),
    /// A column's values do not go with the transform.
    #[error("column `{column}` holds values of kind {found}, not {}", expected.as_str())]
    WrongKind {
        /// The column.
        column: String,
        /// What the transform takes.
        expected: InputKind,
        /// What it holds, or its other use.
        found: &'static str,
    },
    /// Two features give the same number.
    #[error("`{0}` is encoded twice")]
    Twice(String),
    /// A feature names an input that is not listed.
    #[error("a feature names the unlisted input `{0}`")]
    UnlistedInput(String),
}

/// A record that a model cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// A required input is absent.
    #[error("input `{0}` is required")]
    Missing(String),
    /// An input is of another kind.
    #[error("input `{input}` must be a {}", expected.as_str())]
    WrongKind {
        /// The input.
        input: String,
        /// The kind it must have.
        expected: InputKind,
    },
}

impl Encoder {
    /// Learns from `rows` of `columns` what the features need to know: today the categories of one-hot inputs.
    pub fn fit(features: &[FeatureSpec], columns: &Columns, rows: &[u32]) -> Result<Self, EncoderError> {
        let mut inputs: Vec<Input> = Vec::new();
        let mut fitted = Vec::with_capacity(features.len());
        for feature in features {
            for name in feature.columns().map(ColumnName::as_str) {
                let column = columns.get(name).ok_or_else(|| EncoderError::UnknownColumn(name.to_owned()))?;
                match inputs.iter_mut().find(|input| input.name == name) {
                    Some(input) => input.nullable &= !feature.required,
                    None => inputs.push(Input { name: name.to_owned(), kind: column.kind(), nullable: !feature.required }),
                }
            }
            let transform = FittedTransform::new(&feature.transform, |max| frequent_texts(columns, feature, rows, max));
            fitted.push((feature.column.to_string(), transform));
        }
        Self::assemble(inputs, fitted)
    }

    fn assemble(inputs: Vec<Input>, fitted: Vec<(String, FittedTransform)>) -> Result<Self, EncoderError> {
        let mut encoder = Self { inputs, features: Vec::with_capacity(fitted.len()), width: 0 };
        for (name, transform) in fitted {
            let input = encoder.position(&name, transform.kind())?;
            let other = transform.other().map(|other| encoder.position(other, transform.kind())).transpose()?;
            let start = encoder.width;
            encoder.width += transform.width();
            encoder.features.push(Feature { input, other, transform, start });
        }
        let mut names = encoder.output_names();
        names.sort();
        match names.windows(2).find(|pair| matches!(pair, [one, other] if one == other)) {
            Some([twice, _]) => Err(EncoderError::Twice(twice.clone())),
            _ => Ok(encoder),
        }
    }

    /// Where the input of this name and kind stands.
    fn position(&self, name: &str, expected: InputKind) -> Result<usize, EncoderError> {
        let found = self.inputs.iter().enumerate().find(|(_, input)| input.name == name);
        match found.ok_or_else(|| EncoderError::UnlistedInput(name.to_owned()))? {
            (position, input) if input.kind == expected => Ok(position),
            (_, input) => Err(EncoderError::WrongKind { column: name.to_owned(), expected, found: input.kind.as_str() }),
        }
    }

    /// The inputs, in the order [`encode_with`](Self::encode_with) asks for them.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// How many numbers come out.
    pub fn width(&self) -> usize {
        self.width
    }

    /// A name for each number: `amount`, `log1p(amount)`, `card_brand=visa`, `card_brand=*` for every other brand.
    pub fn output_names(&self) -> Vec<String> {
        self.features.iter().flat_map(|feature| feature.transform.output_names(&self.input(feature).name)).collect()
    }

    /// A hash of the names, kinds and nullability of the inputs: two models with the same one take the same records.
    pub fn schema_hash(&self) -> String {
        let lines: Vec<String> =
            self.inputs.iter().map(|input| format!("{}\t{}\t{}\n", input.name, input.kind.as_str(), input.nullable)).collect();
        hex::encode(Sha256::digest(lines.concat()))
    }

    /// Writes the numbers of `record` to `out`, replacing what was there.
    pub fn encode(&self, record: &(impl Record + ?Sized), out: &mut Vec<f64>) -> Result<(), InputError> {
        self.encode_with(|_, input| record.value(&input.name).unwrap_or(Value::Absent), out)
    }

    /// The same, asking for a value by an input's position; nothing is allocated once `out` has grown.
    pub fn encode_with<'a>(&self, value_of: impl Fn(usize, &Input) -> Value<'a>, out: &mut Vec<f64>) -> Result<(), InputError> {
        out.clear();
        out.resize(self.width, f64::NAN);
        for feature in &self.features {
            let value = self.required_value(feature.input, &value_of)?;
            let other = feature.other.map_or(Ok(Value::Absent), |other| self.required_value(other, &value_of))?;
            let numbers = &mut out[feature.start..feature.start + feature.transform.width()];
            let wrong_kind = |_| {
                let input = self.input(feature);
                InputError::WrongKind { input: input.name.clone(), expected: input.kind }
            };
            feature.transform.apply(value, other, numbers).map_err(wrong_kind)?;
        }
        Ok(())
    }

    /// An input's value, absent only where it may be.
    fn required_value<'a>(&self, input: usize, value_of: &impl Fn(usize, &Input) -> Value<'a>) -> Result<Value<'a>, InputError> {
        let described = &self.inputs[input];
        match value_of(input, described) {
            value if !described.nullable && is_absent(value) => Err(InputError::Missing(described.name.clone())),
            value => Ok(value),
        }
    }

    /// The inputs that the number at `position` is made from.
    pub fn inputs_of(&self, position: usize) -> impl Iterator<Item = &Input> {
        let feature = self.features.iter().rev().find(|feature| feature.start <= position);
        let positions = feature.into_iter().flat_map(|feature| [Some(feature.input), feature.other]).flatten();
        positions.map(|input| &self.inputs[input])
    }

    /// Adds up what belongs to one input: all numbers of its features; a ratio counts half for each of its two inputs.
    pub(crate) fn by_input(&self, by_number: &[f64]) -> Vec<f64> {
        let mut by_input = vec![0.0; self.inputs.len()];
        for feature in &self.features {
            let sum: f64 = by_number.iter().skip(feature.start).take(feature.transform.width()).sum();
            let (own, others) = if feature.other.is_some() { (sum / 2.0, sum / 2.0) } else { (sum, 0.0) };
            by_input[feature.input] += own;
            if let Some(other) = feature.other {
                by_input[other] += others;
            }
        }
        by_input
    }

    pub(super) fn input(&self, feature: &Feature) -> &Input {
        &self.inputs[feature.input]
    }
}

fn is_absent(value: Value<'_>) -> bool {
    matches!(value, Value::Absent) || matches!(value, Value::Number(number) if !number.is_finite())
}

fn frequent_texts(columns: &Columns, feature: &FeatureSpec, rows: &[u32], max_categories: usize) -> Categories {
    let frequencies = match columns.get(feature.column.as_str()) {
        Some(Column::Text(texts)) => texts.frequencies(rows),
        // Another kind of column; `assemble` refuses it with its name.
        Some(Column::Number(_) | Column::Flag(_)) | None => Vec::new(),
    };
    Categories::index(frequencies.into_iter().take(max_categories).map(|(text, _)| text).collect())
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EncoderFile {
    inputs: Vec<Input>,
    features: Vec<(String, FittedTransform)>,
}

impl TryFrom<EncoderFile> for Encoder {
    type Error = EncoderError;

    fn try_from(file: EncoderFile) -> Result<Self, EncoderError> {
        Self::assemble(file.inputs, file.features)
    }
}

impl From<Encoder> for EncoderFile {
    fn from(encoder: Encoder) -> Self {
        let name = |feature: &Feature| encoder.input(feature).name.clone();
        let features = encoder.features.iter().map(|feature| (name(feature), feature.transform.clone())).collect();
        Self { features, inputs: encoder.inputs }
    }
}
