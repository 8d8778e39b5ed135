//! What a model is once it has been fitted: an encoder, a scoring form, a manifest, and the metrics that judge it.
//!
//! Training and scoring share this crate, so a value becomes a number in one way only. It knows no fitting library, no table
//! format and no I/O: bytes come in, a checked [`Model`] comes out, and every file that is not exactly what was written is
//! refused instead of scored.
//!
//! - [`Value`], [`Record`], [`Columns`]: one input, one row of inputs, many rows of inputs.
//! - [`Encoder`]: inputs → numbers, NaN meaning absent.
//! - [`ScoringForm`]: numbers → a probability. One file a form in `forms/`.
//! - [`Contributions`]: which inputs a score comes from.
//! - [`Metrics`]: scores and labels → how good they are.
//! - [`DriftReference`]: do scored records still look like the training's?
//! - [`Model`], [`Manifest`]: the whole, as files.

mod artifact;
mod calibration;
mod columns;
mod drift;
mod encode;
mod explain;
mod fold;
mod forms;
mod manifest;
pub mod metrics;
mod random;
mod statistics;
mod value;

pub use artifact::{ArtifactError, FORM_FILE, Files, MANIFEST_FILE, Model};
pub use calibration::{Calibration, CalibrationError, CalibrationParts};
pub use columns::{Column, Columns, ColumnsError, TextColumn};
pub use drift::{DriftReference, DriftReport, DriftWindow, FeatureDrift, LARGE_INDEX};
pub use encode::{BoundEncoder, Encoder, EncoderError, Input, InputError, Layout};
pub use explain::{Contribution, Contributions, ExplanationError};
pub use forms::{
    Combine, ExplainError, FlatForest, Forest, FormError, Limit, Linear, LinearParts, Rules, RulesParts, Scale, ScoringForm,
    Trend,
};
pub use manifest::{DEFAULT_THRESHOLD, Description, FORMAT, Manifest, SampleRow, Serving, Source, Split, SplitPart};
pub use metrics::Metrics;
pub use random::Random;
pub use statistics::{InputStatistics, NumberStatistics, QUANTILES, Statistics};
pub use value::{Field, InputKind, Record, Value};
