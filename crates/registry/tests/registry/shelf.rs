//! A registry in a folder of its own.

use std::{fs, path::PathBuf, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use lakehouse_registry::{ModelVersion, NewVersion, Registry};
use lakehouse_spec::ModelName;
use object_store::local::LocalFileSystem;
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
