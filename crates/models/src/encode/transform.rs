//! Fitted transforms: one value in, its numbers out.

use lakehouse_spec::Transform;
use serde::{Deserialize, Serialize};

use crate::{InputKind, Value, fold};

const MICROS_PER_HOUR: f64 = 3600.0 * 1e6;
const MICROS_PER_DAY: f64 = 24.0 * MICROS_PER_HOUR;

/// A transform that knows what it learnt from the training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "transform", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum FittedTransform {
    Number,
    Log1p,
    Ratio { to: String },
    Hour,
    Weekday,
    Flag,
    TextFlag { words: Vec<String>, parts: Vec<String> },
    OneHot { categories: Categories },
}

impl FittedTransform {
    /// Fits everything that needs no training rows; for one-hot, `categories` are those of the rows.
    pub(super) fn new(transform: &Transform, categories: impl FnOnce(usize) -> Categories) -> Self {
        let folded = |texts: &[String]| texts.iter().map(|text| fold::fold(text)).collect();
        match transform {
            Transform::Number => Self::Number,
            Transform::Log1p => Self::Log1p,
            Transform::Ratio { to } => Self::Ratio { to: to.to_string() },
            Transform::Hour => Self::Hour,
            Transform::Weekday => Self::Weekday,
            Transform::Flag => Self::Flag,
            Transform::TextFlag { words, parts } => Self::TextFlag { words: folded(words), parts: folded(parts) },
            Transform::OneHot { max_categories } => Self::OneHot { categories: categories(*max_categories) },
        }
    }

    /// The kind of value it takes.
    pub(super) fn kind(&self) -> InputKind {
        match self {
            Self::Number | Self::Log1p | Self::Ratio { .. } | Self::Hour | Self::Weekday => InputKind::Number,
            Self::Flag => InputKind::Flag,
            Self::TextFlag { .. } | Self::OneHot { .. } => InputKind::Text,
        }
    }

    /// The column it reads beside its own, of numbers as well.
    pub(super) fn other(&self) -> Option<&str> {
        match self {
            Self::Ratio { to } => Some(to),
            _ => None,
        }
    }

    /// How many numbers come out.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::OneHot { categories } => categories.names.len() + 1,
            _ => 1,
        }
    }

    /// A name for each number that comes out; `*` stands for every other category.
    pub(super) fn output_names(&self, column: &str) -> Vec<String> {
        match self {
            Self::Number | Self::Flag => vec![column.to_owned()],
            Self::Log1p => vec![format!("log1p({column})")],
            Self::Ratio { to } => vec![format!("{column}/{to}")],
            Self::Hour => vec![format!("hour({column})")],
            Self::Weekday => vec![format!("weekday({column})")],
            Self::TextFlag { words, parts } => {
                let texts: Vec<&str> = words.iter().chain(parts).map(String::as_str).collect();
                vec![format!("{column}~{}", texts.join("|"))]
            }
            Self::OneHot { categories } => {
                let names = categories.names.iter().map(String::as_str).chain(["*"]);
                names.map(|name| format!("{column}={name}")).collect()
            }
        }
    }

    /// Writes the numbers of `value`, and of that of the [`other`](Self::other) column, to `out`, which is as long as [`width`](Self::width). Absent becomes NaN, except for
    /// one-hot, where it is none of the categories. A value of another kind is refused.
    pub(super) fn apply(&self, value: Value<'_>, other: Value<'_>, out: &mut [f64]) -> Result<(), WrongKind> {
        let number = match (self, value) {
            (Self::OneHot { categories }, Value::Text(text)) => {
                out.fill(0.0);
                return set(out, categories.position(text));
            }
            (Self::OneHot { .. }, Value::Absent) => 0.0,
            (_, Value::Absent) => f64::NAN,
            (Self::Number, Value::Number(number)) => finite(number),
            (Self::Log1p, Value::Number(number)) => finite(number.abs().ln_1p().copysign(number)),
            (Self::Ratio { .. }, Value::Number(number)) => match other {
                Value::Number(other) if other > 0.0 => finite(number / other),
                _ => f64::NAN,
            },
            (Self::Hour, Value::Number(micros)) => (micros / MICROS_PER_HOUR).floor().rem_euclid(24.0),
            // 1970 began on a Thursday.
            (Self::Weekday, Value::Number(micros)) => ((micros / MICROS_PER_DAY).floor() + 3.0).rem_euclid(7.0) + 1.0,
            (Self::Flag, Value::Flag(flag)) => f64::from(u8::from(flag)),
            (Self::TextFlag { words, parts }, Value::Text(text)) => {
                let is_word = words.iter().any(|word| fold::compare(word, text).is_eq());
                f64::from(u8::from(is_word || parts.iter().any(|part| fold::contains(text, part))))
            }
            _ => return Err(WrongKind),
        };
        out.fill(number);
        Ok(())
    }
}

/// A value is of another kind than the transform takes.
#[derive(Debug, PartialEq)]
pub(super) struct WrongKind;

fn set(out: &mut [f64], position: usize) -> Result<(), WrongKind> {
    if let Some(number) = out.get_mut(position) {
        *number = 1.0;
    }
    Ok(())
}

fn finite(number: f64) -> f64 {
    if number.is_finite() { number } else { f64::NAN }
}

/// The known categories of a one-hot input, folded, the most frequent first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub(super) struct Categories {
    names: Vec<String>,
    /// Positions in `names`, by name: a lookup compares a handful of texts and allocates nothing.
    by_name: Vec<u32>,
}

impl Categories {
    /// Categories in this order; folded and distinct.
    pub(super) fn index(names: Vec<String>) -> Self {
        let mut by_name: Vec<u32> = (0..).take(names.len()).collect();
        by_name.sort_by_key(|position| names.get(*position as usize));
        Self { names, by_name }
    }

    /// The position of a text; one past the last category for every other text.
    fn position(&self, text: &str) -> usize {
        let compare = |position: &u32| self.names.get(*position as usize).map(|name| fold::compare(name, text));
        let found = self.by_name.binary_search_by(|position| compare(position).unwrap_or(std::cmp::Ordering::Less));
        found.ok().and_then(|rank| self.by_name.get(rank)).map_or(self.names.len(), |position| *position as usize)
    }
}

impl TryFrom<Vec<String>> for Categories {
    type Error = String;

    fn try_from(names: Vec<String>) -> Result<Self, String> {
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort();
        if let Some([twice, _]) = sorted.windows(2).find(|pair| matches!(pair, [one, other] if one == other)) {
            return Err(format!("the category `{twice}` stands twice"));
        }
        match names.iter().find(|name| fold::fold(name) != **name) {
            Some(name) => Err(format!("the category `{name}` is not in lower case")),
            None => Ok(Self::index(names)),
        }
    }
}

impl From<Categories> for Vec<String> {
    fn from(categories: Categories) -> Self {
        categories.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(transform: &FittedTransform, value: Value<'_>) -> Vec<f64> {
        let mut out = vec![9.0; transform.width()];
        transform.apply(value, Value::Absent, &mut out).expect("right kind");
        out
    }

    #[test]
    fn numbers_logarithms_and_flags() {
        assert_eq!(apply(&FittedTransform::Number, Value::Number(-3.5)), [-3.5]);
        assert!(apply(&FittedTransform::Number, Value::Number(f64::INFINITY))[0].is_nan());
        assert!(apply(&FittedTransform::Number, Value::Absent)[0].is_nan());
        assert_eq!(apply(&FittedTransform::Log1p, Value::Number(-1.0)), [-std::f64::consts::LN_2]);
        assert_eq!(apply(&FittedTransform::Log1p, Value::Number(0.0)), [0.0]);
        assert_eq!(apply(&FittedTransform::Flag, Value::Flag(true)), [1.0]);
        assert_eq!(FittedTransform::Flag.apply(Value::Number(1.0), Value::Absent, &mut [0.0]), Err(WrongKind));
    }

    #[test]
    fn hours_and_weekdays_are_those_of_the_calendar() {
        for (instant, hour, weekday) in [
            ("1970-01-01T00:00:00Z", 0.0, 4.0),
            ("2019-10-31T23:59:59.999999Z", 23.0, 4.0),
            ("2024-02-29T12:30:00Z", 12.0, 4.0),
            ("2026-11-22T07:00:00Z", 7.0, 7.0),
            ("1969-12-29T05:00:00Z", 5.0, 1.0),
        ] {
            let micros = instant.parse::<jiff::Timestamp>().expect(instant).as_microsecond() as f64;
            assert_eq!(apply(&FittedTransform::Hour, Value::Number(micros)), [hour], "{instant}");
            assert_eq!(apply(&FittedTransform::Weekday, Value::Number(micros)), [weekday], "{instant}");
        }
    }

    #[test]
    fn a_ratio_needs_something_above_zero_to_divide_by() {
        let ratio = |to| {
            let mut out = [9.0];
            FittedTransform::Ratio { to: "limit".into() }.apply(Value::Number(50.0), to, &mut out).expect("right kind");
            out[0]
        };
        assert_eq!(ratio(Value::Number(200.0)), 0.25);
        for to in [Value::Number(0.0), Value::Number(-1.0), Value::Number(f64::NAN), Value::Absent] {
            assert!(ratio(to).is_nan(), "{to:?}");
        }
    }

    #[test]
    fn the_chip_flag_means_the_same_in_files_and_in_requests() {
        let chip = FittedTransform::TextFlag { words: vec!["true".into(), "1".into(), "yes".into()], parts: vec!["chip".into()] };
        for text in ["Chip Transaction", "TRUE", "1", "yes"] {
            assert_eq!(apply(&chip, Value::Text(text)), [1.0], "{text}");
        }
        for text in ["Swipe Transaction", "False", "0", "11", "untrue", ""] {
            assert_eq!(apply(&chip, Value::Text(text)), [0.0], "{text}");
        }
    }

    #[test]
    fn one_number_is_set_for_each_category_and_one_for_all_others() {
        let categories = Categories::index(["ca", "ny", "tx"].map(str::to_owned).to_vec());
        let one_hot = FittedTransform::OneHot { categories };
        assert_eq!(one_hot.output_names("state"), ["state=ca", "state=ny", "state=tx", "state=*"]);
        assert_eq!(apply(&one_hot, Value::Text("Tx")), [0.0, 0.0, 1.0, 0.0]);
        assert_eq!(apply(&one_hot, Value::Text("Rome")), [0.0, 0.0, 0.0, 1.0]);
        assert_eq!(apply(&one_hot, Value::Absent), [0.0; 4]);
    }

    #[test]
    fn corrupt_categories_are_refused() {
        for text in [r#"["a","a"]"#, r#"["A"]"#] {
            assert!(serde_json::from_str::<Categories>(text).is_err(), "{text}");
        }
    }
}
