//! One version of one table.

use std::{collections::HashMap, sync::Arc};

use arrow::datatypes::SchemaRef;
use deltalake::DeltaTable;
use futures::TryStreamExt as _;
use lakehouse_spec::{DomainName, TableName};
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use crate::{LakeError, guarded::Guard, log, store::qualified};

/// What a writer wants to remember with a commit: what the rows were made of. Kept in the Delta log itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CommitNote {
    /// The run that wrote.
    pub run: String,
    /// Hash of the definition (SQL, TOML, code version) that made the rows.
    pub definition: String,
    /// Input → version or content hash.
    pub inputs: std::collections::BTreeMap<String, String>,
    /// Counts and whatever else the writer reports: name → number.
    #[serde(default)]
    pub counts: std::collections::BTreeMap<String, u64>,
}

impl CommitNote {
    pub(crate) const KEY: &'static str = "lakehouse";
}

/// A file of a table's version.
#[derive(Debug, Clone, PartialEq)]
pub struct DataFile {
    /// Where it is, from the store's root.
    pub path: Path,
    /// Bytes.
    pub size: u64,
    /// Rows, where the log knows.
    pub rows: Option<u64>,
    /// When it was written, milliseconds since 1970.
    pub modified_ms: i64,
    /// Values of the table's partition columns, as text.
    pub partition: HashMap<String, Option<String>>,
}

/// A pinned version of a table: its schema and exactly the files that belong to it.
#[derive(Debug, Clone)]
pub struct LakeTable {
    /// The domain it belongs to.
    pub domain: DomainName,
    /// Its name.
    pub name: TableName,
    /// Tells it from tables that had its place before or will have it later.
    pub id: String,
    /// The Delta version.
    pub version: u64,
    /// The last version that changed rows or columns; those since then are the same table in other files. Tables made from this
    /// one remember it.
    pub data_version: u64,
    /// Columns; partition columns included, in table order.
    pub schema: SchemaRef,
    /// Columns the files are partitioned by.
    pub partition_columns: Vec<String>,
    /// The files of this version.
    pub files: Arc<[DataFile]>,
    /// What the last writer noted, if one of ours wrote.
    pub note: Option<CommitNote>,
    /// What of it is shown, if not everything; `schema` has the columns as they are shown.
    pub(crate) guard: Option<Arc<Guard>>,
}

impl LakeTable {
    pub(crate) async fn from_delta(domain: &DomainName, name: &TableName, table: &DeltaTable) -> Result<Self, LakeError> {
        let failed = |source| LakeError::Log { table: qualified(domain, name), source: Box::new(source) };
        let state = table.snapshot().map_err(failed)?;
        let snapshot = state.snapshot();
        let root = root_of(table)?;
        let views: Vec<_> = snapshot.file_views(table.log_store().as_ref(), None).try_collect().await.map_err(failed)?;
        let mut files: Vec<DataFile> = views
            .iter()
            .map(|view| DataFile {
                path: log::data_path(&root, &view.path()),
                size: u64::try_from(view.size()).unwrap_or_default(),
                rows: view.num_records().and_then(|rows| u64::try_from(rows).ok()),
                modified_ms: view.modification_time(),
                partition: view.partition_values_map(),
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let tail = log::tail(&table.log_store(), state.version()).await.map_err(failed)?;
        Ok(Self {
            domain: domain.clone(),
            name: name.clone(),
            id: state.metadata().id().to_owned(),
            version: state.version(),
            data_version: tail.data_version,
            schema: snapshot.arrow_schema(),
            partition_columns: state.metadata().partition_columns().to_vec(),
            files: files.into(),
            note: tail.note,
            guard: None,
        })
    }

    /// Rows of this version, where the log knows them for every file, and where all of them are shown.
    pub fn rows(&self) -> Option<u64> {
        if self.guard.as_ref().is_some_and(|guard| guard.hides_rows()) {
            return None;
        }
        self.files.iter().map(|file| file.rows).sum()
    }

    /// Are all of its rows and columns shown, as they are?
    pub fn is_whole(&self) -> bool {
        self.guard.is_none()
    }

    /// Names this version of this table: whatever else has that name has its rows.
    pub fn edition(&self) -> String {
        format!("{}.{}#{}@{}", self.domain, self.name, self.id, self.version)
    }

    /// Bytes of this version's files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// The same version with only the files `keep` wants.
    pub fn restricted(mut self, keep: impl Fn(&DataFile) -> bool) -> Self {
        self.files = self.files.iter().filter(|file| keep(file)).cloned().collect();
        self
    }
}

/// The table's folder in its store.
pub(crate) fn root_of(table: &DeltaTable) -> Result<Path, LakeError> {
    Path::from_url_path(table.table_url().path())
        .map_err(|source| LakeError::Store { path: table.table_url().to_string(), source: source.into() })
}
