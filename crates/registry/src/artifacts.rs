//! Files named by the digest of their content: written once, verified whenever they are read.

use std::{fmt, io, sync::Arc};

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use object_store::{Error as StoreError, ObjectStore, ObjectStoreExt, PutMode, WriteMultipart, path::Path};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;

use crate::{RegistryError, record::write_id};

/// Parts of a long upload that may be on their way at once.
const PARTS_IN_FLIGHT: usize = 4;

/// A SHA-256, in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// The digest as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(hasher: Sha256) -> Self {
        Self(hex::encode(hasher.finalize()))
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 64 && text.bytes().all(is_hex) { Ok(Self(text)) } else { Err("not a SHA-256 in lower-case hexadecimal") }
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The files of a registry.
pub struct Artifacts<'a> {
    pub store: &'a Arc<dyn ObjectStore>,
    pub root: &'a Path,
}

impl Artifacts<'_> {
    fn path(&self, digest: &Digest) -> Path {
        self.root.clone().join("artifacts").join(digest.as_str())
    }

    /// Stores `bytes`, or finds them stored already.
    pub async fn put(&self, bytes: Bytes) -> Result<Digest, RegistryError> {
        let digest = digest_of(bytes.clone()).await?;
        let path = self.path(&digest);
        let is_there = match self.store.put_opts(&path, bytes.clone().into(), PutMode::Create.into()).await {
            Ok(_) => true,
            // What is there may be the leftover of a machine that lost power.
            Err(StoreError::AlreadyExists { .. }) => self.get(&digest, bytes.len() as u64).await.is_ok(),
            Err(_) => false,
        };
        if !is_there {
            // The bytes at hand are right by definition, so they may be written over anything, and as often as it takes.
            self.store.put(&path, bytes.into()).await.map_err(|source| failed("write", &path, source))?;
        }
        Ok(digest)
    }

    /// Stores bytes as they come, without holding them all, and tells how many they were.
    pub async fn put_stream(&self, bytes: impl Stream<Item = io::Result<Bytes>> + Send) -> Result<(Digest, u64), RegistryError> {
        // The name is known only at the end: until then the bytes stand where no record can point.
        let staging = self.root.clone().join("staging").join(write_id());
        let write_failed = |source| failed("write", &staging, source);
        let upload = self.store.put_multipart(&staging).await.map_err(write_failed)?;
        let mut upload = WriteMultipart::new(upload);
        let mut hasher = Sha256::new();
        let mut size_bytes = 0;
        let mut bytes = std::pin::pin!(bytes);
        while let Some(chunk) = bytes.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(source) => {
                    upload.abort().await.map_err(write_failed)?;
                    return Err(RegistryError::Input(source));
                }
            };
            hasher.update(&chunk);
            size_bytes += chunk.len() as u64;
            upload.wait_for_capacity(PARTS_IN_FLIGHT).await.map_err(write_failed)?;
            upload.put(chunk);
        }
        upload.finish().await.map_err(write_failed)?;
        let digest = Digest::of(hasher);
        self.store.rename(&staging, &self.path(&digest)).await.map_err(write_failed)?;
        Ok((digest, size_bytes))
    }

    /// The bytes of `digest`, unless they are not.
    pub async fn get(&self, digest: &Digest, size_bytes: u64) -> Result<Bytes, RegistryError> {
        let path = self.path(digest);
        let read = async { self.store.get(&path).await?.bytes().await };
        let bytes = read.await.map_err(|source| failed("read", &path, source))?;
        let damaged = |reason| RegistryError::Damaged { path: path.to_string(), reason };
        if bytes.len() as u64 != size_bytes {
            return Err(damaged(format!("it has {} bytes instead of {size_bytes}", bytes.len())));
        }
        let found = digest_of(bytes.clone()).await?;
        if found != *digest {
            return Err(damaged(format!("its SHA-256 is {found}")));
        }
        Ok(bytes)
    }
}

async fn digest_of(bytes: Bytes) -> Result<Digest, RegistryError> {
    spawn_blocking(move || Digest::of(Sha256::new_with_prefix(bytes))).await.map_err(RegistryError::Hash)
}

/// A failure of the store, with what was tried.
pub fn failed(act: &'static str, path: &Path, source: StoreError) -> RegistryError {
    RegistryError::Store { act, path: path.to_string(), source }
}

/// The names directly below `folder`.
pub async fn folders(store: &Arc<dyn ObjectStore>, folder: &Path) -> Result<Vec<String>, RegistryError> {
    let listed = store.list_with_delimiter(Some(folder)).await.map_err(|source| failed("list", folder, source))?;
    Ok(listed.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned)).collect())
}

/// The names of the objects directly below `folder`.
pub async fn objects(store: &Arc<dyn ObjectStore>, folder: &Path) -> Result<Vec<String>, RegistryError> {
    let names = store.list(Some(folder)).try_filter_map(async |object| Ok(object.location.filename().map(str::to_owned)));
    names.try_collect().await.map_err(|source| failed("list", folder, source))
}
