//! The training stage: rows out of the lake, a registered version, and the champion if the gate lets it.

mod columns;
mod error;
mod register;

use std::{collections::BTreeMap, time::Instant};

use futures::{FutureExt as _, TryStreamExt as _};
use lakehouse_engine::definition_hash;
use lakehouse_models::{Model, Source};
use lakehouse_registry::{AliasName, OnlineName};
use lakehouse_spec::{ModelName, TableName, TrainingSpec};
use lakehouse_training::{Context, Progress as TrainingProgress, TrainingOutcome, TrainingRows};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use error::TrainError;
pub use register::{CandidateReport, ModelReport};

use crate::{Event, Progress, RunError, RunJob, StepDone, StepKind, attempts::Step, context::RunContext, run::TRAINING};

/// What a version was made from; the same again means nothing to train.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MadeFrom {
    /// Hash of the SQL and TOML.
    pub definition: String,
    /// Table → the version of its rows.
    pub tables: BTreeMap<String, u64>,
}

impl RunContext {
    /// Trains every model of the domain whose rows or definition changed.
    pub(crate) async fn train_all(&self) -> Result<Vec<ModelReport>, RunError> {
        let mut reports = Vec::new();
        for (model, (spec, sql)) in &self.job.domain.training {
            let step = Step { stage: TRAINING, name: model.to_string(), kind: StepKind::Model };
            if self.was_done(&step) {
                continue;
            }
            self.guard.check()?;
            let started = Instant::now();
            let (mut report, attempt) = self
                .attempt(&step, |stop| {
                    let training = train_model(&self.job, model, spec, sql, &self.run, &self.progress);
                    // A fit that is given up goes on in its thread until it is done, and changes nothing then.
                    let training = async move {
                        let outcome = stop.run_until_cancelled(training).await;
                        outcome.unwrap_or(Err(TrainError::Stopped)).map_err(RunError::from)
                    };
                    training.boxed()
                })
                .await?;
            // Also of a version that was there: the server may have been away when it was registered.
            if let Some(mirror) = &self.job.mirror {
                mirror.follow(&self.job.registry, model, Some(report.version)).await;
            }
            report.seconds = started.elapsed().as_secs_f64();
            let (train, test) = report.rows;
            self.progress.tell(Event::StepDone(StepDone {
                stage: step.stage,
                step: step.name,
                kind: step.kind,
                outcome: report.decision.clone(),
                is_new: train > 0,
                attempt,
                rows: (train + test) as u64,
                bytes: 0,
                version: Some(u64::from(report.version.0)),
                seconds: report.seconds,
            }));
            reports.push(report);
        }
        Ok(reports)
    }
}

/// Hands the kernel's state after a signals step to the services.
pub(crate) async fn publish_state(job: &RunJob, table: &TableName, state: Vec<u8>) -> Result<(), TrainError> {
    let name: OnlineName = table.table.parse().map_err(|_| TrainError::Table { table: table.clone() })?;
    job.registry.put_online(&job.domain.name, &name, state.into()).await?;
    Ok(())
}

async fn train_model(
    job: &RunJob,
    model: &ModelName,
    spec: &TrainingSpec,
    sql: &str,
    run: &str,
    progress: &Progress,
) -> Result<ModelReport, TrainError> {
    let session = job.lake.session(&job.domain.name);
    let inputs = session.register_references(&job.lake, sql).await?;
    let made_from = MadeFrom {
        definition: definition_hash(sql, &json!(spec)),
        tables: inputs.iter().map(|table| (table.name.to_string(), table.data_version)).collect(),
    };
    if let Some(version) = register::same_as_latest(&job.registry, model, &made_from).await? {
        return Ok(ModelReport::unchanged(model, version));
    }
    let mut builder = columns::RowsBuilder::new(model, spec);
    let mut rows = session.query(sql).await?;
    while let Some(batch) = rows.try_next().await? {
        builder.add(&batch)?;
    }
    let rows = builder.finish()?;
    let champion = register::champion(&job.registry, model).await?;
    let outcome = fit(model, spec, rows, &made_from, champion.as_ref().map(|(_, model)| model.clone()), progress).await?;
    let champion_move = job.registry.alias(model, &AliasName::champion()).await?;
    register::register(&job.registry, model, spec, &outcome, &made_from, champion_move.map(|current| current.number), run).await
}

/// Fitting takes all cores for a while: it runs off the reactor.
async fn fit(
    model: &ModelName,
    spec: &TrainingSpec,
    rows: TrainingRows,
    made_from: &MadeFrom,
    champion: Option<Model>,
    progress: &Progress,
) -> Result<TrainingOutcome, TrainError> {
    let (name, spec, progress) = (model.to_string(), spec.clone(), progress.clone());
    let source = Source { code_version: env!("CARGO_PKG_VERSION").to_owned(), tables: made_from.tables.clone() };
    let fitted = tokio::task::spawn_blocking(move || {
        let context = Context { model: &name, source, champion: champion.as_ref() };
        lakehouse_training::train(&spec, &rows, context, &mut |step| {
            let (family, outcome, seconds) = match step {
                TrainingProgress::Fitting { .. } => return,
                TrainingProgress::Judged { family, fit_seconds, average_precision } => {
                    (family, format!("average precision {average_precision:.4}"), fit_seconds)
                }
                TrainingProgress::LeftOut { family, reason } => (family, format!("left out: {reason}"), 0.0),
            };
            progress.tell(Event::StepDone(StepDone {
                stage: TRAINING,
                step: format!("{name}/{family}"),
                kind: StepKind::Candidate,
                outcome,
                is_new: true,
                attempt: 1,
                rows: 0,
                bytes: 0,
                version: None,
                seconds,
            }));
        })
    });
    match fitted.await {
        Ok(outcome) => Ok(outcome?),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}
