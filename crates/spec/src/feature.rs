//! One input column of a model and how it becomes numbers.
//!
//! As written, a feature is flat (`{ column, transform, … }`); as used, each transform carries exactly its own keys. The step
//! between the two is here, so that a key of another transform is refused instead of ignored.

use serde::{Deserialize, Serialize};

use crate::ColumnName;

/// One input column and how it becomes numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "FeatureAsWritten", into = "FeatureAsWritten")]
pub struct FeatureSpec {
    /// The input column.
    pub column: ColumnName,
    /// Scoring refuses a record without it; without this, an absent value is scored as absent.
    pub required: bool,
    /// How it becomes numbers.
    pub transform: Transform,
}

/// How one input value becomes one or more numbers. Implemented once, in `lakehouse-models`.
#[derive(Debug, Clone, PartialEq)]
pub enum Transform {
    /// The number as it is.
    Number,
    /// sign(x) · ln(1 + |x|).
    Log1p,
    /// The number divided by that of column `to`; absent unless that is above zero.
    Ratio {
        /// The column to divide by.
        to: ColumnName,
    },
    /// The hour of an instant's day in UTC, 0 to 23.
    Hour,
    /// The day of an instant's week in UTC, 1 for Monday to 7, as ISO 8601 counts.
    Weekday,
    /// 1 for true, 0 for false.
    Flag,
    /// 1 when the text, without case, is one of `words` or contains one of `parts`; else 0.
    TextFlag {
        /// Whole texts that mean true.
        words: Vec<String>,
        /// Parts of a text that mean true.
        parts: Vec<String>,
    },
    /// One 0/1 number per known category plus one for every other value; compared without case.
    OneHot {
        /// Keep at most this many categories, the most frequent of the training rows.
        max_categories: usize,
    },
}

impl FeatureSpec {
    /// Every column it reads.
    pub fn columns(&self) -> impl Iterator<Item = &ColumnName> {
        let other = match &self.transform {
            Transform::Ratio { to } => Some(to),
            _ => None,
        };
        std::iter::once(&self.column).chain(other)
    }

    /// Does it take an instant?
    pub fn is_of_time(&self) -> bool {
        matches!(self.transform, Transform::Hour | Transform::Weekday)
    }
}

/// A feature's transform does not go with its other keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("feature `{column}`: {reason}")]
pub struct InvalidFeature {
    column: ColumnName,
    reason: &'static str,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeatureAsWritten {
    column: ColumnName,
    #[serde(default)]
    required: bool,
    transform: TransformName,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<ColumnName>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    words: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_categories: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TransformName {
    Number,
    Log1p,
    Ratio,
    Hour,
    Weekday,
    Flag,
    TextFlag,
    OneHot,
}

impl TryFrom<FeatureAsWritten> for FeatureSpec {
    type Error = InvalidFeature;

    fn try_from(written: FeatureAsWritten) -> Result<Self, InvalidFeature> {
        let FeatureAsWritten { column, required, transform, to, words, parts, max_categories } = written;
        let fail = |reason| Err(InvalidFeature { column: column.clone(), reason });
        if transform != TransformName::TextFlag && !(words.is_empty() && parts.is_empty()) {
            return fail("`words` and `parts` go with the transform text_flag");
        }
        if transform != TransformName::OneHot && max_categories.is_some() {
            return fail("`max_categories` goes with the transform one_hot");
        }
        if transform != TransformName::Ratio && to.is_some() {
            return fail("`to` goes with the transform ratio");
        }
        let transform = match (transform, max_categories) {
            (TransformName::Number, _) => Transform::Number,
            (TransformName::Log1p, _) => Transform::Log1p,
            (TransformName::Ratio, _) => match to {
                Some(to) if to != column => Transform::Ratio { to },
                _ => return fail("the transform ratio needs another column as `to`"),
            },
            (TransformName::Hour, _) => Transform::Hour,
            (TransformName::Weekday, _) => Transform::Weekday,
            (TransformName::Flag, _) => Transform::Flag,
            (TransformName::TextFlag, _) if words.iter().chain(&parts).any(String::is_empty) => {
                return fail("`words` and `parts` hold no empty text");
            }
            (TransformName::TextFlag, _) if words.is_empty() && parts.is_empty() => {
                return fail("the transform text_flag needs `words` or `parts`");
            }
            (TransformName::TextFlag, _) => Transform::TextFlag { words, parts },
            (TransformName::OneHot, Some(max_categories @ 1..=1000)) => Transform::OneHot { max_categories },
            (TransformName::OneHot, _) => return fail("the transform one_hot needs `max_categories` between 1 and 1000"),
        };
        Ok(Self { column, required, transform })
    }
}

impl From<FeatureSpec> for FeatureAsWritten {
    fn from(FeatureSpec { column, required, transform }: FeatureSpec) -> Self {
        let plain =
            |transform| Self { column, required, transform, to: None, words: vec![], parts: vec![], max_categories: None };
        match transform {
            Transform::Number => plain(TransformName::Number),
            Transform::Log1p => plain(TransformName::Log1p),
            Transform::Ratio { to } => Self { to: Some(to), ..plain(TransformName::Ratio) },
            Transform::Hour => plain(TransformName::Hour),
            Transform::Weekday => plain(TransformName::Weekday),
            Transform::Flag => plain(TransformName::Flag),
            Transform::TextFlag { words, parts } => Self { words, parts, ..plain(TransformName::TextFlag) },
            Transform::OneHot { max_categories } => Self { max_categories: Some(max_categories), ..plain(TransformName::OneHot) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_reads_and_writes_the_same() {
        for text in [
            "column = \"amount\"\nrequired = true\ntransform = \"log1p\"\n",
            "column = \"amount\"\nrequired = false\ntransform = \"ratio\"\nto = \"credit_limit\"\n",
            "column = \"timestamp_ts\"\nrequired = false\ntransform = \"hour\"\n",
            "column = \"use_chip\"\nrequired = false\ntransform = \"text_flag\"\nwords = [\"true\"]\nparts = [\"chip\"]\n",
            "column = \"card_brand\"\nrequired = false\ntransform = \"one_hot\"\nmax_categories = 8\n",
        ] {
            let feature: FeatureSpec = toml::from_str(text).expect(text);
            assert_eq!(toml::to_string(&feature).expect(text), text);
        }
    }

    #[test]
    fn keys_of_another_transform_are_refused() {
        for text in [
            "column = \"amount\"\ntransform = \"number\"\nmax_categories = 3",
            "column = \"amount\"\ntransform = \"number\"\nparts = [\"a\"]",
            "column = \"amount\"\ntransform = \"number\"\nunknown = 1",
            "column = \"amount\"\ntransform = \"number\"\nto = \"credit_limit\"",
            "column = \"amount\"\ntransform = \"ratio\"",
            "column = \"amount\"\ntransform = \"ratio\"\nto = \"amount\"",
            "column = \"state\"\ntransform = \"one_hot\"",
            "column = \"state\"\ntransform = \"one_hot\"\nmax_categories = 0",
            "column = \"chip\"\ntransform = \"text_flag\"",
            "column = \"chip\"\ntransform = \"text_flag\"\nparts = [\"\"]",
        ] {
            assert!(toml::from_str::<FeatureSpec>(text).is_err(), "{text}");
        }
    }
}
