//! What a training run is given beside its rows, and what comes of it.

use lakehouse_models::{
    ArtifactError, CalibrationError, EncoderError, Files, Metrics, Model, Source, Split, metrics::MetricsError,
};

use crate::{
    Leak,
    families::{FitError, ParameterError},
};

/// What a training run is given beside the specification and the rows.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// The model's name.
    pub model: &'a str,
    /// Data and code, for the manifest.
    pub source: Source,
    /// The model that serves now; judged on the same test rows.
    pub champion: Option<&'a Model>,
}

/// How far a training run is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Progress<'a> {
    /// A candidate is being fitted.
    Fitting {
        /// Its family.
        family: &'a str,
        /// Its position, from 1.
        candidate: usize,
        /// The number of candidates.
        candidates: usize,
    },
    /// A candidate has been fitted and judged.
    Judged {
        /// Its family.
        family: &'a str,
        /// How long the fit took.
        fit_seconds: f64,
        /// On the test rows.
        average_precision: f64,
    },
    /// A candidate's scores cannot be made probabilities: the others go on without it.
    LeftOut {
        /// Its family.
        family: &'a str,
        /// Why.
        reason: &'a str,
    },
}

/// The result of a training run.
#[derive(Debug)]
pub struct TrainingOutcome {
    /// Which rows were used.
    pub split: Split,
    /// All candidates that could be judged, in the order of the specification.
    pub candidates: Vec<CandidateOutcome>,
    /// The position of the one with the highest average precision.
    pub best: usize,
    /// The present champion on the same test rows.
    pub champion: Option<Champion>,
}

/// A fitted and judged candidate.
#[derive(Debug)]
pub struct CandidateOutcome {
    /// Its family.
    pub family: String,
    /// How long the fit took. Not part of the artifact: it is never twice the same.
    pub fit_seconds: f64,
    /// The artifact's files, by name.
    pub files: Files,
    /// What was read back from the files; its manifest has metrics and parameters.
    pub model: Model,
}

/// How the present champion does on the test rows.
#[derive(Debug)]
pub enum Champion {
    /// It was judged.
    Judged(Box<Metrics>),
    /// It takes inputs that the rows do not have.
    NotComparable(EncoderError),
}

impl TrainingOutcome {
    /// The candidate with the highest average precision.
    pub fn best(&self) -> Option<&CandidateOutcome> {
        self.candidates.get(self.best)
    }
}

impl CandidateOutcome {
    /// On the test rows.
    pub fn metrics(&self) -> &Metrics {
        &self.model.manifest().description.metrics
    }
}

impl Champion {
    /// On the test rows, if it could be judged.
    pub fn metrics(&self) -> Option<&Metrics> {
        match self {
            Self::Judged(metrics) => Some(metrics),
            Self::NotComparable(_) => None,
        }
    }
}

/// A training run that failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// A candidate names a family that does not exist.
    #[error("no family is called `{family}`; known: {known}")]
    UnknownFamily {
        /// The name.
        family: String,
        /// Comma-joined names that exist.
        known: String,
    },
    /// A candidate's parameters are refused.
    #[error("candidate {candidate} has invalid parameters")]
    Parameters {
        /// Its position, from 1.
        candidate: usize,
        /// Which, and why.
        #[source]
        source: ParameterError,
    },
    /// The features do not fit the columns.
    #[error("failed to encode the inputs")]
    Encoder(#[source] EncoderError),
    /// All rows have one time, or there are none.
    #[error("{rows} labelled rows cannot be split by time: there is nothing before the test part")]
    NoSplit {
        /// Labelled rows.
        rows: usize,
    },
    /// A part of the rows has one class only.
    #[error("{positives} of {rows} {part} rows are positive: both classes are needed")]
    SingleClass {
        /// `training` or `test`.
        part: &'static str,
        /// Its rows.
        rows: usize,
        /// Its positive rows.
        positives: usize,
    },
    /// An input must not be used.
    #[error("an input would make the model look better than it can be; leave it out, or `exempt` it with a reason")]
    Leak(#[source] Leak),
    /// Scores could not be calibrated.
    #[error("failed to calibrate `{family}` on {rows} rows with {positives} positives")]
    Calibration {
        /// The family.
        family: &'static str,
        /// Calibration rows.
        rows: usize,
        /// Positive ones.
        positives: usize,
        /// Why.
        #[source]
        source: CalibrationError,
    },
    /// A candidate could not be fitted.
    #[error("failed to fit `{family}`")]
    Fit {
        /// The family.
        family: &'static str,
        /// Why.
        #[source]
        source: FitError,
    },
    /// Scores could not be judged.
    #[error("failed to judge `{family}`")]
    Metrics {
        /// The family.
        family: String,
        /// Why.
        #[source]
        source: MetricsError,
    },
    /// A candidate's files could not be written and read back.
    #[error("the files of `{family}` are not sound")]
    Artifact {
        /// The family.
        family: &'static str,
        /// Why.
        #[source]
        source: ArtifactError,
    },
}
