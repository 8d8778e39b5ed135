//! Fewer, larger files with the same rows.

use std::collections::{BTreeMap, HashMap, HashSet};

use deltalake::{
    DeltaTable, DeltaTableError,
    kernel::{Action, Add},
    protocol::DeltaOperation,
};
use futures::TryStreamExt as _;
use lakehouse_spec::{DomainName, TableName};
use object_store::{ObjectStoreExt as _, path::Path};
use serde_json::{Value, json};

use crate::{
    CommitNote, Committed, DataFile, DataFiles, Lake, LakeError, LakeTable, TableWriter, WriteLayout,
    commit::{Wanted, finalize, properties},
    log::{self, DATA_VERSION_KEY},
    store::qualified,
    table::root_of,
};

/// Bytes rewritten before they are committed: what a killed compaction has to do again at most.
const COMMIT_BYTES: u64 = 1 << 30;

/// Which files of a table become one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CompactionPlan {
    /// Files to be put together, oldest first; at least two in each group, all of one partition.
    pub groups: Vec<Vec<DataFile>>,
    /// Small files that stay, because their partition has no other small one they would fit with.
    pub alone: usize,
}

impl CompactionPlan {
    /// Puts the small files of each partition together, in the order they were written in, up to `target_bytes`. A file is small
    /// below half of that, so that a file that was put together is not rewritten for every small one that follows.
    pub fn new(table: &LakeTable, target_bytes: u64) -> Self {
        let mut partitions: BTreeMap<Vec<Option<&str>>, Vec<&DataFile>> = BTreeMap::new();
        for file in table.files.iter().filter(|file| file.size < target_bytes / 2) {
            let value = |column| file.partition.get(column).and_then(Option::as_deref);
            partitions.entry(table.partition_columns.iter().map(value).collect()).or_default().push(file);
        }
        let mut plan = Self::default();
        for files in partitions.values_mut() {
            files.sort_by(|a, b| (a.modified_ms, &a.path).cmp(&(b.modified_ms, &b.path)));
            let (mut group, mut bytes) = (Vec::new(), 0);
            for file in files {
                if bytes + file.size > target_bytes {
                    plan.close(std::mem::take(&mut group));
                    bytes = 0;
                }
                bytes += file.size;
                group.push(file.clone());
            }
            plan.close(group);
        }
        plan
    }

    /// How many files go.
    pub fn files(&self) -> usize {
        self.groups.iter().map(Vec::len).sum()
    }

    /// Their bytes.
    pub fn bytes(&self) -> u64 {
        self.groups.iter().flatten().map(|file| file.size).sum()
    }

    fn close(&mut self, group: Vec<DataFile>) {
        match group.len() {
            0 => {}
            1 => self.alone += 1,
            _ => self.groups.push(group),
        }
    }
}

/// What a compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Files that went.
    pub removed: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files that came.
    pub added: usize,
    /// Files that another writer replaced meanwhile: its rows stand, and the work on these was for nothing.
    pub overtaken: usize,
}

/// A group of files that has been written anew.
struct Rewritten {
    old: HashSet<Path>,
    old_bytes: u64,
    new: DataFiles,
}

/// What a compaction wants to commit: the groups whose files are all still there.
#[derive(Default)]
pub(crate) struct Compaction {
    groups: Vec<Rewritten>,
    overtaken: Vec<Rewritten>,
    target_bytes: u64,
}

impl Lake {
    /// Rewrites the groups of a plan. Other writers are neither kept waiting nor undone: a group whose files one of them replaced
    /// is left as that writer wants it.
    pub async fn compact(&self, table: &LakeTable, plan: &CompactionPlan, target_bytes: u64) -> Result<Compacted, LakeError> {
        let mut done = Compacted::default();
        let mut waiting = Compaction { target_bytes, ..Compaction::default() };
        for group in &plan.groups {
            waiting.groups.push(self.rewrite(table, group, target_bytes).await?);
            if waiting.groups.iter().map(|group| group.old_bytes).sum::<u64>() >= COMMIT_BYTES {
                self.commit_groups(table, &mut waiting, &mut done).await?;
            }
        }
        self.commit_groups(table, &mut waiting, &mut done).await?;
        Ok(done)
    }

    /// One reader and one writer, so that rows keep their order and memory holds one file's worth.
    async fn rewrite(&self, table: &LakeTable, group: &[DataFile], target_bytes: u64) -> Result<Rewritten, LakeError> {
        let one_reader = Self { threads: 1, ..self.clone() };
        let session = one_reader.session(&table.domain);
        session.register(LakeTable { files: group.into(), ..table.clone() })?;
        let mut rows = session.query(&format!("select * from {}", quoted(&table.name))).await?;
        let layout = WriteLayout { schema: table.schema.clone(), partition_columns: table.partition_columns.clone() };
        // Twice the target: what a group makes is never cut in two.
        let mut writer = TableWriter::new(self, &table.domain, &table.name, &layout, Some(target_bytes.saturating_mul(2)))?;
        loop {
            let written = match rows.try_next().await {
                Ok(None) => break,
                Ok(Some(batch)) => match batch.with_schema(table.schema.clone()) {
                    Ok(batch) => writer.write(&batch).await,
                    Err(error) => Err(LakeError::execute(error.into())),
                },
                Err(error) => Err(error),
            };
            if let Err(error) = written {
                writer.abandon().await;
                return Err(error);
            }
        }
        let new = writer.finish().await?;
        let expected = group.iter().map(|file| file.rows).sum::<Option<u64>>();
        if expected.is_some_and(|expected| expected != new.rows) {
            let (expected, read) = (expected.unwrap_or_default(), new.rows);
            return Err(LakeError::RowCount { table: qualified(&table.domain, &table.name), expected, read });
        }
        let old = group.iter().map(|file| file.path.clone()).collect();
        Ok(Rewritten { old, old_bytes: group.iter().map(|file| file.size).sum(), new })
    }

    async fn commit_groups(&self, table: &LakeTable, waiting: &mut Compaction, done: &mut Compacted) -> Result<(), LakeError> {
        if waiting.groups.is_empty() {
            return Ok(());
        }
        self.land(&table.domain, &table.name, Wanted::Compaction(waiting)).await?;
        for group in waiting.groups.drain(..) {
            done.removed += group.old.len();
            done.bytes += group.old_bytes;
            done.added += group.new.adds.len();
        }
        for group in waiting.overtaken.drain(..) {
            done.overtaken += group.old.len();
            self.discard(&table.domain, &table.name, &group.new).await;
        }
        Ok(())
    }

    /// Removes files that no version will contain.
    async fn discard(&self, domain: &DomainName, name: &TableName, files: &DataFiles) {
        let root = self.unloaded(domain, name).and_then(|table| root_of(&table));
        let Ok(root) = root else { return };
        for add in &files.adds {
            let path = log::data_path(&root, &add.path);
            if let Err(error) = self.store.delete(&path).await {
                tracing::warn!(%path, %error, "a file that is not needed stays until a vacuum removes it");
            }
        }
    }
}

impl Compaction {
    /// One try: adds and removes without a change of data, and with the note of whoever wrote last.
    pub(crate) async fn commit(
        &mut self,
        table: &DeltaTable,
        mut metadata: HashMap<String, Value>,
    ) -> Result<Committed, DeltaTableError> {
        let state = table.snapshot()?;
        let root = root_of(table).map_err(|error| DeltaTableError::Generic(error.to_string()))?;
        let views: Vec<_> = state.snapshot().file_views(table.log_store().as_ref(), None).try_collect().await?;
        let present: HashMap<Path, _> = views.iter().map(|view| (log::data_path(&root, &view.path()), view)).collect();
        let is_there = |group: &Rewritten| group.old.iter().all(|path| present.contains_key(path));
        self.overtaken.extend(self.groups.extract_if(.., |group| !is_there(group)));
        if self.groups.is_empty() {
            return Ok(Committed::Already(state.version()));
        }
        let mut actions = Vec::new();
        for group in &self.groups {
            let adds = group.new.adds.iter().map(|add| Action::Add(Add { data_change: false, ..add.clone() }));
            actions.extend(adds);
            for view in group.old.iter().filter_map(|path| present.get(path)) {
                if view.deletion_vector_descriptor().is_some() {
                    return Err(DeltaTableError::Generic(
                        "the table has deletion vectors, which only their writer can compact".into(),
                    ));
                }
                actions.push(Action::Remove(view.remove_action(false)));
            }
        }
        let tail = log::tail(&table.log_store(), state.version()).await?;
        metadata.insert(DATA_VERSION_KEY.to_owned(), json!(tail.data_version));
        if let Some(note) = tail.note {
            metadata.insert(CommitNote::KEY.to_owned(), json!(note));
        }
        let target_size = i64::try_from(self.target_bytes).unwrap_or(i64::MAX);
        finalize(table, actions, DeltaOperation::Optimize { predicate: None, target_size }, properties(metadata)).await
    }
}

fn quoted(name: &TableName) -> String {
    format!("\"{}\".\"{}\"", name.schema.as_str(), name.table)
}
