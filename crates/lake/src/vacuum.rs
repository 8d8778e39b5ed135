//! Removing files that nobody needs any more.

use std::{
    collections::HashSet,
    path::PathBuf,
    pin::pin,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use lakehouse_spec::{DomainName, TableName};
use object_store::path::Path;

use crate::{Lake, LakeError, log, store::qualified, table::root_of};

/// A file that no version within the retention refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadFile {
    place: Place,
    /// Its place in the table's folder.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// An object of the store.
    Object(Path),
    /// A file that the store on disk had not given its name yet when its writer was killed; a listing does not show it.
    Unfinished(PathBuf),
}

impl Lake {
    /// The files in the table's folder that are older than `retention` and that no version of that time refers to: those that were
    /// replaced, and those that a killed writer left. What is younger may belong to a write that is under way.
    pub async fn dead_files(
        &self,
        domain: &DomainName,
        name: &TableName,
        retention: Duration,
    ) -> Result<Vec<DeadFile>, LakeError> {
        let oldest = SystemTime::now().checked_sub(retention).unwrap_or(UNIX_EPOCH);
        let root = root_of(&self.unloaded(domain, name)?)?;
        // Listed before the log is read: what is committed meanwhile is found in the log.
        let old = self.old_objects(&root, oldest).await?;
        let needed = self.needed_files(domain, name, &root, oldest).await?;
        let mut dead = self.unfinished_files(&root, oldest);
        dead.extend(old.into_iter().filter(|file| !matches!(&file.place, Place::Object(path) if needed.contains(path))));
        dead.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(dead)
    }

    /// Removes files that [`Self::dead_files`] found.
    pub async fn remove_dead(&self, files: Vec<DeadFile>) -> Result<(), LakeError> {
        let mut objects = Vec::new();
        for DeadFile { place, name, .. } in files {
            match place {
                Place::Object(path) => objects.push(Ok(path)),
                Place::Unfinished(path) => {
                    let failed = |error| tracing::warn!(file = name, %error, "an unfinished file could not be removed");
                    std::fs::remove_file(path).unwrap_or_else(failed);
                }
            }
        }
        let mut removed = self.store.delete_stream(stream::iter(objects).boxed());
        while let Some(outcome) = removed.next().await {
            match outcome {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(LakeError::Store { path: "files that nobody needs".to_owned(), source }),
            }
        }
        Ok(())
    }

    async fn old_objects(&self, root: &Path, oldest: SystemTime) -> Result<Vec<DeadFile>, LakeError> {
        let failed = |source| LakeError::Store { path: root.to_string(), source };
        let mut objects = self.store.list(Some(root));
        let mut old = Vec::new();
        while let Some(object) = objects.try_next().await.map_err(failed)? {
            let Some(parts) = object.location.prefix_match(root) else { continue };
            let name = parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/");
            // As every Delta program has it: what is hidden is not data, but for partitions whose column starts like that.
            let top = name.split('/').next().unwrap_or_default();
            let is_hidden = top.starts_with('.') || (top.starts_with('_') && !top.contains('='));
            if !is_hidden && name.ends_with(".parquet") && SystemTime::from(object.last_modified) < oldest {
                old.push(DeadFile { place: Place::Object(object.location), name, size: object.size });
            }
        }
        Ok(old)
    }

    /// The files of the present version and of all that were current since `oldest`: what a version had is there now, or was
    /// removed by a commit after it.
    async fn needed_files(
        &self,
        domain: &DomainName,
        name: &TableName,
        root: &Path,
        oldest: SystemTime,
    ) -> Result<HashSet<Path>, LakeError> {
        let failed = |source| LakeError::Log { table: qualified(domain, name), source: Box::new(source) };
        let Some(table) = self.load(domain, name).await? else { return Ok(HashSet::new()) };
        let log_store = table.log_store();
        let snapshot = table.snapshot().map_err(failed)?.snapshot();
        let views: Vec<_> = snapshot.file_views(log_store.as_ref(), None).try_collect().await.map_err(failed)?;
        let mut needed: HashSet<Path> = views.iter().map(|view| log::data_path(root, &view.path())).collect();
        let oldest_ms = oldest.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        let mut commits = pin!(log::commits(&log_store, table.version().unwrap_or_default(), 0));
        while let Some(commit) = commits.try_next().await.map_err(failed)? {
            if commit.timestamp_ms().is_some_and(|made| made < oldest_ms) {
                break;
            }
            needed.extend(commit.removes().map(|remove| log::data_path(root, &remove.path)));
        }
        Ok(needed)
    }

    fn unfinished_files(&self, root: &Path, oldest: SystemTime) -> Vec<DeadFile> {
        if self.location.folder().is_none() {
            return Vec::new();
        }
        let top = PathBuf::from(format!("/{root}"));
        let (mut found, mut folders) = (Vec::new(), vec![top.clone()]);
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                let (path, Ok(metadata)) = (entry.path(), entry.metadata()) else { continue };
                if metadata.is_dir() {
                    folders.push(path);
                } else if is_unfinished(&path) && metadata.modified().is_ok_and(|modified| modified < oldest) {
                    let name = path.strip_prefix(&top).unwrap_or(&path).display().to_string();
                    found.push(DeadFile { place: Place::Unfinished(path), name, size: metadata.len() });
                }
            }
        }
        found
    }
}

/// A name that the store on disk gives a file while it is written: `name#1`.
fn is_unfinished(path: &std::path::Path) -> bool {
    let number = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.rsplit_once('#'));
    number.is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}
