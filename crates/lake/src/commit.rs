//! Making written files visible: one Delta commit, at most once.
//!
//! Delta refuses two writers that clash, not a writer that repeats itself: so an application transaction is read back before
//! the commit. And a commit whose answer was lost may have landed: so after a failure the log is read for our own commit before
//! another try.

use std::{collections::HashMap, pin::pin, time::Duration};

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
use serde_json::{Value, json};

use crate::{CommitNote, DataFiles, Lake, LakeError, WriteLayout, compact::Compaction, log, restore, store::qualified};

/// How often a commit is tried when other writers get in between. Of eight that never pause, one in five loses twelve tries in a
/// row; of a million, one loses a hundred.
const MAX_TRIES: u32 = 100;
/// How often when the store fails, which has itself tried again for a while.
const MAX_STORE_TRIES: u32 = 3;
/// Where a commit says which of ours it is.
const COMMIT_ID_KEY: &str = "lakehouseCommit";
/// The application whose version is that of the last restore: what was committed before it may be committed again.
const RESTORE_APP_ID: &str = "lakehouse.restore";

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

/// What is to be committed; planned against the newest version at every try.
pub(crate) enum Wanted<'a> {
    /// New rows.
    Change(&'a Change),
    /// The same rows in other files.
    Compaction(&'a mut Compaction),
    /// The rows of this earlier version.
    Restore(u64),
}

/// A commit's tries, together.
struct Tries {
    commit_id: String,
    /// The first version that may be an earlier try of this commit.
    first: Option<u64>,
}

impl Lake {
    /// Commits a change, trying again with jitter while other writers get in between.
    pub async fn commit(&self, domain: &DomainName, name: &TableName, change: &Change) -> Result<Committed, LakeError> {
        self.land(domain, name, Wanted::Change(change)).await
    }

    pub(crate) async fn land(
        &self,
        domain: &DomainName,
        name: &TableName,
        mut wanted: Wanted<'_>,
    ) -> Result<Committed, LakeError> {
        let mut all = Tries { commit_id: format!("{:032x}", rand::rng().random::<u128>()), first: None };
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_to_land(domain, name, &mut wanted, &mut all).await {
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

    async fn try_to_land(
        &self,
        domain: &DomainName,
        name: &TableName,
        wanted: &mut Wanted<'_>,
        all: &mut Tries,
    ) -> Result<Committed, DeltaTableError> {
        let mut table = self.unloaded(domain, name).map_err(|error| DeltaTableError::Generic(error.to_string()))?;
        let exists = table.verify_deltatable_existence().await?;
        if exists {
            table.load().await?;
        }
        let next = table.version().map_or(0, |version| version + 1);
        let first = *all.first.get_or_insert(next);
        if let Some(landed) = landed_before(&table, first, next, &all.commit_id).await? {
            return Ok(Committed::Version(landed));
        }
        let metadata = HashMap::from([(COMMIT_ID_KEY.to_owned(), json!(all.commit_id))]);
        match wanted {
            Wanted::Change(change) if !exists => create(table, change, change_properties(change, metadata, next)).await,
            Wanted::Change(change) => write(&table, change, change_properties(change, metadata, next)).await,
            Wanted::Compaction(compaction) => compaction.commit(&table, metadata).await,
            Wanted::Restore(version) => {
                let transaction = Transaction::new(RESTORE_APP_ID, app_version(next));
                restore::commit(&table, *version, metadata, transaction).await
            }
        }
    }
}

/// What every commit of ours has in common. Expired logs are left to the care of tables, which knows what must stay. One try: a
/// clash means that the plan is stale, or that an earlier try has landed, which whoever called finds out; the library's own next
/// try would commit the rows of a new table a second time.
pub(crate) fn properties(metadata: HashMap<String, Value>) -> CommitProperties {
    CommitProperties::default().with_metadata(metadata).with_cleanup_expired_logs(Some(false)).with_max_retries(0)
}

fn change_properties(change: &Change, mut metadata: HashMap<String, Value>, next: u64) -> CommitProperties {
    metadata.insert(CommitNote::KEY.to_owned(), json!(change.note));
    let properties = properties(metadata);
    match &change.batch {
        Some(batch) => properties.with_application_transaction(Transaction::new(batch_app_id(batch), app_version(next))),
        None => properties,
    }
}

fn batch_app_id(batch: &str) -> String {
    format!("lakehouse.batch.{batch}")
}

fn app_version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// Was `batch` committed to the table, and has no restore taken it away since? Tables of older releases have 1 for the version of
/// every batch: as long as nothing was restored, any number will do.
async fn has_batch(table: &DeltaTable, batch: &str) -> Result<bool, DeltaTableError> {
    let (state, log_store) = (table.snapshot()?.snapshot(), table.log_store());
    let Some(committed) = state.transaction_version(log_store.as_ref(), batch_app_id(batch)).await? else { return Ok(false) };
    let restored = state.transaction_version(log_store.as_ref(), RESTORE_APP_ID).await?;
    Ok(restored.is_none_or(|restored| committed > restored))
}

/// Did an earlier try of this very commit land, although its answer was lost?
async fn landed_before(table: &DeltaTable, first: u64, next: u64, commit_id: &str) -> Result<Option<u64>, DeltaTableError> {
    if first == next {
        return Ok(None);
    }
    let mut commits = pin!(log::commits(&table.log_store(), next - 1, first));
    while let Some(commit) = commits.try_next().await? {
        if commit.value(COMMIT_ID_KEY).and_then(Value::as_str) == Some(commit_id) {
            return Ok(Some(commit.version));
        }
    }
    Ok(None)
}

async fn write(table: &DeltaTable, change: &Change, properties: CommitProperties) -> Result<Committed, DeltaTableError> {
    if let Some(batch) = &change.batch
        && has_batch(table, batch).await?
    {
        return Ok(Committed::Already(table.version().unwrap_or_default()));
    }
    let mode = if change.mode == ChangeMode::Append { SaveMode::Append } else { SaveMode::Overwrite };
    let predicate = match &change.mode {
        ChangeMode::ReplacePartition { column, value } => Some(format!("{column} = {value}")),
        _ => None,
    };
    let partition_by = (!change.layout.partition_columns.is_empty()).then(|| change.layout.partition_columns.clone());
    let operation = DeltaOperation::Write { mode, partition_by, predicate };
    finalize(table, actions(table, change).await?, operation, properties).await
}

pub(crate) async fn finalize(
    table: &DeltaTable,
    actions: Vec<Action>,
    operation: DeltaOperation,
    properties: CommitProperties,
) -> Result<Committed, DeltaTableError> {
    let builder = CommitBuilder::from(properties).with_actions(actions);
    let finalized = builder.build(Some(table.snapshot()?), table.log_store(), operation).await?;
    Ok(Committed::Version(finalized.version()))
}

async fn create(table: DeltaTable, change: &Change, properties: CommitProperties) -> Result<Committed, DeltaTableError> {
    let adds = change.files.adds.iter().cloned().map(Action::Add);
    let created = CreateBuilder::new()
        .with_log_store(table.log_store())
        .with_columns(kernel_schema(change)?.fields().cloned())
        .with_partition_columns(change.layout.partition_columns.clone())
        .with_save_mode(SaveMode::ErrorIfExists)
        .with_commit_properties(properties)
        .with_actions(adds)
        .await?;
    Ok(Committed::Version(created.version().unwrap_or_default()))
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
        DeltaTableError::Transaction {
            source: TransactionError::UnsupportedTableFeatures(_) | TransactionError::DeltaTableAppendOnly,
        } => 1,
        DeltaTableError::Transaction { source: TransactionError::ObjectStore { .. } } => MAX_STORE_TRIES,
        DeltaTableError::Transaction { .. } | DeltaTableError::VersionAlreadyExists(_) => MAX_TRIES,
        DeltaTableError::ObjectStore { .. } => MAX_STORE_TRIES,
        DeltaTableError::GenericError { source } if source.to_string().contains("already exists") => MAX_TRIES,
        _ => 1,
    }
}
