//! What a run tells while it runs.

use std::sync::Arc;

use lakehouse_engine::OnRows;
use lakehouse_spec::TableName;
use serde::Serialize;
use serde_json::{Value, json};

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The run starts.
    RunStarted,
    /// A stage starts.
    StageStarted {
        /// Its name.
        stage: &'static str,
    },
    /// Rows went towards a table. Told to whoever watches, not recorded.
    Rows {
        /// The table.
        table: TableName,
        /// How many more.
        rows: u64,
    },
    /// A step is done.
    StepDone(StepDone),
    /// A step failed.
    StepFailed(StepFailed),
    /// Rows broke a check.
    CheckFailed {
        /// The table.
        table: TableName,
        /// The check.
        check: String,
        /// How many.
        rows: u64,
    },
    /// A stage is done.
    StageDone {
        /// Its name.
        stage: &'static str,
        /// Wall time, seconds.
        seconds: f64,
    },
    /// The run is done.
    RunSucceeded {
        /// Wall time, seconds.
        seconds: f64,
    },
    /// The run ended early.
    RunFailed {
        /// Why, with the causes.
        error: String,
    },
}

/// What a step made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepDone {
    /// Its stage.
    pub stage: &'static str,
    /// The source, table or model.
    pub step: String,
    /// What kind of step it is.
    pub kind: StepKind,
    /// What was done, in words.
    pub outcome: String,
    /// Did it make a new version?
    pub is_new: bool,
    /// Which try it was, from 1.
    pub attempt: u32,
    /// Rows written.
    pub rows: u64,
    /// Bytes written.
    pub bytes: u64,
    /// The version there is now.
    pub version: Option<u64>,
    /// Wall time, seconds.
    pub seconds: f64,
}

/// What stopped a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepFailed {
    /// Its stage.
    pub stage: &'static str,
    /// The source, table or model.
    pub step: String,
    /// What kind of step it is.
    pub kind: StepKind,
    /// Which try it was, from 1.
    pub attempt: u32,
    /// Why, with the causes.
    pub error: String,
    /// Wall time, seconds.
    pub seconds: f64,
    /// Seconds until the next try, if there is one.
    pub again_in: Option<f64>,
}

/// What a step makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// The table of a source.
    Source,
    /// A table of a later stage.
    Table,
    /// A datamart in another database.
    Publication,
    /// A fit that may become a model.
    Candidate,
    /// A model's version.
    Model,
}

impl Event {
    /// The name it is recorded by.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RunStarted => "run.started",
            Self::StageStarted { .. } => "stage.started",
            Self::Rows { .. } => "rows",
            Self::StepDone(done) => match (done.kind, done.is_new) {
                (StepKind::Source, true) => "source.landed",
                (StepKind::Source, false) => "source.unchanged",
                (StepKind::Table, true) => "table.written",
                (StepKind::Table, false) => "table.unchanged",
                (StepKind::Publication, true) => "table.published",
                (StepKind::Publication, false) => "publication.unchanged",
                (StepKind::Candidate, _) => "model.judged",
                (StepKind::Model, true) => "model.registered",
                (StepKind::Model, false) => "model.unchanged",
            },
            Self::StepFailed(StepFailed { again_in: Some(_), .. }) => "step.retried",
            Self::StepFailed(_) => "step.failed",
            Self::CheckFailed { .. } => "check.failed",
            Self::StageDone { .. } => "stage.done",
            Self::RunSucceeded { .. } => "run.succeeded",
            Self::RunFailed { .. } => "run.failed",
        }
    }

    /// Its details.
    pub fn payload(&self) -> Value {
        match self {
            Self::RunStarted => json!({}),
            Self::StageStarted { stage } => json!({ "stage": stage }),
            Self::Rows { table, rows } => json!({ "table": table, "rows": rows }),
            Self::StepDone(done) => json!(done),
            Self::StepFailed(failed) => json!(failed),
            Self::CheckFailed { table, check, rows } => json!({ "table": table, "check": check, "rows": rows }),
            Self::StageDone { stage, seconds } => json!({ "stage": stage, "seconds": seconds }),
            Self::RunSucceeded { seconds } => json!({ "seconds": seconds }),
            Self::RunFailed { error } => json!({ "error": error }),
        }
    }
}

/// Whoever wants to hear of events. Cheap to clone.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(Event) + Send + Sync>);

impl Progress {
    /// Calls `listener` on every event, on whatever thread it happens.
    pub fn new(listener: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    /// Tells nobody.
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    /// Tells an event.
    pub fn tell(&self, event: Event) {
        (self.0)(event);
    }

    pub(crate) fn on_rows(&self, table: &TableName) -> OnRows {
        let (progress, table) = (self.clone(), table.clone());
        OnRows::new(move |rows| progress.rows(&table, rows))
    }

    pub(crate) fn rows(&self, table: &TableName, rows: u64) {
        self.tell(Event::Rows { table: table.clone(), rows });
    }
}
