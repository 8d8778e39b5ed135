//! From pushes that wait to batches that are kept.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use object_store::{ObjectMeta, ObjectStoreExt as _, path::Path};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Inbox, LandingError, PushKey, Receipt, objects::name, receipt::unique};

/// Pushes that one batch takes at most: more of them make more batches, and no list without end.
const PUSHES_PER_BATCH: usize = 10_000;
const READS_IN_FLIGHT: usize = 8;
/// Rows without a receipt are of a push under way, or of one that died; after this time, of one that died.
const UNFINISHED_AGE: Duration = Duration::from_hours(24);
/// How long the key of a push is known.
const RECEIPT_AGE: Duration = Duration::from_hours(30 * 24);

/// A batch of pushed rows; it never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gathered {
    /// Its place among the source's batches, from 1.
    pub number: u32,
    /// SHA-256 of its object, in hexadecimal.
    pub sha256: String,
    /// Bytes of its object.
    pub bytes: u64,
    object: String,
    pushes: Vec<String>,
}

impl Gathered {
    /// What it is called as a file of its source.
    pub fn file_name(&self) -> String {
        format!("pushed-{:08}.ndjson.zst", self.number)
    }
}

impl Inbox {
    /// How many pushes wait. Those under way count as well.
    pub async fn waiting(&self) -> Result<usize, LandingError> {
        let last = self.gathered().await?.pop();
        let is_gathered = |push: &ObjectMeta| last.as_ref().is_some_and(|last| last.pushes.contains(&name(&push.location)));
        Ok(self.objects.list(&self.rows()).await?.iter().filter(|push| !is_gathered(push)).count())
    }

    /// Every batch, oldest first.
    pub async fn gathered(&self) -> Result<Vec<Gathered>, LandingError> {
        let records = self.objects.list(&self.batches()).await?;
        let records = records.into_iter().filter(|object| object.location.extension() == Some("json"));
        let read = async |object: ObjectMeta| self.objects.record(&object.location).await;
        let batches: Vec<Option<Gathered>> = stream::iter(records).map(read).buffered(READS_IN_FLIGHT).try_collect().await?;
        Ok(batches.into_iter().flatten().collect())
    }

    /// Makes batches of the pushes that wait, and forgets keys whose time is over. Killed at any instant, the next call goes on
    /// where this one stopped.
    pub async fn gather(&self) -> Result<(), LandingError> {
        let mut last = self.gathered().await?.pop();
        if let Some(last) = &last {
            self.forget(&last.pushes).await?;
        }
        let waiting = self.complete_pushes().await?;
        if waiting.is_empty() {
            return Ok(());
        }
        for pushes in waiting.chunks(PUSHES_PER_BATCH) {
            let number = last.map_or(1, |last| last.number + 1);
            last = Some(self.make_batch(number, pushes).await?);
        }
        self.forget_old_receipts().await
    }

    /// Copies the rows of a batch into a file.
    pub async fn fetch(&self, batch: &Gathered, mut write: impl FnMut(&[u8]) -> std::io::Result<()>) -> Result<(), LandingError> {
        let path = self.batches().join(batch.object.as_str());
        let failed = LandingError::store("read", &path);
        let mut bytes = self.objects.0.get(&path).await.map_err(&failed)?.into_stream();
        while let Some(chunk) = bytes.try_next().await.map_err(&failed)? {
            write(&chunk).map_err(LandingError::store("copy", &path))?;
        }
        Ok(())
    }

    /// Pushes that wait and have their receipt, oldest first. What died without one is removed.
    async fn complete_pushes(&self) -> Result<Vec<String>, LandingError> {
        let objects = self.objects.list(&self.rows()).await?;
        let look = async |object: ObjectMeta| {
            let push = name(&object.location);
            let receipt: Option<Receipt> = match PushKey::in_name(&push) {
                Some(key) => self.receipt(&key).await?,
                None => None,
            };
            Ok::<_, LandingError>((object, receipt.is_some_and(|receipt| receipt.rows == push)))
        };
        let mut looked = stream::iter(objects).map(look).buffered(READS_IN_FLIGHT);
        let mut complete = Vec::new();
        while let Some((object, is_complete)) = looked.try_next().await? {
            if is_complete {
                complete.push(name(&object.location));
            } else if is_older(&object, UNFINISHED_AGE) {
                self.objects.remove(&object.location).await?;
            }
        }
        Ok(complete)
    }

    /// The frames of zstd, put one behind the other, are those of one file.
    async fn make_batch(&self, number: u32, pushes: &[String]) -> Result<Gathered, LandingError> {
        let object = format!("{}.ndjson.zst", unique());
        let mut upload = self.objects.upload(self.batches().join(object.as_str()));
        let mut hash = Sha256::new();
        let mut bytes = 0;
        let open = async |push: &String| {
            let path = self.rows().join(push.as_str());
            let failed = LandingError::store("read", &path);
            Ok::<_, LandingError>((self.objects.0.get(&path).await.map_err(&failed)?.into_stream(), failed))
        };
        let mut rows = stream::iter(pushes).map(open).buffered(READS_IN_FLIGHT);
        while let Some((mut chunks, failed)) = rows.try_next().await? {
            while let Some(chunk) = chunks.try_next().await.map_err(&failed)? {
                hash.update(&chunk);
                bytes += chunk.len() as u64;
                upload.put(chunk).await?;
            }
        }
        upload.finish().await?;
        let batch = Gathered { number, sha256: hex::encode(hash.finalize()), bytes, object, pushes: pushes.to_vec() };
        let there = self.objects.create(&self.batches().join(format!("{number:08}.json")), batch.clone()).await?;
        if there.object != batch.object {
            return Err(LandingError::Busy { path: self.root.to_string() });
        }
        self.forget(pushes).await?;
        Ok(batch)
    }

    async fn forget(&self, pushes: &[String]) -> Result<(), LandingError> {
        let waiting = self.objects.list(&self.rows()).await?;
        let gone = waiting.into_iter().filter(|object| pushes.contains(&name(&object.location)));
        self.remove_all(gone.map(|object| object.location)).await
    }

    async fn forget_old_receipts(&self) -> Result<(), LandingError> {
        let receipts = self.objects.list(&self.receipts()).await?;
        let old = receipts.into_iter().filter(|object| is_older(object, RECEIPT_AGE));
        self.remove_all(old.map(|object| object.location)).await
    }

    async fn remove_all(&self, paths: impl Iterator<Item = Path>) -> Result<(), LandingError> {
        let remove = async |path: Path| self.objects.remove(&path).await;
        stream::iter(paths).map(remove).buffer_unordered(READS_IN_FLIGHT).try_collect().await
    }
}

fn is_older(object: &ObjectMeta, age: Duration) -> bool {
    let modified = Timestamp::from_second(object.last_modified.timestamp()).unwrap_or(Timestamp::MAX);
    Timestamp::now().duration_since(modified).unsigned_abs() > age && modified < Timestamp::now()
}
