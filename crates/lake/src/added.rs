//! Which rows a table got since a version: told from its log, so that a compaction in between changes nothing.

use std::{
    collections::{HashMap, HashSet},
    pin::pin,
};

use deltalake::kernel::Add;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use object_store::{ObjectStoreExt as _, path::Path};
use serde::Deserialize;

use crate::{DataFile, Lake, LakeError, LakeTable, log, store::qualified, table::root_of};

/// Files looked for at the same time.
const LOOKS_AT_ONCE: usize = 16;

impl Lake {
    /// The table with only the files that came after version `since`, even if a compaction has put their rows elsewhere meanwhile.
    /// `None` when rows went, or when the log or the files do not tell any more.
    pub async fn added_since(&self, now: &LakeTable, since: u64) -> Result<Option<LakeTable>, LakeError> {
        let failed = |source| LakeError::Log { table: qualified(&now.domain, &now.name), source: Box::new(source) };
        let table = self.unloaded(&now.domain, &now.name)?;
        let root = root_of(&table)?;
        let mut missing = now.version.saturating_sub(since);
        let mut added: HashMap<Path, DataFile> = HashMap::new();
        let mut commits = pin!(log::commits(&table.log_store(), now.version, since + 1));
        while let Some(commit) = commits.try_next().await.map_err(failed)? {
            if commit.removes().any(|remove| remove.data_change) {
                return Ok(None);
            }
            let files = commit.adds().filter(|add| add.data_change).map(|add| data_file(&root, add));
            added.extend(files.map(|file| (file.path.clone(), file)));
            missing -= 1;
        }
        if since > now.version || missing > 0 {
            return Ok(None);
        }
        let present: HashSet<&Path> = now.files.iter().map(|file| &file.path).collect();
        let moved: Vec<Path> = added.keys().filter(|path| !present.contains(path)).cloned().collect();
        if !self.are_there(moved).await? {
            return Ok(None);
        }
        let mut files: Vec<DataFile> = added.into_values().collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Some(LakeTable { files: files.into(), ..now.clone() }))
    }

    /// Is there no commit after this version? One look at the store.
    pub async fn is_current(&self, table: &LakeTable) -> Result<bool, LakeError> {
        let (domain, name) = (&table.domain, &table.name);
        let next = format!("{}/{domain}/{}/_delta_log/{:020}.json", name.schema.as_str(), name.table, table.version + 1);
        let path = Path::from_url_path(self.location.join(&next)?.path());
        let path = path.map_err(|source| LakeError::Store { path: next, source: source.into() })?;
        Ok(!self.are_there(vec![path]).await?)
    }

    /// Is every one of these files in the store?
    pub(crate) async fn are_there(&self, paths: Vec<Path>) -> Result<bool, LakeError> {
        let looks = stream::iter(paths).map(|path| async move {
            match self.store.head(&path).await {
                Ok(_) => Ok(true),
                Err(object_store::Error::NotFound { .. }) => Ok(false),
                Err(source) => Err(LakeError::Store { path: path.to_string(), source }),
            }
        });
        looks.buffer_unordered(LOOKS_AT_ONCE).try_all(std::future::ready).await
    }
}

/// The statistics of a file that matter here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    num_records: Option<u64>,
}

fn data_file(root: &Path, add: &Add) -> DataFile {
    let counted: Option<Counted> = add.stats.as_deref().and_then(|stats| serde_json::from_str(stats).ok());
    DataFile {
        path: log::data_path(root, &add.path),
        size: u64::try_from(add.size).unwrap_or_default(),
        rows: counted.and_then(|counted| counted.num_records),
        modified_ms: add.modification_time,
        partition: add.partition_values.clone(),
    }
}
