//! The best candidate as a version of its model, with a report of all, and the move of the champion.

use bytes::Bytes;
use lakehouse_models::{FORM_FILE, MANIFEST_FILE, Model};
use lakehouse_registry::{AliasName, MoveNumber, NewVersion, Registry, RegistryError, VersionNumber, VersionPage};
use lakehouse_spec::{ModelName, TrainingSpec};
use lakehouse_training::{TrainingOutcome, decide, report};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{MadeFrom, TrainError};

/// What training did for a model.
#[derive(Debug, Clone, Serialize)]
pub struct ModelReport {
    /// The model.
    pub model: ModelName,
    /// The version that was registered, or the one that was there.
    pub version: VersionNumber,
    /// What was decided, in words.
    pub decision: String,
    /// Rows trained on and tested on.
    pub rows: (usize, usize),
    /// Every candidate, in the order of the TOML; none when nothing was trained.
    pub candidates: Vec<CandidateReport>,
    /// Wall time, seconds.
    pub seconds: f64,
}

/// How a candidate did on the test rows.
#[derive(Debug, Clone, Serialize)]
pub struct CandidateReport {
    /// Its family.
    pub family: String,
    /// How long the fit took, seconds.
    pub fit_seconds: f64,
    /// Average precision: value, and the ends of its 95 % bootstrap interval.
    pub average_precision: [f64; 3],
    /// Area under the ROC curve: value, and the ends of its 95 % bootstrap interval.
    pub roc_auc: [f64; 3],
    /// Is it the one that was registered?
    pub is_best: bool,
}

impl ModelReport {
    pub(super) fn unchanged(model: &ModelName, version: VersionNumber) -> Self {
        let decision = format!("unchanged: version {version} was trained on the same rows");
        Self { model: model.clone(), version, decision, rows: (0, 0), candidates: Vec::new(), seconds: 0.0 }
    }
}

/// What the gate decided of a version. It is part of the version, so that a promotion that was cut off is made by the next run.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Verdict {
    promote: bool,
    sentence: String,
    /// The champion's move that the gate compared with.
    compared_with: Option<MoveNumber>,
}

/// The latest version, if it was made from the same; its promotion is made good.
pub(super) async fn same_as_latest(
    registry: &Registry,
    model: &ModelName,
    made_from: &MadeFrom,
) -> Result<Option<VersionNumber>, TrainError> {
    let Some(latest) = registry.versions(model, VersionPage { before: None, limit: 1 }).await?.pop() else { return Ok(None) };
    let made_of = latest.manifest.get("made_from").and_then(|made_of| MadeFrom::deserialize(made_of).ok());
    if made_of.as_ref() != Some(made_from) {
        return Ok(None);
    }
    if let Some(verdict) = latest.manifest.get("verdict").and_then(|verdict| Verdict::deserialize(verdict).ok()) {
        promote(registry, model, latest.version, verdict).await?;
    }
    Ok(Some(latest.version))
}

/// Moves the champion if the verdict says so, unless it was moved since. Tells what came of it.
async fn promote(
    registry: &Registry,
    model: &ModelName,
    version: VersionNumber,
    verdict: Verdict,
) -> Result<String, RegistryError> {
    if !verdict.promote {
        return Ok(verdict.sentence);
    }
    match registry.promote(model, &AliasName::champion(), version, verdict.compared_with, &verdict.sentence).await {
        Ok(_) => Ok(verdict.sentence),
        Err(RegistryError::Conflict { .. }) => Ok("not promoted: somebody else moved the champion meanwhile".to_owned()),
        Err(error) => Err(error),
    }
}

/// The champion, loaded.
pub(super) async fn champion(registry: &Registry, model: &ModelName) -> Result<Option<(VersionNumber, Model)>, TrainError> {
    let Some(current) = registry.alias(model, &AliasName::champion()).await? else { return Ok(None) };
    let manifest = registry.read_file(model, current.version, MANIFEST_FILE).await?;
    let form = registry.read_file(model, current.version, FORM_FILE).await?;
    let loaded = Model::load(&manifest, &form);
    let loaded = loaded.map_err(|source| TrainError::Champion { model: model.clone(), version: current.version.0, source })?;
    Ok(Some((current.version, loaded)))
}

/// Registers the best candidate and moves the champion if the gate lets it. `expected` is the champion's move that the gate
/// compared with: if somebody else has moved it since, theirs stays.
pub(super) async fn register(
    registry: &Registry,
    model: &ModelName,
    spec: &TrainingSpec,
    outcome: &TrainingOutcome,
    made_from: &MadeFrom,
    expected: Option<MoveNumber>,
    run: &str,
) -> Result<ModelReport, TrainError> {
    let none = || TrainError::Columns { model: model.clone(), reason: "no candidate was fitted".to_owned() };
    let best = outcome.best().ok_or_else(none)?;
    let gate = decide(&spec.gate, best.metrics(), outcome.champion.as_ref().and_then(|champion| champion.metrics()));
    let candidates = candidates(outcome);
    let verdict = Verdict { promote: gate.promote, sentence: gate.sentence, compared_with: expected };
    let mut new = new_version(model, spec, outcome, made_from, run, &candidates)?;
    new.manifest["verdict"] = json!(verdict);
    let version = registry.register(model, new).await?;
    let decision = promote(registry, model, version.version, verdict).await?;
    Ok(ModelReport {
        model: model.clone(),
        version: version.version,
        decision: format!("version {} ({}) {decision}", version.version, best.family),
        rows: (outcome.split.train.rows, outcome.split.test.rows),
        candidates,
        seconds: 0.0,
    })
}

fn candidates(outcome: &TrainingOutcome) -> Vec<CandidateReport> {
    let report = |(position, candidate): (usize, &lakehouse_training::CandidateOutcome)| {
        let metrics = candidate.metrics();
        let estimate =
            |estimate: &lakehouse_models::metrics::Estimate| [estimate.value, estimate.interval.low, estimate.interval.high];
        CandidateReport {
            family: candidate.family.clone(),
            fit_seconds: candidate.fit_seconds,
            average_precision: estimate(&metrics.average_precision),
            roc_auc: estimate(&metrics.roc_auc),
            is_best: position == outcome.best,
        }
    };
    outcome.candidates.iter().enumerate().map(report).collect()
}

fn new_version(
    model: &ModelName,
    spec: &TrainingSpec,
    outcome: &TrainingOutcome,
    made_from: &MadeFrom,
    run: &str,
    candidates: &[CandidateReport],
) -> Result<NewVersion, TrainError> {
    let drawn = |source: Box<dyn std::error::Error + Send + Sync>| TrainError::Report { model: model.clone(), source };
    let best = &outcome.candidates[outcome.best];
    let mut files: Vec<(String, Bytes)> =
        best.files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.clone().into())).collect();
    let text = |name: &str, text: String| (name.to_owned(), Bytes::from(text));
    files.push(text("report.md", report::markdown(outcome)));
    files.push(text("precision_recall.svg", report::curves_svg(outcome).map_err(|error| drawn(error.into()))?));
    files.push(text("comparison.svg", report::comparison_svg(outcome).map_err(|error| drawn(error.into()))?));
    let manifest = json!({
        "description": spec.description,
        "family": best.family,
        "run": run,
        "made_from": made_from,
        "candidates": candidates,
    });
    Ok(NewVersion { manifest, files, created_at: jiff::Timestamp::now() })
}
