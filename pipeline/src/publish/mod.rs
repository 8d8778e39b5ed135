//! The datamarts as tables of a PostgreSQL, for BI programs: those that have changed, all in one transaction.

mod values;

use std::time::{Duration, Instant};

use futures::{FutureExt as _, Stream, StreamExt as _, stream};
use lakehouse_lake::{Lake, LakeError, LakeTable, QueryStream};
use lakehouse_metadata::Metadata;
use lakehouse_postgres::{CopyRows, PostgresError, Publication, PublishTable, Target};
use lakehouse_spec::{Domain, StageModel};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{Progress, RunError, RunJob, StepDone, StepKind, attempts::Step, context::RunContext, lease::RunLease};

/// The stage's name.
pub(crate) const PUBLISHING: &str = "publishing";

/// How long others may hold locks in all. A reader holds none that matters, but one who changes a published table does.
const PATIENCE: Duration = Duration::from_secs(60);
const BETWEEN_TRIES: Duration = Duration::from_millis(500);

/// Why datamarts were not published. What is published is as it was, and the lake is untouched.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Nothing says where to.
    #[error("there is nowhere to publish to: set `publish_database_url`")]
    NotConfigured,
    /// A datamart has a column that PostgreSQL has no type for.
    #[error("`{table}` cannot be published: `{column}` is {kind}, for which PostgreSQL has no type here")]
    Type {
        /// The datamart.
        table: String,
        /// The column.
        column: String,
        /// Its type.
        kind: String,
    },
    /// A datamart could not be read.
    #[error("a datamart could not be read")]
    Lake(#[from] LakeError),
    /// The database refused or failed.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
}

/// What publishing did for a datamart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublishReport {
    /// The published table, with its schema.
    pub table: String,
    /// The version of the datamart it holds.
    pub version: u64,
    /// Rows that were written.
    pub rows: u64,
    /// Was it changed?
    pub is_new: bool,
}

/// Publishes outside of a run, while no run of the domain changes the datamarts.
pub async fn publish(job: &RunJob, metadata: &Metadata, progress: &Progress) -> Result<Vec<PublishReport>, RunError> {
    let target = job.publish.as_ref().ok_or(PublishError::NotConfigured)?;
    let lease = RunLease::acquire(metadata, &job.domain.name).await?;
    let outcome = publish_datamarts(&job.lake, &job.domain, target, progress).await;
    lease.release().await?;
    Ok(outcome?)
}

impl RunContext {
    /// Publishes in the course of a run.
    pub(crate) async fn publish(&self, target: &Target) -> Result<Vec<PublishReport>, RunError> {
        let step = Step { stage: PUBLISHING, name: target.schema.clone(), kind: StepKind::Publication };
        let publishing = |_| {
            let (lake, domain) = (&self.job.lake, &self.job.domain);
            async move { Ok(publish_datamarts(lake, domain, target, &self.progress).await?) }.boxed()
        };
        self.attempt(&step, publishing).await.map(|(reports, _)| reports)
    }
}

/// A datamart as it is now, and as it is to be published.
struct Mart {
    table: LakeTable,
    publish: PublishTable,
}

/// Publishes the datamarts whose rows are others than those that were published last.
pub(crate) async fn publish_datamarts(
    lake: &Lake,
    domain: &Domain,
    target: &Target,
    progress: &Progress,
) -> Result<Vec<PublishReport>, PublishError> {
    let started = Instant::now();
    let mut marts = Vec::new();
    for (name, (model, _)) in &domain.datamarts {
        if let Some(table) = lake.table(&domain.name, name).await? {
            marts.push(Mart { publish: as_published(lake, &table, model)?, table });
        }
    }
    let reports = loop {
        match replace_stale(lake, &marts, target).await {
            Err(error) if error.is_locked() && started.elapsed() < PATIENCE => tokio::time::sleep(BETWEEN_TRIES).await,
            outcome => break outcome?,
        }
    };
    for report in &reports {
        let outcome = if report.is_new { format!("{} rows", report.rows) } else { "unchanged".to_owned() };
        progress.tell(crate::Event::StepDone(StepDone {
            stage: PUBLISHING,
            step: report.table.clone(),
            kind: StepKind::Publication,
            outcome,
            is_new: report.is_new,
            attempt: 1,
            rows: report.rows,
            bytes: 0,
            version: Some(report.version),
            // They become visible together.
            seconds: started.elapsed().as_secs_f64(),
        }));
    }
    Ok(reports)
}

/// The whole of a publication, in its one transaction.
async fn replace_stale(lake: &Lake, marts: &[Mart], target: &Target) -> Result<Vec<PublishReport>, PostgresError> {
    let mut publication = Publication::begin(target).await?;
    let mut reports = Vec::new();
    for mart in marts {
        let is_new = publication.is_stale(&mart.publish).await?;
        let mut rows = 0;
        if is_new {
            rows = publication.replace(&mart.publish, chunks(lake, mart)).await?;
        }
        publication.grant_reading(&mart.publish).await?;
        let table = format!("{}.{}", target.schema, mart.publish.name);
        reports.push(PublishReport { table, version: mart.table.version, rows, is_new });
    }
    publication.commit().await?;
    Ok(reports)
}

fn as_published(lake: &Lake, table: &LakeTable, model: &StageModel) -> Result<PublishTable, PublishError> {
    let columns = table.schema.fields().iter().map(|field| match values::sql_type(field.data_type()) {
        Some(kind) => Ok((field.name().clone(), kind)),
        None => Err(PublishError::Type {
            table: table.name.to_string(),
            column: field.name().clone(),
            kind: field.data_type().to_string(),
        }),
    });
    Ok(PublishTable {
        name: table.name.table.clone(),
        key: model.key.iter().map(ToString::to_string).collect(),
        columns: columns.collect::<Result<_, _>>()?,
        state: state(lake, table),
    })
}

/// The version and a hash of its files, whose names are never used twice: a lake that was made anew counts from 0 again.
fn state(lake: &Lake, table: &LakeTable) -> String {
    let mut hash = Sha256::new();
    hash.update(lake.location().to_string());
    for file in table.files.iter() {
        hash.update([0]);
        hash.update(file.path.as_ref());
    }
    format!("{}:{}", table.version, hex::encode(hash.finalize()))
}

/// The rows of a datamart, as they are sent.
fn chunks(lake: &Lake, mart: &Mart) -> impl Stream<Item = Result<Vec<u8>, PostgresError>> {
    let (lake, table, name) = (lake.clone(), mart.table.clone(), mart.publish.name.clone());
    let failed = move |source: Box<dyn std::error::Error + Send + Sync>| PostgresError::Input { table: name.clone(), source };
    let opened = async move { open(&lake, table).await.map(|rows| (rows, CopyRows::new())) };
    stream::once(opened).flat_map(move |opened| {
        let failed = failed.clone();
        match opened {
            Ok(state) => stream::unfold(Some(state), next).map(move |chunk| chunk.map_err(&failed)).boxed(),
            Err(error) => stream::once(async move { Err(failed(error.into())) }).boxed(),
        }
    })
}

async fn open(lake: &Lake, table: LakeTable) -> Result<QueryStream, LakeError> {
    let session = lake.session(&table.domain);
    let sql = format!("select * from \"{}\".\"{}\"", table.name.schema.as_str(), table.name.table);
    session.register(table)?;
    session.query(&sql).await
}

type Sending = Option<(QueryStream, CopyRows)>;
type Chunk = Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>>;

async fn next(sending: Sending) -> Option<(Chunk, Sending)> {
    let (mut rows, mut copy) = sending?;
    loop {
        let Some(batch) = rows.next().await else { return Some((Ok(copy.finish()), None)) };
        match batch {
            Ok(batch) => {
                if let Err(error) = values::write(&batch, &mut copy) {
                    return Some((Err(error.into()), None));
                }
            }
            Err(error) => return Some((Err(error.into()), None)),
        }
        if let Some(chunk) = copy.take_full() {
            return Some((Ok(chunk), Some((rows, copy))));
        }
    }
}
