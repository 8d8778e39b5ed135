//! A registry in a folder of its own.

use std::{
    fmt, fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, stream::BoxStream};
use jiff::Timestamp;
use lakehouse_registry::{ModelVersion, NewVersion, Registry};
use lakehouse_spec::ModelName;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, Result as StoreResult, local::LocalFileSystem, path::Path,
};
use serde_json::json;
use tempfile::TempDir;

pub struct Shelf {
    pub registry: Registry,
    folder: TempDir,
}

impl Shelf {
    pub fn new() -> Self {
        let folder = TempDir::new().expect("folder");
        let store = LocalFileSystem::new_with_prefix(folder.path()).expect("store");
        Self { registry: Registry::at(Arc::new(store), "root".into()), folder }
    }

    /// The same registry, and how often it asks its store from now on; an object of a listing counts as a request.
    pub fn counting(&self) -> (Registry, Arc<AtomicUsize>) {
        let store = LocalFileSystem::new_with_prefix(self.folder.path()).expect("store");
        let requests = Arc::new(AtomicUsize::new(0));
        let counting = Counting { store, requests: Arc::clone(&requests) };
        (Registry::at(Arc::new(counting), "root".into()), requests)
    }

    /// Registers the `seed`th version of the model `fraud`.
    pub async fn with_version(&self, seed: u32) -> ModelVersion {
        self.registry.register(&fraud(), version(seed)).await.expect("version")
    }

    /// Where the registry keeps `path`.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("root").join(path)
    }

    /// How many files the registry keeps in `folder`.
    pub fn count(&self, folder: &str) -> usize {
        fs::read_dir(self.path(folder)).map_or(0, Iterator::count)
    }
}

pub fn fraud() -> ModelName {
    "fraud".parse().expect("name")
}

pub fn version(seed: u32) -> NewVersion {
    let weights = Bytes::from(format!("weights {seed}"));
    let files = vec![("model.json".to_owned(), weights), ("reference.json".to_owned(), Bytes::from_static(b"{}"))];
    NewVersion { manifest: json!({"seed": seed, "ap": 0.5}), files, created_at: Timestamp::UNIX_EPOCH }
}

/// A store that counts what is asked of it.
#[derive(Debug)]
struct Counting {
    store: LocalFileSystem,
    requests: Arc<AtomicUsize>,
}

impl Counting {
    fn count(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }
}

impl fmt::Display for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "counted {}", self.store)
    }
}

#[async_trait]
impl ObjectStore for Counting {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> StoreResult<PutResult> {
        self.count();
        self.store.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> StoreResult<Box<dyn MultipartUpload>> {
        self.count();
        self.store.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> StoreResult<GetResult> {
        self.count();
        self.store.get_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, StoreResult<Path>>) -> BoxStream<'static, StoreResult<Path>> {
        self.count();
        self.store.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        let requests = Arc::clone(&self.requests);
        self.store.list(prefix).inspect(move |_| _ = requests.fetch_add(1, Ordering::Relaxed)).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        let listed = self.store.list_with_delimiter(prefix).await?;
        self.requests.fetch_add(1 + listed.objects.len(), Ordering::Relaxed);
        Ok(listed)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        self.count();
        self.store.copy_opts(from, to, options).await
    }
}
