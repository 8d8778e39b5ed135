//! A folder of records that are numbered from 1, never change, and of which the highest number is the latest.

use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use object_store::{Error as StoreError, ObjectStore, ObjectStoreExt, PutMode, path::Path};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    RegistryError,
    artifacts::{failed, objects},
};

/// How often a writer looks for the next free number before it gives up. Each loss is another writer's gain, so this many
/// losses mean more writers than a registry will ever have.
const TRIES: usize = 1_000;
/// How often the store may fail at a write, which has itself tried again for a while.
const MAX_STORE_FAULTS: usize = 2;
const READS_IN_FLIGHT: usize = 16;

/// The records of one folder.
pub struct Numbered<'a> {
    pub store: &'a Arc<dyn ObjectStore>,
    pub folder: Path,
}

impl Numbered<'_> {
    /// The path of a record; fixed width, so that a store's listing is in order.
    pub fn path(&self, number: u32) -> Path {
        self.folder.clone().join(format!("{number:08}.json"))
    }

    /// The latest number; 0 when there is no record. Numbers have no gaps, so a few probes find it however many records there
    /// are, where a listing would name every one of them.
    pub async fn latest_number(&self) -> Result<u32, RegistryError> {
        let (mut present, mut step) = (0, 1);
        while self.exists(present + step).await? {
            present += step;
            step *= 2;
        }
        let mut absent = present + step;
        while absent - present > 1 {
            let middle = present + (absent - present) / 2;
            if self.exists(middle).await? {
                present = middle;
            } else {
                absent = middle;
            }
        }
        // Without a first record there is none at all, unless somebody removed the oldest ones by hand.
        if present == 0 { self.highest_listed().await } else { Ok(present) }
    }

    async fn exists(&self, number: u32) -> Result<bool, RegistryError> {
        let path = self.path(number);
        match self.store.head(&path).await {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound { .. }) => Ok(false),
            Err(source) => Err(failed("read", &path, source)),
        }
    }

    async fn highest_listed(&self) -> Result<u32, RegistryError> {
        let number = |name: String| name.strip_suffix(".json")?.parse().ok();
        Ok(objects(self.store, &self.folder).await?.into_iter().filter_map(number).max().unwrap_or(0))
    }

    /// The latest record.
    pub async fn latest<T: DeserializeOwned>(&self) -> Result<Option<T>, RegistryError> {
        match self.latest_number().await? {
            0 => Ok(None),
            number => self.read(number).await,
        }
    }

    /// The records with `numbers`, in that order, read a few at a time; those that are not there are left out.
    pub fn read_all<T: DeserializeOwned>(
        &self,
        numbers: impl Iterator<Item = u32> + Send,
    ) -> impl Stream<Item = Result<T, RegistryError>> {
        let reads = stream::iter(numbers).map(|number| self.read(number)).buffered(READS_IN_FLIGHT);
        reads.try_filter_map(async |found| Ok(found))
    }

    /// A record, if it is there.
    pub async fn read<T: DeserializeOwned>(&self, number: u32) -> Result<Option<T>, RegistryError> {
        let path = self.path(number);
        let Some(bytes) = self.bytes(&path).await? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|source| RegistryError::Record { path: path.to_string(), source })
    }

    async fn bytes(&self, path: &Path) -> Result<Option<Bytes>, RegistryError> {
        let read = async { self.store.get(path).await?.bytes().await };
        match read.await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(source) => Err(failed("read", path, source)),
        }
    }

    /// Creates a record unless its number is taken; tells whether this call did. `record` has to hold something random: a
    /// write whose answer was lost may have landed, and when it was repeated the store says "taken". What stands there then
    /// tells whether it is ours.
    pub async fn create(&self, number: u32, record: &impl Serialize) -> Result<bool, RegistryError> {
        let path = self.path(number);
        let json = serde_json::to_vec_pretty(record);
        let json = Bytes::from(json.map_err(|source| RegistryError::Record { path: path.to_string(), source })?);
        let mut faults = 0;
        loop {
            let source = match self.store.put_opts(&path, json.clone().into(), PutMode::Create.into()).await {
                Ok(_) => return Ok(true),
                Err(source) => source,
            };
            let is_taken = matches!(source, StoreError::AlreadyExists { .. });
            match self.bytes(&path).await {
                Ok(Some(found)) => return Ok(found == json),
                Ok(None) if is_taken => return Ok(false),
                Err(error) if is_taken => return Err(error),
                _ if faults == MAX_STORE_FAULTS => return Err(failed("write", &path, source)),
                _ => faults += 1,
            }
        }
    }

    /// Appends the record that `next` makes of the latest one and the next number. Returns the latest instead when `next`
    /// makes none of it.
    pub async fn append<T: Serialize + DeserializeOwned>(
        &self,
        next: impl Fn(Option<&T>, u32) -> Option<T>,
    ) -> Result<T, RegistryError> {
        for _ in 0..TRIES {
            let number = self.latest_number().await?;
            let latest = readable(self.read(number).await)?;
            let number = number + 1;
            match (next(latest.as_ref(), number), latest) {
                (Some(record), _) if self.create(number, &record).await? => return Ok(record),
                (None, Some(latest)) => return Ok(latest),
                _ => {}
            }
        }
        Err(RegistryError::Crowded(self.folder.to_string()))
    }
}

/// A record that cannot be read is reported to who asks for it; it must not keep the next one from being written.
fn readable<T>(read: Result<Option<T>, RegistryError>) -> Result<Option<T>, RegistryError> {
    match read {
        Err(RegistryError::Record { .. }) => Ok(None),
        other => other,
    }
}
