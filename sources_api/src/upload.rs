//! Receiving a file: as it comes, to the disk, and under its name only when all of it is there.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use tempfile::TempPath;
use tokio::{
    fs::File,
    io::{AsyncWriteExt, BufWriter},
    time::timeout,
};

use crate::{FileName, Folder, FolderError, folder::Named};

const BUFFER_BYTES: usize = 1 << 20;

/// Why a file was not received. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub enum UploadError<E> {
    #[error("the file has more than {0} bytes")]
    TooLarge(u64),
    #[error("the file has {received} bytes instead of the announced {announced}")]
    Length { announced: u64, received: u64 },
    #[error("no byte came for {0:?}")]
    Silent(Duration),
    #[error("the body broke off")]
    Body(#[source] E),
    #[error("a folder has that name")]
    Taken,
    #[error(transparent)]
    Disk(#[from] FolderError),
}

/// What the client promised and what it may cost.
pub struct Terms {
    pub announced_bytes: Option<u64>,
    pub max_bytes: u64,
    /// How long the client may be silent.
    pub patience: Duration,
}

/// A received file.
pub struct Received {
    pub is_new: bool,
    pub bytes: u64,
    pub sha256: String,
}

/// A body on the disk, without a name; it is removed when its path is dropped.
pub struct Spooled {
    pub file: std::fs::File,
    pub path: TempPath,
    pub bytes: u64,
    pub sha256: String,
}

/// Stores `body` as `name`.
pub async fn receive<E>(
    folder: &Folder,
    name: &FileName,
    terms: Terms,
    body: impl Stream<Item = Result<Bytes, E>>,
) -> Result<Received, UploadError<E>> {
    let Spooled { file, path, bytes, sha256 } = spool(folder, terms, body).await?;
    let is_new = match folder.name(file, path, name).await? {
        Named::Created => true,
        Named::Replaced => false,
        Named::Taken => return Err(UploadError::Taken),
    };
    Ok(Received { is_new, bytes, sha256 })
}

/// Brings `body` to the disk, to its end.
pub async fn spool<E>(
    folder: &Folder,
    terms: Terms,
    body: impl Stream<Item = Result<Bytes, E>>,
) -> Result<Spooled, UploadError<E>> {
    if terms.announced_bytes.is_some_and(|announced| announced > terms.max_bytes) {
        return Err(UploadError::TooLarge(terms.max_bytes));
    }
    let (file, path) = folder.unfinished().await?;
    let write_failed = |source| FolderError::new("write", folder.root(), source);
    let mut file = BufWriter::with_capacity(BUFFER_BYTES, File::from_std(file));
    let (mut bytes, mut hasher) = (0, Sha256::new());
    let mut body = std::pin::pin!(body);
    while let Some(chunk) = timeout(terms.patience, body.next()).await.map_err(|_| UploadError::Silent(terms.patience))? {
        let chunk = chunk.map_err(UploadError::Body)?;
        bytes += chunk.len() as u64;
        if bytes > terms.max_bytes {
            return Err(UploadError::TooLarge(terms.max_bytes));
        }
        hasher.update(&chunk);
        file.write_all(&chunk).await.map_err(write_failed)?;
    }
    if let Some(announced) = terms.announced_bytes.filter(|announced| *announced != bytes) {
        return Err(UploadError::Length { announced, received: bytes });
    }
    file.flush().await.map_err(write_failed)?;
    let file = file.into_inner().into_std().await;
    Ok(Spooled { file, path, bytes, sha256: hex::encode(hasher.finalize()) })
}
