//! Objects and records in the store.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::{Error as StoreError, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, buffered::BufWriter, path::Path};
use serde::{Serialize, de::DeserializeOwned};
use tokio::io::AsyncWriteExt as _;

use crate::LandingError;

/// Bytes of a part of a long object, the least that S3 takes.
const PART_BYTES: usize = 5 << 20;
/// Parts that may be on their way at once: what an object under way holds in memory is three parts.
const PARTS_IN_FLIGHT: usize = 2;

/// The store, in the terms of this room.
#[derive(Debug, Clone)]
pub(crate) struct Objects(pub Arc<dyn ObjectStore>);

impl Objects {
    /// A record; `None` when there is none.
    pub(crate) async fn record<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<T>, LandingError> {
        let failed = LandingError::store("read", path);
        let object = match self.0.get(path).await {
            Ok(object) => object.bytes().await.map_err(failed)?,
            Err(StoreError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let parsed = serde_json::from_slice(&object);
        parsed.map(Some).map_err(|source| LandingError::Record { path: path.to_string(), source })
    }

    /// Writes a record unless there is one; tells which one is there now.
    pub(crate) async fn create<T: Serialize + DeserializeOwned>(&self, path: &Path, record: T) -> Result<T, LandingError> {
        let bytes = serde_json::to_vec(&record).map_err(|source| LandingError::Record { path: path.to_string(), source })?;
        match self.0.put_opts(path, bytes.into(), PutMode::Create.into()).await {
            Ok(_) => Ok(record),
            Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => {
                Ok(self.record(path).await?.unwrap_or(record))
            }
            Err(error) => Err(LandingError::store("write", path)(error)),
        }
    }

    /// Starts an object; it is there when it is [finished](Upload::finish).
    pub(crate) fn upload(&self, path: Path) -> Upload {
        let writer = BufWriter::with_capacity(self.0.clone(), path.clone(), PART_BYTES).with_max_concurrency(PARTS_IN_FLIGHT);
        Upload { path, writer }
    }

    /// The objects of a folder, in order of name.
    pub(crate) async fn list(&self, folder: &Path) -> Result<Vec<ObjectMeta>, LandingError> {
        let mut objects: Vec<_> = self.0.list(Some(folder)).try_collect().await.map_err(LandingError::store("list", folder))?;
        objects.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(objects)
    }

    /// Removes an object; one that is not there is fine.
    pub(crate) async fn remove(&self, path: &Path) -> Result<(), LandingError> {
        match self.0.delete(path).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(LandingError::store("remove", path)(error)),
        }
    }
}

/// An object under way.
pub(crate) struct Upload {
    pub path: Path,
    writer: BufWriter,
}

impl Upload {
    pub(crate) async fn put(&mut self, bytes: Bytes) -> Result<(), LandingError> {
        self.writer.put(bytes).await.map_err(LandingError::store("write", &self.path))
    }

    pub(crate) async fn finish(mut self) -> Result<Path, LandingError> {
        self.writer.shutdown().await.map_err(LandingError::store("write", &self.path))?;
        Ok(self.path)
    }

    pub(crate) async fn abandon(mut self) {
        if let Err(error) = self.writer.abort().await {
            tracing::debug!(path = %self.path, %error, "an abandoned upload left something behind");
        }
    }
}

/// The last part of an object's path.
pub(crate) fn name(path: &Path) -> String {
    path.filename().unwrap_or_default().to_owned()
}
