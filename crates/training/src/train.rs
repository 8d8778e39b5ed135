//! One training run: split by time, look for leaks, fit every candidate, judge all on the same later rows.

use std::time::Instant;

use lakehouse_models::{
    ArtifactError, BoundEncoder, DEFAULT_THRESHOLD, Description, Encoder, EncoderError, FORM_FILE, Field, Files, InputStatistics,
    MANIFEST_FILE, Metrics, Model, NumberStatistics, ScoringForm, Serving, Split,
};
use lakehouse_spec::{ColumnName, TrainingSpec};

use crate::{
    CandidateOutcome, Champion, Context, Examples, Progress, TrainingError, TrainingOutcome, TrainingRows,
    families::{FAMILIES, ModelFamily, Trainer, find},
    leaks, serving,
};

/// Test rows kept in the artifact with their scores.
const SAMPLE_ROWS: usize = 16;

/// Trains what `spec` says on `rows`; `progress` is told before and after each candidate.
///
/// CPU-bound, on all cores, for seconds to minutes. Beside the rows themselves, memory goes to the matrix of the family that
/// fits (see `families`): 8 bytes a number of the rows it fits on.
pub fn train(
    spec: &TrainingSpec,
    rows: &TrainingRows,
    context: Context<'_>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<TrainingOutcome, TrainingError> {
    let trainers = check_candidates(spec)?;
    let inputs: Vec<&str> = spec.features.iter().flat_map(|feature| feature.columns()).map(ColumnName::as_str).collect();
    let order = rows.labelled_in_time_order(&inputs);
    let (train_rows, test_rows) = order.split_at(rows.test_start(&order, spec.split.test_share));
    let split = Split { train: rows.part(train_rows), test: rows.part(test_rows) };
    check_split(&split)?;

    let encoder = Encoder::fit(&spec.features, rows.columns(), train_rows).map_err(TrainingError::Encoder)?;
    let bound = encoder.bind(rows.columns()).map_err(TrainingError::Encoder)?;
    let labels = rows.labels();
    leaks::check(spec, rows, [train_rows, test_rows], &encoder, &bound, &labels).map_err(TrainingError::Leak)?;
    let run = Run { spec, rows, context, split, train_rows, test_rows, labels, encoder: &encoder, bound: &bound };
    run.judge_all(trainers, progress)
}

type Candidates = Vec<(&'static dyn ModelFamily, Box<dyn Trainer>)>;

fn check_candidates(spec: &TrainingSpec) -> Result<Candidates, TrainingError> {
    let checked = spec.candidates.iter().enumerate().map(|(position, candidate)| {
        let family = find(&candidate.family).ok_or_else(|| {
            let known: Vec<&str> = FAMILIES.iter().map(|family| family.name()).collect();
            TrainingError::UnknownFamily { family: candidate.family.clone(), known: known.join(", ") }
        })?;
        let trainer = family.check(&candidate.parameters);
        Ok((family, trainer.map_err(|source| TrainingError::Parameters { candidate: position + 1, source })?))
    });
    checked.collect()
}

fn check_split(split: &Split) -> Result<(), TrainingError> {
    if split.train.rows == 0 || split.test.rows == 0 {
        return Err(TrainingError::NoSplit { rows: split.train.rows + split.test.rows });
    }
    for (name, part) in [("training", &split.train), ("test", &split.test)] {
        if part.positives == 0 || part.positives == part.rows {
            return Err(TrainingError::SingleClass { part: name, rows: part.rows, positives: part.positives });
        }
    }
    Ok(())
}

struct Run<'a> {
    spec: &'a TrainingSpec,
    rows: &'a TrainingRows,
    context: Context<'a>,
    split: Split,
    train_rows: &'a [u32],
    test_rows: &'a [u32],
    labels: Vec<bool>,
    encoder: &'a Encoder,
    bound: &'a BoundEncoder<'a>,
}

impl Run<'_> {
    fn judge_all(self, trainers: Candidates, progress: &mut dyn FnMut(Progress<'_>)) -> Result<TrainingOutcome, TrainingError> {
        let columns = self.rows.columns();
        let of_input = |name: &str| Some(InputStatistics::new(name, columns.get(name)?, self.train_rows));
        let inputs: Vec<_> = self.encoder.inputs().iter().filter_map(|input| of_input(&input.name)).collect();
        let total = trainers.len();
        let mut candidates: Vec<CandidateOutcome> = Vec::with_capacity(total);
        let mut left_out = None;
        for (position, (family, trainer)) in trainers.iter().enumerate() {
            let fitting = Progress::Fitting { family: family.name(), candidate: position + 1, candidates: total };
            progress(fitting);
            let candidate = match self.judge(family.name(), trainer.as_ref(), &inputs) {
                Err(TrainingError::Calibration { family, rows, positives, source }) => {
                    progress(Progress::LeftOut { family, reason: &source.to_string() });
                    left_out.get_or_insert(TrainingError::Calibration { family, rows, positives, source });
                    continue;
                }
                judged => judged?,
            };
            let average_precision = candidate.metrics().average_precision.value;
            let judged = Progress::Judged { family: family.name(), fit_seconds: candidate.fit_seconds, average_precision };
            progress(judged);
            candidates.push(candidate);
        }
        if let Some(error) = left_out.filter(|_| candidates.is_empty()) {
            return Err(error);
        }
        let champion = self.context.champion.map(|champion| self.judge_champion(champion)).transpose()?;
        Ok(TrainingOutcome { best: best_of(&candidates), split: self.split, candidates, champion })
    }

    fn judge(
        &self,
        family: &'static str,
        trainer: &dyn Trainer,
        inputs: &[InputStatistics],
    ) -> Result<CandidateOutcome, TrainingError> {
        let examples = Examples::new(self.bound, self.train_rows, &self.labels);
        let started = Instant::now();
        let form = trainer.fit(&examples, self.spec.seed).map_err(|source| TrainingError::Fit { family, source })?;
        let serving = self.serving(family, trainer)?;
        let fit_seconds = started.elapsed().as_secs_f64();

        let mut scores = self.bound.score(&form, self.test_rows);
        if let Some(calibration) = &serving.calibration {
            scores.iter_mut().for_each(|score| *score = calibration.apply(*score));
        }
        let threshold = serving.threshold.unwrap_or(DEFAULT_THRESHOLD);
        let description = Description {
            model: self.context.model.to_owned(),
            about: self.spec.description.clone(),
            family: family.to_owned(),
            parameters: trainer.parameters(),
            seed: self.spec.seed,
            source: self.context.source.clone(),
            split: self.split.clone(),
            metrics: self.metrics(family, &scores, threshold)?,
            inputs: inputs.to_vec(),
            scores: NumberStatistics::new(scores.clone()),
        };
        let (files, model) = self
            .write_and_read(description, form, serving, &scores)
            .map_err(|source| TrainingError::Artifact { family, source })?;
        Ok(CandidateOutcome { family: family.to_owned(), fit_seconds, files, model })
    }

    /// What the calibration rows say about the candidate's scores.
    fn serving(&self, family: &'static str, trainer: &dyn Trainer) -> Result<Serving, TrainingError> {
        let decision = self.spec.decision.as_ref();
        let Some(calibration) = &self.spec.calibration else {
            return Ok(Serving { calibration: None, threshold: decision.map(|rule| serving::threshold(rule, &[], &[])) });
        };
        let (before, after) = self.train_rows.split_at(self.rows.test_start(self.train_rows, calibration.share));
        let examples = Examples::new(self.bound, before, &self.labels);
        let form = trainer.fit(&examples, self.spec.seed).map_err(|source| TrainingError::Fit { family, source })?;
        let (scores, labels) = (self.bound.score(&form, after), self.labels_of(after));
        let positives = labels.iter().filter(|label| **label).count();
        serving::fit(calibration, decision, &scores, &labels).map_err(|source| TrainingError::Calibration {
            family,
            rows: after.len(),
            positives,
            source,
        })
    }

    fn labels_of(&self, rows: &[u32]) -> Vec<bool> {
        rows.iter().map(|row| self.labels.get(*row as usize).copied().unwrap_or(false)).collect()
    }

    fn metrics(&self, family: &str, scores: &[f64], threshold: f64) -> Result<Metrics, TrainingError> {
        let metrics = Metrics::new(scores, &self.labels_of(self.test_rows), threshold, self.spec.seed);
        metrics.map_err(|source| TrainingError::Metrics { family: family.to_owned(), source })
    }

    /// The files, and the model as it comes back from them: what is handed out has been read once.
    fn write_and_read(
        &self,
        description: Description,
        form: ScoringForm,
        serving: Serving,
        scores: &[f64],
    ) -> Result<(Files, Model), ArtifactError> {
        let files = Model::new(description, self.encoder.clone(), form, serving, self.sample_rows(scores))?.to_files()?;
        let bytes = |name: &str| files.iter().find(|(file, _)| *file == name).map_or(&[][..], |(_, bytes)| bytes);
        let model = Model::load(bytes(MANIFEST_FILE), bytes(FORM_FILE))?;
        Ok((files, model))
    }

    /// Test rows spread evenly over the range of scores, the highest included, that have every required input.
    fn sample_rows(&self, scores: &[f64]) -> Vec<Vec<Field>> {
        let mut ranked: Vec<(f64, u32)> = scores.iter().copied().zip(self.test_rows.iter().copied()).collect();
        ranked.sort_by(|one, other| other.0.total_cmp(&one.0));
        let columns = self.rows.columns();
        let values = |row: u32| -> Option<Vec<Field>> {
            let inputs = self.encoder.inputs().iter().map(|input| {
                let field = Field::from(columns.get(&input.name)?.value(row as usize));
                (input.nullable || field != Field::Absent).then_some(field)
            });
            inputs.collect()
        };
        let step = ranked.len().div_ceil(SAMPLE_ROWS).max(1);
        ranked.iter().step_by(step).filter_map(|(_, row)| values(*row)).collect()
    }

    fn judge_champion(&self, champion: &Model) -> Result<Champion, TrainingError> {
        match champion.score_columns(self.rows.columns(), self.test_rows) {
            Ok(scores) => Ok(Champion::Judged(Box::new(self.metrics("champion", &scores, champion.threshold())?))),
            Err(source @ (EncoderError::UnknownColumn(_) | EncoderError::WrongKind { .. })) => {
                Ok(Champion::NotComparable(source))
            }
            Err(source) => Err(TrainingError::Encoder(source)),
        }
    }
}

/// The first of those with the highest average precision.
fn best_of(candidates: &[CandidateOutcome]) -> usize {
    let precision = |candidate: &CandidateOutcome| candidate.metrics().average_precision.value;
    let best = candidates.iter().enumerate().rev().max_by(|one, other| precision(one.1).total_cmp(&precision(other.1)));
    best.map_or(0, |(position, _)| position)
}
