//! The disk as an object store whose writes are on the platter when they are answered, so that a power cut takes nothing back.

use std::{
    fmt,
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    ops::Range,
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, local::LocalFileSystem, path::Path,
};
use tokio::task::spawn_blocking;

mod upload;

use upload::DurableUpload;

const NAME: &str = "DurableFileSystem";

/// [`LocalFileSystem`], with every write forced to the disk, and the folder that names it as well.
#[derive(Debug)]
pub(crate) struct DurableFileSystem(Arc<LocalFileSystem>);

impl DurableFileSystem {
    pub(crate) fn new() -> Self {
        Self(Arc::new(LocalFileSystem::new()))
    }

    async fn persist(&self, location: &Path) -> Result<()> {
        let path = self.0.path_to_filesystem(location)?;
        blocking(move || persist(&path).map_err(|error| failed(&path, error))).await
    }
}

impl fmt::Display for DurableFileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)
    }
}

#[async_trait]
impl ObjectStore for DurableFileSystem {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if matches!(options.mode, PutMode::Update(_)) || !options.attributes.is_empty() {
            // Answers that it knows neither.
            return self.0.put_opts(location, payload, options).await;
        }
        let path = self.0.path_to_filesystem(location)?;
        blocking(move || put(&path, &payload, &options.mode)).await
    }

    async fn put_multipart_opts(&self, location: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        if !options.attributes.is_empty() {
            // Answers that it does not know them.
            return self.0.put_multipart_opts(location, options).await;
        }
        let path = self.0.path_to_filesystem(location)?;
        Ok(Box::new(blocking(move || DurableUpload::begin(&path).map_err(|error| failed(&path, error))).await?))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.0.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await?;
        self.persist(to).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.0.rename_opts(from, to, options).await?;
        self.persist(to).await
    }
}

/// Writes the whole object beside its place, forces it to the disk, and only then gives it its name: nobody ever sees a part of it.
fn put(path: &FilePath, payload: &PutPayload, mode: &PutMode) -> Result<PutResult> {
    let written = write(path, payload, mode);
    written.map(|()| PutResult { e_tag: None, version: None }).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Error::AlreadyExists { path: path.display().to_string(), source: error.into() },
        _ => failed(path, error),
    })
}

fn write(path: &FilePath, payload: &PutPayload, mode: &PutMode) -> io::Result<()> {
    let folder = Folder::of(path)?;
    let staged = staged(path);
    let outcome = (|| {
        let mut file = File::create_new(&staged)?;
        payload.iter().try_for_each(|bytes| file.write_all(bytes))?;
        file.sync_all()?;
        match mode {
            PutMode::Create => fs::hard_link(&staged, path),
            _ => fs::rename(&staged, path),
        }
    })();
    // What was renamed is not there any more, and what is left is nobody's: there is nothing to tell.
    let _ = fs::remove_file(&staged);
    outcome?;
    folder.sync()
}

/// Where an object is written before it has its name. A name that ends in `#` and digits is no object's: listings leave it out.
fn staged(path: &FilePath) -> PathBuf {
    PathBuf::from(format!("{}#{}", path.display(), rand::random::<u64>()))
}

/// The folder of an object that is being made.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    is_new: bool,
}

impl Folder {
    /// Makes it if need be.
    fn of(object: &FilePath) -> io::Result<Self> {
        let path = object.parent().unwrap_or(object).to_owned();
        let is_new = !path.is_dir();
        fs::create_dir_all(&path)?;
        Ok(Self { path, is_new })
    }

    fn sync(&self) -> io::Result<()> {
        sync_folders(&self.path, self.is_new)
    }
}

/// Forces a file that has its name already, and the folder that names it, to the disk.
fn persist(path: &FilePath) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    sync_folders(path.parent().unwrap_or(path), true)
}

/// A new folder is an entry of the one above, which may be new as well.
fn sync_folders(folder: &FilePath, with_those_above: bool) -> io::Result<()> {
    let depth = if with_those_above { 4 } else { 1 };
    folder.ancestors().take(depth).try_for_each(|folder| File::open(folder)?.sync_all())
}

fn failed(path: &FilePath, error: io::Error) -> Error {
    Error::Generic { store: NAME, source: Box::new(io::Error::new(error.kind(), format!("{}: {error}", path.display()))) }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(Error::JoinError { source: error }))
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt as _, future::join_all};
    use object_store::{ObjectStoreExt as _, PutMode};

    use super::*;

    fn place() -> (tempfile::TempDir, DurableFileSystem, Path) {
        let folder = tempfile::tempdir().unwrap();
        let root = Path::from_absolute_path(folder.path()).unwrap();
        (folder, DurableFileSystem::new(), root)
    }

    #[tokio::test]
    async fn of_many_who_create_an_object_one_wins_and_its_bytes_are_there() {
        let (_folder, store, root) = place();
        let path = root.clone().join("new").join("folders").join("objects");
        for round in 0..20 {
            let path = path.clone().join(round.to_string());
            let attempts = (0..16_u8).map(|writer| store.put_opts(&path, vec![writer; 100].into(), PutMode::Create.into()));
            let outcomes = join_all(attempts).await;
            let winners: Vec<usize> = (0..16).filter(|writer| outcomes[*writer].is_ok()).collect();
            assert_eq!(winners.len(), 1);
            let others = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
            assert!(others.clone().all(|error| matches!(error, Error::AlreadyExists { .. })), "{:?}", others.collect::<Vec<_>>());
            let bytes = store.get(&path).await.unwrap().bytes().await.unwrap();
            assert_eq!(bytes, vec![u8::try_from(winners[0]).unwrap(); 100]);
        }
        assert_eq!(store.list(Some(&root)).count().await, 20);
    }

    #[tokio::test]
    async fn an_object_is_replaced_copied_and_put_in_parts() {
        let (folder, store, root) = place();
        let (one, two) = (root.clone().join("one"), root.clone().join("sub/two"));
        store.put(&one, "old".into()).await.unwrap();
        store.put(&one, "new".into()).await.unwrap();
        store.copy(&one, &two).await.unwrap();
        assert_eq!(store.get(&two).await.unwrap().bytes().await.unwrap(), "new");
        let mut upload = store.put_multipart(&one).await.unwrap();
        upload.put_part("a".into()).await.unwrap();
        upload.put_part("b".into()).await.unwrap();
        upload.complete().await.unwrap();
        assert_eq!(store.get(&one).await.unwrap().bytes().await.unwrap(), "ab");
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 2, "nothing is left beside the object and the folder");
    }
}
