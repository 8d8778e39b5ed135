//! The manifest: everything a model's file says about it except its numbers.
//!
//! Holds no clock and no duration: the same rows, parameters and code give the same bytes, and so the same content address.
//! When a version was made is the registry's to say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Calibration, Encoder, Field, InputStatistics, Metrics, NumberStatistics};

/// The manifest's own format; another one is refused.
pub const FORMAT: u32 = 1;

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always [`FORMAT`].
    pub format: u32,
    /// Where the model comes from and how good it is.
    pub description: Description,
    /// A hash of the inputs' names, kinds and nullability.
    pub schema_hash: String,
    /// Inputs and transforms.
    pub encoder: Encoder,
    /// What becomes of the form's score.
    #[serde(flatten)]
    pub serving: Serving,
    /// A name for each number the encoder gives.
    pub outputs: Vec<String>,
    /// Rows that were not trained on, with the scores they must get.
    pub samples: Vec<SampleRow>,
    /// The SHA-256 of the scoring form's file, in hexadecimal.
    pub form_sha256: String,
}

/// What becomes of a form's score. Both are absent from the manifests of models that were not asked for either.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Serving {
    /// Makes it a probability that holds what it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// The probability above which a record is an alert; [`DEFAULT_THRESHOLD`] where none was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
}

/// A record is an alert above this probability, unless the training specification chose another.
pub const DEFAULT_THRESHOLD: f64 = 0.5;

/// Where a model comes from and how good it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The model's name.
    pub model: String,
    /// What it predicts.
    pub about: String,
    /// The family that was fitted.
    pub family: String,
    /// The family's parameters, defaults included.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// The seed of every random choice.
    pub seed: u64,
    /// Data and code.
    pub source: Source,
    /// Which rows it was fitted and tested on.
    pub split: Split,
    /// On the test rows.
    pub metrics: Metrics,
    /// Of each input, over the training rows.
    pub inputs: Vec<InputStatistics>,
    /// Of the scores of the test rows.
    pub scores: NumberStatistics,
}

/// The data and the code a model was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The version of the program.
    pub code_version: String,
    /// Delta tables read and their versions.
    pub tables: BTreeMap<String, u64>,
}

/// The two parts of the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Fitted on.
    pub train: SplitPart,
    /// Tested on: all later.
    pub test: SplitPart,
}

/// One part of the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitPart {
    /// The number of rows.
    pub rows: usize,
    /// The number of positive ones.
    pub positives: usize,
    /// The earliest time, in microseconds since 1970.
    pub from: i64,
    /// The latest time, in microseconds since 1970.
    pub to: i64,
}

/// A row and the score it must get.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleRow {
    /// Values in the order of the encoder's inputs.
    pub values: Vec<Field>,
    /// The score.
    pub score: f64,
}
