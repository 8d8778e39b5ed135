//! An object in parts, which is on its way to the platter while it is still being made.
//!
//! Forcing a large file down at its end waits for all of it. So whatever has been written is forced down in the background, one
//! time after the other, and the end waits for the last bit only.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use object_store::{MultipartUpload, PutPayload, PutResult, Result, UploadPart};
use tokio::task::{JoinHandle, spawn_blocking};

use super::{Folder, blocking, failed, staged};

/// An object in parts.
#[derive(Debug)]
pub(super) struct DurableUpload {
    path: PathBuf,
    staged: Arc<Staged>,
    /// Where the next part begins.
    next: u64,
}

/// The file before it has its name; it is removed if it never gets it.
#[derive(Debug)]
struct Staged {
    file: File,
    path: PathBuf,
    folder: Folder,
    /// Bytes that are being forced down. Kept to the end: an error of the disk is told once, to whoever asks first.
    syncing: Mutex<Option<JoinHandle<io::Result<()>>>>,
}

impl DurableUpload {
    pub(super) fn begin(path: &Path) -> io::Result<Self> {
        let folder = Folder::of(path)?;
        let beside = staged(path);
        let file = File::create_new(&beside)?;
        let staged = Arc::new(Staged { file, path: beside, folder, syncing: Mutex::default() });
        Ok(Self { path: path.to_owned(), staged, next: 0 })
    }
}

impl Staged {
    fn syncing(&self) -> MutexGuard<'_, Option<JoinHandle<io::Result<()>>>> {
        self.syncing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, part: &PutPayload, mut at: u64) -> io::Result<()> {
        for bytes in part {
            self.file.write_all_at(bytes, at)?;
            at += bytes.len() as u64;
        }
        Ok(())
    }

    /// Begins to force down what there is, unless that is under way.
    fn begin_sync(self: &Arc<Self>) {
        let mut syncing = self.syncing();
        if syncing.is_none() {
            let staged = Arc::clone(self);
            *syncing = Some(spawn_blocking(move || staged.file.sync_data()));
        }
    }

    /// Was what has been forced down so far?
    async fn synced(&self) -> io::Result<()> {
        let syncing = self.syncing().take();
        match syncing {
            Some(syncing) => syncing.await.map_err(io::Error::other)?,
            None => Ok(()),
        }
    }

    fn finish(&self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, path)?;
        self.folder.sync()
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // What was renamed is not there any more.
        let _ = fs::remove_file(&self.path);
    }
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        let (staged, at) = (Arc::clone(&self.staged), self.next);
        self.next += part.content_length() as u64;
        Box::pin(async move {
            let is_synced = staged.syncing().as_ref().is_some_and(JoinHandle::is_finished);
            if is_synced {
                staged.synced().await.map_err(|error| failed(&staged.path, error))?;
            }
            let written = Arc::clone(&staged);
            blocking(move || written.write(&part, at).map_err(|error| failed(&written.path, error))).await?;
            staged.begin_sync();
            Ok(())
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let (staged, path) = (Arc::clone(&self.staged), self.path.clone());
        staged.synced().await.map_err(|error| failed(&path, error))?;
        blocking(move || staged.finish(&path).map_err(|error| failed(&path, error))).await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        let staged = Arc::clone(&self.staged);
        blocking(move || fs::remove_file(&staged.path).map_err(|error| failed(&staged.path, error))).await
    }
}
