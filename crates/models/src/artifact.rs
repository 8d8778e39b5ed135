//! A model as files, and back.

use sha2::{Digest, Sha256};

use crate::{
    Columns, DEFAULT_THRESHOLD, Description, Encoder, EncoderError, FORMAT, Field, Input, InputError, Manifest, Record,
    SampleRow, ScoringForm, Serving, Value,
};

/// The manifest's file name.
pub const MANIFEST_FILE: &str = "manifest.json";
/// The scoring form's file name.
pub const FORM_FILE: &str = "form.json";

/// The logarithm and the exponential may differ in the last bits between machines.
const SAMPLE_TOLERANCE: f64 = 1e-9;

/// Files by name.
pub type Files = Vec<(&'static str, Vec<u8>)>;

/// A checked encoder and form, ready to score, with the manifest that describes them.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    manifest: Manifest,
    form: ScoringForm,
}

/// Files that are not a model.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The manifest is not the JSON it should be.
    #[error("failed to read `{MANIFEST_FILE}`")]
    Manifest(#[source] serde_json::Error),
    /// The form is not the JSON it should be, or cannot be scored.
    #[error("failed to read `{FORM_FILE}`")]
    Form(#[source] serde_json::Error),
    /// A file could not be written as JSON.
    #[error("failed to write `{file}`")]
    Write {
        /// The file.
        file: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The manifest is of another format.
    #[error("the manifest has format {0}; this program reads format {FORMAT}")]
    Format(u32),
    /// The form is not the one the manifest describes.
    #[error("`{FORM_FILE}` is not the file that `{MANIFEST_FILE}` describes")]
    FormHash,
    /// Encoder and form do not fit together.
    #[error("the encoder gives {encoder} numbers and the form takes {form}")]
    Width {
        /// The encoder's.
        encoder: usize,
        /// The form's.
        form: usize,
    },
    /// The threshold is no probability.
    #[error("the threshold {0} does not lie between 0 and 1")]
    Threshold(f64),
    /// A member that follows from the encoder does not.
    #[error("`{0}` does not follow from the encoder")]
    Derived(&'static str),
    /// A sample row cannot be read.
    #[error("sample row {row} cannot be scored")]
    Sample {
        /// Its position.
        row: usize,
        /// Why.
        #[source]
        source: InputError,
    },
    /// A sample row gets another score.
    #[error("sample row {row} scores {found} instead of {expected}")]
    SampleScore {
        /// Its position.
        row: usize,
        /// What it must get.
        expected: f64,
        /// What it gets.
        found: f64,
    },
}

impl Model {
    /// A model from its parts; `samples` are rows of values in the order of the encoder's inputs.
    pub fn new(
        description: Description,
        encoder: Encoder,
        form: ScoringForm,
        serving: Serving,
        samples: Vec<Vec<Field>>,
    ) -> Result<Self, ArtifactError> {
        let manifest = Manifest {
            format: FORMAT,
            description,
            schema_hash: encoder.schema_hash(),
            outputs: encoder.output_names(),
            encoder,
            serving,
            samples: samples.into_iter().map(|values| SampleRow { values, score: 0.0 }).collect(),
            form_sha256: hex::encode(Sha256::digest(form_bytes(&form)?)),
        };
        let mut model = Self { manifest, form };
        model.check_parts()?;
        let scores: Result<Vec<f64>, _> = (0..model.manifest.samples.len()).map(|row| model.score_sample(row)).collect();
        for (sample, score) in model.manifest.samples.iter_mut().zip(scores?) {
            sample.score = score;
        }
        Ok(model)
    }

    /// Reads and checks both files, and scores the sample rows again.
    pub fn load(manifest_json: &[u8], form_json: &[u8]) -> Result<Self, ArtifactError> {
        let manifest: Manifest = serde_json::from_slice(manifest_json).map_err(ArtifactError::Manifest)?;
        if manifest.format != FORMAT {
            return Err(ArtifactError::Format(manifest.format));
        }
        if hex::encode(Sha256::digest(form_json)) != manifest.form_sha256 {
            return Err(ArtifactError::FormHash);
        }
        let form = serde_json::from_slice(form_json).map_err(ArtifactError::Form)?;
        let model = Self { manifest, form };
        model.check_parts()?;
        if model.manifest.schema_hash != model.encoder().schema_hash() {
            return Err(ArtifactError::Derived("schema_hash"));
        }
        if model.manifest.outputs != model.encoder().output_names() {
            return Err(ArtifactError::Derived("outputs"));
        }
        for (row, sample) in model.manifest.samples.iter().enumerate() {
            let found = model.score_sample(row)?;
            let is_equal = (found - sample.score).abs() <= SAMPLE_TOLERANCE;
            if !is_equal {
                return Err(ArtifactError::SampleScore { row, expected: sample.score, found });
            }
        }
        Ok(model)
    }

    /// The files, by name. The same model gives the same bytes.
    pub fn to_files(&self) -> Result<Files, ArtifactError> {
        let write = |source| ArtifactError::Write { file: MANIFEST_FILE, source };
        let mut manifest = serde_json::to_vec_pretty(&self.manifest).map_err(write)?;
        manifest.push(b'\n');
        Ok(vec![(MANIFEST_FILE, manifest), (FORM_FILE, form_bytes(&self.form)?)])
    }

    /// What the manifest says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The scoring form.
    pub fn form(&self) -> &ScoringForm {
        &self.form
    }

    /// The probability above which a record is an alert.
    pub fn threshold(&self) -> f64 {
        self.manifest.serving.threshold.unwrap_or(DEFAULT_THRESHOLD)
    }

    /// The inputs a record must have.
    pub fn inputs(&self) -> &[Input] {
        self.encoder().inputs()
    }

    /// The probability for one record.
    pub fn score(&self, record: &(impl Record + ?Sized)) -> Result<f64, InputError> {
        self.score_with(record, &mut Vec::new())
    }

    /// The same, with a buffer that is used again: nothing is allocated once it has grown.
    pub fn score_with(&self, record: &(impl Record + ?Sized), buffer: &mut Vec<f64>) -> Result<f64, InputError> {
        self.encoder().encode(record, buffer)?;
        Ok(self.score_numbers(buffer))
    }

    /// The probability for values in the order of [`inputs`](Self::inputs): no look-up by name.
    pub fn score_values(&self, values: &[Value<'_>], buffer: &mut Vec<f64>) -> Result<f64, InputError> {
        let value = |input: usize, _: &Input| values.get(input).copied().unwrap_or(Value::Absent);
        self.encoder().encode_with(value, buffer)?;
        Ok(self.score_numbers(buffer))
    }

    /// The probability for the encoder's numbers of a row.
    pub fn score_numbers(&self, numbers: &[f64]) -> f64 {
        self.calibrated(self.form.score(numbers))
    }

    /// The probabilities of many rows, in blocks. An absent required value counts as absent here.
    pub fn score_columns(&self, columns: &Columns, rows: &[u32]) -> Result<Vec<f64>, EncoderError> {
        let mut scores = self.encoder().bind(columns)?.score(&self.form, rows);
        scores.iter_mut().for_each(|score| *score = self.calibrated(*score));
        Ok(scores)
    }

    pub(crate) fn encoder(&self) -> &Encoder {
        &self.manifest.encoder
    }

    fn check_parts(&self) -> Result<(), ArtifactError> {
        let (encoder, form) = (self.encoder().width(), self.form.width());
        if encoder != form {
            return Err(ArtifactError::Width { encoder, form });
        }
        if (0.0..=1.0).contains(&self.threshold()) { Ok(()) } else { Err(ArtifactError::Threshold(self.threshold())) }
    }

    fn calibrated(&self, score: f64) -> f64 {
        self.manifest.serving.calibration.as_ref().map_or(score, |calibration| calibration.apply(score))
    }

    fn score_sample(&self, row: usize) -> Result<f64, ArtifactError> {
        let values = self.manifest.samples.get(row).map_or(&[][..], |sample| &sample.values);
        let values: Vec<Value<'_>> = values.iter().map(Field::as_value).collect();
        self.score_values(&values, &mut Vec::new()).map_err(|source| ArtifactError::Sample { row, source })
    }
}

fn form_bytes(form: &ScoringForm) -> Result<Vec<u8>, ArtifactError> {
    serde_json::to_vec(form).map_err(|source| ArtifactError::Write { file: FORM_FILE, source })
}
