//! The folder: the only place where names become paths.

use std::{
    fs::{self, File, Metadata},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::{NamedTempFile, TempPath};
use tokio::{sync::Mutex, task::spawn_blocking};

use crate::FileName;

/// Files under way start like this: hidden, so that no name can be theirs.
pub(crate) const UNFINISHED: &str = ".unfinished-";
/// What a killed process left behind is removed at a start after this time; another process may share the folder.
const LEFTOVER_AGE: Duration = Duration::from_hours(24);

/// A failure of the disk.
#[derive(Debug, thiserror::Error)]
#[error("failed to {act} `{path}`")]
pub struct FolderError {
    act: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl FolderError {
    pub(crate) fn new(act: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self { act, path: path.into(), source }
    }

    /// Whether there is no room left.
    pub fn is_full(&self) -> bool {
        matches!(self.source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
    }
}

/// A flat folder of files.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// Held while a file gets its name, so that of two new files of one name exactly one is the first.
    naming: Mutex<()>,
}

/// An open file and what it was when it was opened.
pub struct OpenFile {
    pub file: File,
    pub metadata: Metadata,
}

/// Whether a name was free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    Created,
    Replaced,
    /// A folder has the name; nothing was done.
    Taken,
}

impl Folder {
    /// The folder at `path`, rid of what killed uploads left there.
    pub async fn open(path: &Path) -> Result<Self, FolderError> {
        let path = path.to_owned();
        blocking(move || {
            let failed = |source| FolderError::new("open", &path, source);
            let root = path.canonicalize().map_err(failed)?;
            fs::read_dir(&root).map_err(failed)?.filter_map(Result::ok).for_each(|entry| remove_leftover(&entry));
            Ok(Self { root, naming: Mutex::new(()) })
        })
        .await
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Fails when the folder is gone.
    pub(crate) async fn check(&self) -> Result<(), FolderError> {
        let opened = tokio::fs::read_dir(&self.root).await;
        opened.map(drop).map_err(|source| FolderError::new("open", &self.root, source))
    }

    /// The names of the files, sorted.
    pub(crate) async fn names(&self) -> Result<Vec<String>, FolderError> {
        let root = self.root.clone();
        blocking(move || {
            let failed = |source| FolderError::new("list", &root, source);
            let mut names = Vec::new();
            for entry in fs::read_dir(&root).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let Some(name) = entry.file_name().to_str().and_then(|name| FileName::try_from(name.to_owned()).ok()) else {
                    continue;
                };
                let kind = entry.file_type().map_err(failed)?;
                if kind.is_file() || (kind.is_symlink() && resolve(&root, &name).map_err(failed)?.is_some()) {
                    names.push(name.to_string());
                }
            }
            names.sort_unstable();
            Ok(names)
        })
        .await
    }

    /// Opens a file; `None` when there is none of that name.
    pub(crate) async fn file(&self, name: &FileName) -> Result<Option<OpenFile>, FolderError> {
        let (root, name) = (self.root.clone(), name.clone());
        blocking(move || {
            let open = || -> io::Result<Option<OpenFile>> {
                let Some(path) = resolve(&root, &name)? else { return Ok(None) };
                let file = File::open(path)?;
                let metadata = file.metadata()?;
                Ok(Some(OpenFile { file, metadata }))
            };
            match open() {
                // Removed between two looks.
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                opened => opened.map_err(|source| FolderError::new("open", root.join(name.as_str()), source)),
            }
        })
        .await
    }

    /// A new file without a name; it is removed when its path is dropped.
    pub(crate) async fn unfinished(&self) -> Result<(File, TempPath), FolderError> {
        let root = self.root.clone();
        blocking(move || {
            let file = unfinished_in(&root).map_err(|source| FolderError::new("create a file in", &root, source))?;
            Ok(file.into_parts())
        })
        .await
    }

    /// Gives a file its name, at once and for good: whoever reads sees the whole old file or the whole new one.
    pub(crate) async fn name(&self, file: File, path: TempPath, name: &FileName) -> Result<Named, FolderError> {
        let target = self.root.join(name.as_str());
        let root = self.root.clone();
        let failed = |act, target: &Path| {
            let target = target.to_owned();
            move |source| FolderError::new(act, target, source)
        };
        // Before the lock: a long file takes long to reach the disk.
        let written = failed("write", &target);
        blocking(move || file.sync_all().map_err(written)).await?;
        let _naming = self.naming.lock().await;
        blocking(move || {
            let named = match fs::symlink_metadata(&target) {
                Ok(found) if found.is_dir() => return Ok(Named::Taken),
                Ok(_) => Named::Replaced,
                Err(_) => Named::Created,
            };
            path.persist(&target).map_err(|error| error.error).map_err(failed("name", &target))?;
            // The name is part of the folder, which has to reach the disk as well.
            File::open(&root).and_then(|folder| folder.sync_all()).map_err(failed("write", &root))?;
            Ok(named)
        })
        .await
    }
}

/// The path of a file that is in the folder itself: a link that leads out of it, or to a device, is no file.
fn resolve(root: &Path, name: &FileName) -> io::Result<Option<PathBuf>> {
    let named = root.join(name.as_str());
    let path = match named.canonicalize() {
        Ok(path) => path,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        // It leads in a circle, or through something that is no folder.
        Err(_) if fs::symlink_metadata(&named)?.is_symlink() => return Ok(None),
        Err(error) => return Err(error),
    };
    let is_file = path.parent() == Some(root) && fs::symlink_metadata(&path)?.is_file();
    Ok(is_file.then_some(path))
}

/// A new hidden file beside the finished ones, so that naming it is one step.
pub(crate) fn unfinished_in(folder: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    let for_all_to_read = fs::Permissions::from_mode(0o644);
    tempfile::Builder::new().prefix(UNFINISHED).permissions(for_all_to_read).tempfile_in(folder)
}

fn remove_leftover(entry: &fs::DirEntry) {
    let age = entry.metadata().and_then(|metadata| metadata.modified()).ok().and_then(|modified| modified.elapsed().ok());
    let is_leftover = entry.file_name().to_string_lossy().starts_with(UNFINISHED) && age > Some(LEFTOVER_AGE);
    if is_leftover && fs::remove_file(entry.path()).is_ok() {
        tracing::info!(path = %entry.path().display(), "removed what an interrupted upload left behind");
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, FolderError> + Send + 'static) -> Result<T, FolderError> {
    let stopped = |error| Err(FolderError::new("finish work on", "the folder", io::Error::other(error)));
    spawn_blocking(work).await.unwrap_or_else(stopped)
}
