//! The steps of a run: one row each, overwritten as they go on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::{
    Metadata, MetadataError, StepStatus,
    metadata::failed,
    record::Record,
    value::{count, instant, optional_text},
};

/// A step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The run.
    pub run: String,
    /// The stage: `datamarts`.
    pub stage: String,
    /// The step, which is mostly a table or model: `gold.dm_client_features`.
    pub step: String,
    /// How it stands.
    pub status: StepStatus,
    /// Which attempt this is, counted from 1.
    pub attempt: u32,
    /// When the attempt started.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Rows it wrote.
    pub rows: Option<u64>,
    /// Bytes it wrote.
    pub bytes: Option<u64>,
    /// The version it made.
    pub version: Option<u64>,
    /// Why it did what it did, or nothing.
    pub decision: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
}

const UPSERT: &str = "insert into steps
    (run, stage, step, status, attempt, started_at, finished_at, rows, bytes, version, decision, error)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    on conflict (run, stage, step) do update set
        status = excluded.status, attempt = excluded.attempt,
        started_at = excluded.started_at, finished_at = excluded.finished_at,
        rows = excluded.rows, bytes = excluded.bytes, version = excluded.version,
        decision = excluded.decision, error = excluded.error";

const OF_RUN: &str = "select run, stage, step, status, attempt, started_at, finished_at, rows, bytes, version, decision, error
    from steps where run = $1 order by started_at, stage, step";

impl Metadata {
    /// Records how a step stands, over what was recorded of it before.
    pub async fn record_step(&self, step: &StepRecord) -> Result<(), MetadataError> {
        let upsert = sqlx::query(UPSERT)
            .bind(&step.run)
            .bind(&step.stage)
            .bind(&step.step)
            .bind(step.status.as_str())
            .bind(i64::from(step.attempt))
            .bind(instant(step.started_at))
            .bind(step.finished_at.map(instant))
            .bind(step.rows.map(count))
            .bind(step.bytes.map(count))
            .bind(step.version.map(count))
            .bind(optional_text(step.decision.as_deref()))
            .bind(optional_text(step.error.as_deref()));
        match upsert.execute(&self.writer).await {
            Ok(_) => Ok(()),
            Err(sqlx::Error::Database(error)) if error.is_foreign_key_violation() => {
                Err(MetadataError::UnknownRun(step.run.clone()))
            }
            Err(source) => Err(failed("record step", format_args!("{}/{}/{}", step.run, step.stage, step.step))(source)),
        }
    }

    /// The steps of a run, in the order they started.
    pub async fn steps(&self, run: &str) -> Result<Vec<StepRecord>, MetadataError> {
        let rows = sqlx::query(OF_RUN).bind(run).fetch_all(&self.reader).await.map_err(failed("list the steps of", run))?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &AnyRow) -> Result<StepRecord, MetadataError> {
    let record = Record { table: "steps", row };
    Ok(StepRecord {
        run: record.text("run")?,
        stage: record.text("stage")?,
        step: record.text("step")?,
        status: record.word("status")?,
        attempt: record.count("attempt")?,
        started_at: record.instant("started_at")?,
        finished_at: record.optional_instant("finished_at")?,
        rows: record.optional_count("rows")?,
        bytes: record.optional_count("bytes")?,
        version: record.optional_count("version")?,
        decision: record.optional_text("decision")?,
        error: record.optional_text("error")?,
    })
}
