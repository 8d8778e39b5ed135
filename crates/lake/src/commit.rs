//! Making written files visible: one Delta commit, at most once.
//!
//! Delta refuses two writers that clash, not a writer that repeats itself: so an application transaction is read back before
//! the commit. And a commit whose answer was lost may have landed: so after a failure the log is read for our own commit before
//! another try.

use std::{collections::HashMap, time::Duration};

use deltalake::{
    DeltaTable, DeltaTableError,
    arrow::datatypes::Schema as ArrowSchema,
    kernel::{
        Action, MetadataExt as _, StructType, Transaction,
        engine::arrow_conversion::TryIntoKernel as _,
        transaction::{CommitBuilder, CommitProperties},
    },
    operations::create::CreateBuilder,
    protocol::{DeltaOperation, SaveMode},
};
use futures::TryStreamExt as _;
use lakehouse_spec::{DomainName, TableName};
use rand::RngExt as _;
use serde_json::json;

use crate::{CommitNote, DataFiles, Lake, LakeError, WriteLayout, store::qualified};

/// How often a commit is tried when other writers get in between: that ends long before.
const MAX_TRIES: u32 = 12;
/// How often when the store fails, which has itself tried again for a while.
const MAX_STORE_TRIES: u32 = 3;
/// How many commits back our own lost one is looked for.
const LOST_SEARCH_DEPTH: usize = 32;

/// What happens to the rows that are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeMode {
    /// They stay.
    Append,
    /// They go.
    Overwrite,
    /// Those of one partition value go.
    ReplacePartition {
        /// The partition column.
        column: String,
        /// Its value, as text.
        value: String,
    },
}

/// One commit to be made.
#[derive(Debug, Clone)]
pub struct Change {
    /// The new rows.
    pub files: DataFiles,
    /// What happens to the old ones.
    pub mode: ChangeMode,
    /// Columns and partitioning; a difference from the table's columns is an error unless the mode is overwrite.
    pub layout: WriteLayout,
    /// The batch these rows are: committed once per table, however often it is tried.
    pub batch: Option<String>,
    /// What the writer wants to remember.
    pub note: CommitNote,
}

/// How a commit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It is the table's new version.
    Version(u64),
    /// The batch had been committed before; the table is at this version and unchanged.
    Already(u64),
}

impl Committed {
    /// The table's version now.
    pub fn version(self) -> u64 {
        match self {
            Self::Version(version) | Self::Already(version) => version,
        }
    }
}

impl Lake {
    /// Was `batch` committed to the table before?
    pub async fn has_batch(&self, domain: &DomainName, name: &TableName, batch: &str) -> Result<bool, LakeError> {
        let Some(table) = self.load(domain, name).await? else { return Ok(false) };
        has_batch(&table, batch)
            .await
            .map_err(|source| LakeError::Log { table: qualified(domain, name), source: Box::new(source) })
    }

    /// Commits a change, trying again with jitter while other writers get in between.
    pub async fn commit(&self, domain: &DomainName, name: &TableName, change: &Change) -> Result<Committed, LakeError> {
        let commit_id = format!("{:032x}", rand::rng().random::<u128>());
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_commit(domain, name, change, &commit_id).await {
                Ok(committed) => return Ok(committed),
                Err(error) if tries < most_tries(&error) => {
                    let most = 20_u64 << tries.min(6);
                    let pause = Duration::from_millis(rand::rng().random_range(most / 2..=most));
                    tracing::debug!(table = qualified(domain, name), tries, %error, "commit did not land, trying again");
                    tokio::time::sleep(pause).await;
                }
                Err(source) => {
                    return Err(LakeError::Commit { table: qualified(domain, name), tries, source: Box::new(source) });
                }
            }
        }
    }

    async fn try_commit(
        &self,
        domain: &DomainName,
        name: &TableName,
        change: &Change,
        commit_id: &str,
    ) -> Result<Committed, DeltaTableError> {
        let mut table = self.unloaded(domain, name).map_err(|error| DeltaTableError::Generic(error.to_string()))?;
        let properties = commit_properties(change, commit_id);
        if !table.verify_deltatable_existence().await? {
            return create(table, change, properties).await.map(Committed::Version);
        }
        table.load().await?;
        let version = table.version().unwrap_or_default();
        if was_ours(&table, commit_id).await? {
            return Ok(Committed::Version(version));
        }
        if let Some(batch) = &change.batch
            && has_batch(&table, batch).await?
        {
            return Ok(Committed::Already(version));
        }
        let actions = actions(&table, change).await?;
        let mode = if change.mode == ChangeMode::Append { SaveMode::Append } else { SaveMode::Overwrite };
        let predicate = match &change.mode {
            ChangeMode::ReplacePartition { column, value } => Some(format!("{column} = {value}")),
            _ => None,
        };
        let partition_by = (!change.layout.partition_columns.is_empty()).then(|| change.layout.partition_columns.clone());
        // One try: a clash means that the plan is stale, and the loop around this function plans anew.
        let finalized = CommitBuilder::from(properties)
            .with_max_retries(0)
            .with_actions(actions)
            .build(Some(table.snapshot()?), table.log_store(), DeltaOperation::Write { mode, partition_by, predicate })
            .await?;
        Ok(Committed::Version(finalized.version()))
    }
}

fn commit_properties(change: &Change, commit_id: &str) -> CommitProperties {
    let metadata = [(CommitNote::KEY.to_owned(), json!(change.note)), ("lakehouseCommit".to_owned(), json!(commit_id))];
    let properties = CommitProperties::default().with_metadata(metadata);
    match &change.batch {
        Some(batch) => properties.with_application_transaction(Transaction::new(batch_app_id(batch), 1)),
        None => properties,
    }
}

fn batch_app_id(batch: &str) -> String {
    format!("lakehouse.batch.{batch}")
}

async fn has_batch(table: &DeltaTable, batch: &str) -> Result<bool, DeltaTableError> {
    let version = table.snapshot()?.snapshot().transaction_version(table.log_store().as_ref(), batch_app_id(batch)).await?;
    Ok(version.is_some())
}

/// Did an earlier try of this very commit land, although its answer was lost?
async fn was_ours(table: &DeltaTable, commit_id: &str) -> Result<bool, DeltaTableError> {
    let commits: Vec<_> = table.history(Some(LOST_SEARCH_DEPTH)).try_collect().await?;
    Ok(commits.iter().any(|commit| commit.info.get("lakehouseCommit").and_then(|id| id.as_str()) == Some(commit_id)))
}

async fn create(table: DeltaTable, change: &Change, properties: CommitProperties) -> Result<u64, DeltaTableError> {
    let adds = change.files.adds.iter().cloned().map(Action::Add);
    let created = CreateBuilder::new()
        .with_log_store(table.log_store())
        .with_columns(kernel_schema(change)?.fields().cloned())
        .with_partition_columns(change.layout.partition_columns.clone())
        .with_save_mode(SaveMode::ErrorIfExists)
        .with_commit_properties(properties)
        .with_actions(adds)
        .await?;
    Ok(created.version().unwrap_or_default())
}

fn kernel_schema(change: &Change) -> Result<StructType, DeltaTableError> {
    let schema: &ArrowSchema = change.layout.schema.as_ref();
    schema.try_into_kernel().map_err(|error| DeltaTableError::Generic(error.to_string()))
}

/// The log actions of a change against the table's present version.
async fn actions(table: &DeltaTable, change: &Change) -> Result<Vec<Action>, DeltaTableError> {
    let state = table.snapshot()?;
    let mut actions: Vec<Action> = change.files.adds.iter().cloned().map(Action::Add).collect();
    let schema = kernel_schema(change)?;
    if *state.snapshot().schema() != schema {
        if change.mode != ChangeMode::Overwrite {
            let reason = "the columns differ from the table's; rebuild the table to change them".to_owned();
            return Err(DeltaTableError::SchemaMismatch { msg: reason });
        }
        actions.push(Action::Metadata(state.metadata().clone().with_schema(&schema)?));
    }
    if change.mode != ChangeMode::Append {
        let views: Vec<_> = state.snapshot().file_views(table.log_store().as_ref(), None).try_collect().await?;
        let goes = |partition: HashMap<String, Option<String>>| match &change.mode {
            ChangeMode::ReplacePartition { column, value } => partition.get(column) == Some(&Some(value.clone())),
            _ => true,
        };
        let removed = views.iter().filter(|view| goes(view.partition_values_map()));
        actions.extend(removed.map(|view| Action::Remove(view.remove_action(true))));
    }
    Ok(actions)
}

/// More than one for a clash or a passing fault of the store; one for a fault of the change itself.
fn most_tries(error: &DeltaTableError) -> u32 {
    use deltalake::kernel::transaction::TransactionError;
    match error {
        DeltaTableError::Transaction { source: TransactionError::UnsupportedTableFeatures(_) } => 1,
        DeltaTableError::Transaction { source: TransactionError::ObjectStore { .. } } => MAX_STORE_TRIES,
        DeltaTableError::Transaction { .. } | DeltaTableError::VersionAlreadyExists(_) => MAX_TRIES,
        DeltaTableError::ObjectStore { .. } => MAX_STORE_TRIES,
        DeltaTableError::GenericError { source } if source.to_string().contains("already exists") => MAX_TRIES,
        _ => 1,
    }
}
