//! A file and what it comes with, made a model and tried.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use lakehouse_models::{
    ArtifactError, Column, DEFAULT_THRESHOLD, Description, Encoder, Field, FlatForest, Forest, InputKind, InputStatistics,
    Linear, LinearParts, Metrics, Model, NumberStatistics, ScoringForm, Serving, Source, Split, SplitPart, Value,
};
use lakehouse_registry::NewVersion;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::{
    ImportError,
    graph::{self, Graph},
    proto::{GraphProto, ModelProto},
};

/// The largest file that is read. Reading takes about ten times as much memory.
pub const MAX_FILE_BYTES: usize = 16 << 20;
/// Sample rows that are read: every one walks every tree.
pub const MAX_SAMPLE_ROWS: usize = 10_000;
/// How far a probability may be from what the sample says. Sums of single precision over hundreds of trees differ by a tenth of it.
pub const MAX_DIFFERENCE: f64 = 1e-5;
/// The file as it came in, beside what was made of it.
const ONNX_FILE: &str = "model.onnx";
/// Sample rows that are kept in the artifact and scored whenever it is loaded.
const KEPT_ROWS: usize = 20;
/// Half a row for every leaf, so that one no sample row reaches can still be explained.
const LEAF_COVER: f64 = 0.5;
/// Of the bootstrap intervals of the metrics.
const SEED: u64 = 42;

/// What a file comes with.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// What the model predicts.
    pub about: String,
    /// The probability above which a record is an alert; [`DEFAULT_THRESHOLD`] if not given.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// The inputs of records and the numbers they become: the columns of the file, in its order. As in a manifest.
    pub encoder: Encoder,
    /// Rows that the model was not fitted on.
    pub sample: Vec<SampleRow>,
}

/// A row, what it must score, and what it was.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SampleRow {
    /// Values in the order of the encoder's inputs.
    pub values: Vec<Field>,
    /// The probability that the model gave it where it was fitted.
    pub score: f64,
    /// Was it positive? The metrics of the version are worked out of these.
    pub label: bool,
}

/// An import that is good.
#[derive(Debug)]
pub struct Imported {
    /// The model.
    pub model: Model,
    /// How far the scores of the sample were from what it says, at most.
    pub max_difference: f64,
}

impl Imported {
    /// What the registry takes; the file stays beside what was made of it. The same import gives the same version.
    pub fn into_version(self, file: impl Into<Bytes>) -> Result<NewVersion, ArtifactError> {
        let description = &self.model.manifest().description;
        let Metrics { average_precision, roc_auc, .. } = &description.metrics;
        let [average_precision, roc_auc] =
            [average_precision, roc_auc].map(|estimate| [estimate.value, estimate.interval.low, estimate.interval.high]);
        let manifest = json!({
            "description": description.about,
            "family": description.family,
            "candidates": [{
                "family": description.family, "fit_seconds": 0.0, "average_precision": average_precision, "roc_auc": roc_auc,
                "is_best": true,
            }],
            "max_difference": self.max_difference,
        });
        let files = self.model.to_files()?.into_iter().map(|(name, bytes)| (name.to_owned(), Bytes::from(bytes)));
        let files = files.chain([(ONNX_FILE.to_owned(), file.into())]).collect();
        Ok(NewVersion { manifest, files, created_at: Timestamp::now() })
    }
}

impl Import {
    /// Makes the file a model named `model`, and refuses it unless the sample scores as it says.
    pub fn read(self, model: &str, file: &[u8]) -> Result<Imported, ImportError> {
        if file.len() > MAX_FILE_BYTES {
            return Err(ImportError::TooLarge(file.len()));
        }
        if self.sample.len() > MAX_SAMPLE_ROWS {
            return Err(ImportError::SampleTooLong(self.sample.len()));
        }
        let onnx = ModelProto::read(file)?;
        self.check_inputs(&onnx.graph)?;
        let form = Graph::new(&onnx.graph)?.probability(&onnx.graph.outputs)?;
        let rows = self.encoded()?;
        let form = fitted_to(form, self.encoder.width(), &rows)?;
        let scores: Vec<f64> = rows.iter().map(|row| form.score(row)).collect();
        let max_difference = self.check_scores(&scores)?;

        let description = self.described(model, &form, &scores, max_difference, &onnx, file)?;
        let serving = Serving { calibration: None, threshold: self.threshold };
        let kept = self.sample.into_iter().take(KEPT_ROWS).map(|row| row.values).collect();
        Ok(Imported { model: Model::new(description, self.encoder, form, serving, kept)?, max_difference })
    }

    /// One input of as many columns as the encoder gives numbers, or one column each under the names the encoder gives them.
    fn check_inputs(&self, graph: &GraphProto<'_>) -> Result<(), ImportError> {
        let mut columns = Vec::new();
        for input in graph::columns(graph) {
            columns.push((input.name, graph::width(input)?));
        }
        let declared = self.encoder.output_names();
        let fits = match columns[..] {
            [(_, width)] => width as usize == declared.len(),
            _ => columns.iter().map(|(name, width)| (*name, *width)).eq(declared.iter().map(|name| (name.as_str(), 1))),
        };
        if fits {
            return Ok(());
        }
        let found = columns.iter().map(|(name, width)| format!("`{name}` of {width} columns")).collect::<Vec<_>>();
        let declared = format!("{} numbers: {}", declared.len(), declared.join(", "));
        Err(ImportError::Inputs { found: found.join(", "), declared })
    }

    /// The numbers of the sample rows.
    fn encoded(&self) -> Result<Vec<Vec<f64>>, ImportError> {
        let inputs = self.encoder.inputs().len();
        let encode = |(row, sample): (usize, &SampleRow)| {
            if sample.values.len() != inputs {
                return Err(ImportError::SampleWidth { row, found: sample.values.len(), inputs });
            }
            let mut numbers = Vec::new();
            let value = |input: usize, _: &_| sample.values.get(input).map_or(Value::Absent, Field::as_value);
            self.encoder.encode_with(value, &mut numbers).map_err(|source| ImportError::Sample { row, source })?;
            Ok(numbers)
        };
        self.sample.iter().enumerate().map(encode).collect()
    }

    /// The largest distance, unless that is too much.
    fn check_scores(&self, scores: &[f64]) -> Result<f64, ImportError> {
        let distance = |(row, (sample, score)): (usize, (&SampleRow, &f64))| (row, (sample.score - score).abs(), *score);
        let distances = self.sample.iter().zip(scores).enumerate().map(distance);
        let Some((row, difference, found)) = distances.max_by(|one, other| one.1.total_cmp(&other.1)) else { return Ok(0.0) };
        if difference <= MAX_DIFFERENCE {
            return Ok(difference);
        }
        let expected = self.sample.get(row).map_or(f64::NAN, |sample| sample.score);
        Err(ImportError::Differs { row, expected, found, difference })
    }

    fn described(
        &self,
        model: &str,
        form: &ScoringForm,
        scores: &[f64],
        max_difference: f64,
        onnx: &ModelProto<'_>,
        file: &[u8],
    ) -> Result<Description, ImportError> {
        let labels: Vec<bool> = self.sample.iter().map(|row| row.label).collect();
        let metrics = Metrics::new(scores, &labels, self.threshold.unwrap_or(DEFAULT_THRESHOLD), SEED)?;
        let parameters: [(&str, Json); 5] = [
            ("producer", json!(onnx.producer.join(" ").trim())),
            ("onnx_sha256", json!(hex::encode(Sha256::digest(file)))),
            ("form", json!(form.name())),
            ("sample_rows", json!(self.sample.len())),
            ("max_difference", json!(max_difference)),
        ];
        let part = |rows: usize, positives: usize| SplitPart { rows, positives, from: 0, to: 0 };
        Ok(Description {
            model: model.to_owned(),
            about: self.about.clone(),
            family: "onnx".to_owned(),
            parameters: parameters.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<BTreeMap<_, _>>(),
            seed: SEED,
            source: Source { code_version: env!("CARGO_PKG_VERSION").to_owned(), tables: BTreeMap::new() },
            // What it was fitted on is not known here.
            split: Split { train: part(0, 0), test: part(metrics.rows, metrics.positives) },
            metrics,
            inputs: self.statistics(),
            scores: NumberStatistics::new(scores.to_vec()),
        })
    }

    /// Of the sample: drift is measured against it.
    fn statistics(&self) -> Vec<InputStatistics> {
        let rows: Vec<u32> = (0..u32::try_from(self.sample.len()).unwrap_or(u32::MAX)).collect();
        let of_input = |(position, input): (usize, &lakehouse_models::Input)| {
            let fields = self.sample.iter().map(|row| row.values.get(position).unwrap_or(&Field::Absent));
            let column = match input.kind {
                InputKind::Number => {
                    let number = |field: &Field| if let Field::Number(number) = field { *number } else { f64::NAN };
                    Column::Number(fields.map(number).collect())
                }
                InputKind::Flag => {
                    let flag = |field: &Field| if let Field::Flag(flag) = field { Some(*flag) } else { None };
                    Column::Flag(fields.map(flag).collect())
                }
                InputKind::Text => Column::Text(
                    fields.map(|field| if let Field::Text(text) = field { Some(text.as_str()) } else { None }).collect(),
                ),
            };
            InputStatistics::new(&input.name, &column, &rows)
        };
        self.encoder.inputs().iter().enumerate().map(of_input).collect()
    }
}

/// The form for so many numbers. What explanations are measured against comes from the rows, since it is not in the file: the
/// rows that reach each node of a forest, the mean of each number of a linear form.
fn fitted_to(form: ScoringForm, width: usize, rows: &[Vec<f64>]) -> Result<ScoringForm, ImportError> {
    match form {
        ScoringForm::Forest(forest) => {
            let mut flat = FlatForest::from(forest);
            flat.width = u32::try_from(width).unwrap_or(u32::MAX);
            flat.cover = cover(&flat, rows);
            Ok(ScoringForm::Forest(Forest::try_from(flat)?))
        }
        ScoringForm::Linear(linear) => {
            let mut parts = LinearParts::from(linear);
            for (number, (mean, weight)) in parts.means.iter_mut().zip(&parts.weights).enumerate() {
                let present = rows.iter().filter_map(|row| row.get(number).copied()).filter(|number| number.is_finite());
                let (sum, count) = present.fold((0.0, 0.0), |(sum, count), number| (sum + number, count + 1.0));
                // An absent number counts as the mean: where some are, it stays what the file says.
                if count > 0.0 && count == rows.len() as f64 {
                    parts.intercept += weight * (sum / count - *mean);
                    *mean = sum / count;
                }
            }
            Ok(ScoringForm::Linear(Linear::try_from(parts)?))
        }
        ScoringForm::Rules(rules) => Ok(ScoringForm::Rules(rules)),
    }
}

fn cover(flat: &FlatForest, rows: &[Vec<f64>]) -> Vec<f64> {
    let is_leaf = |node: usize| (flat.left[node], flat.right[node]) == (0, 0);
    let mut cover = vec![0.0; flat.value.len()];
    for (root, row) in flat.roots.iter().flat_map(|root| rows.iter().map(move |row| (*root as usize, row))) {
        let mut node = root;
        while !is_leaf(node) {
            let number = row.get(flat.feature[node] as usize).copied().unwrap_or(f64::NAN);
            let goes_left = number < flat.threshold[node] || (number.is_nan() && flat.missing_left[node]);
            node = if goes_left { flat.left[node] } else { flat.right[node] } as usize;
        }
        cover[node] += 1.0;
    }
    // Children stand after their parents.
    for node in (0..cover.len()).rev() {
        cover[node] = match is_leaf(node) {
            true => cover[node] + LEAF_COVER,
            false => cover[flat.left[node] as usize] + cover[flat.right[node] as usize],
        };
    }
    cover
}
