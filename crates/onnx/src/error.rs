//! Why a file does not become a model.

use lakehouse_models::{ArtifactError, FormError, InputError, metrics::MetricsError};

use crate::import::{MAX_DIFFERENCE, MAX_FILE_BYTES, MAX_SAMPLE_ROWS};

/// A refused import; every sentence is meant for whoever sent the file.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// More than is read.
    #[error("the file has {0} bytes, and {MAX_FILE_BYTES} are the most that is taken")]
    TooLarge(usize),
    /// Not an ONNX file, or one that was damaged or cut off.
    #[error("this is no ONNX file, or a damaged one: {0}")]
    Corrupt(&'static str),
    /// An operator that is not turned into a scoring form.
    #[error(
        "the operator `{0}` is not supported: supported are trees and linear classifiers of ai.onnx.ml behind Cast, Concat, Identity, Imputer and Scaler"
    )]
    Operator(String),
    /// An operator in a way that is not supported.
    #[error("`{operator}` is not supported like this: {reason}")]
    Unsupported {
        /// The operator.
        operator: String,
        /// What is different.
        reason: String,
    },
    /// No output is the probability of a binary classifier.
    #[error("no output of the file is the probability of two classes")]
    NoProbability,
    /// The inputs that were declared are not the file's.
    #[error("the file takes {found}, and the declared inputs give {declared}")]
    Inputs {
        /// What the file takes.
        found: String,
        /// What was declared.
        declared: String,
    },
    /// The trees or weights cannot be scored safely.
    #[error("the model cannot be scored")]
    Form(#[from] FormError),
    /// The parts do not fit together.
    #[error("the model cannot be put together")]
    Artifact(#[from] ArtifactError),
    /// A sample row does not fit the declared inputs.
    #[error("sample row {row}: {source}")]
    Sample {
        /// Its position.
        row: usize,
        /// Why.
        #[source]
        source: InputError,
    },
    /// More rows than are scored.
    #[error("the sample has {0} rows, and {MAX_SAMPLE_ROWS} are the most that is taken")]
    SampleTooLong(usize),
    /// A sample row has not a value for every input.
    #[error("sample row {row} has {found} values for {inputs} inputs")]
    SampleWidth {
        /// Its position.
        row: usize,
        /// Its values.
        found: usize,
        /// The inputs.
        inputs: usize,
    },
    /// The sample cannot be judged by.
    #[error("the sample cannot be used: {0}")]
    Judge(#[from] MetricsError),
    /// It does not score as it did where it was fitted.
    #[error(
        "sample row {row} scores {found} and should score {expected}: {difference:e} apart, and {MAX_DIFFERENCE:e} is the most that is accepted"
    )]
    Differs {
        /// The row that differs most.
        row: usize,
        /// What the sample says.
        expected: f64,
        /// What it scores here.
        found: f64,
        /// The distance.
        difference: f64,
    },
}

impl ImportError {
    pub(crate) fn unsupported(operator: &str, reason: impl Into<String>) -> Self {
        Self::Unsupported { operator: operator.to_owned(), reason: reason.into() }
    }
}
