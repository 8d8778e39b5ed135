//! Searching classified firewall logs: files of a month, `classified_*.csv`, in a folder or a bucket.
//!
//! A file is read once for an index of 24 bytes a line (when, what, where in the file) and again only when it has changed. A
//! search looks the range up, counts by type from the index, and reads the lines of its page alone. Damaged lines are counted.

mod index;

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use lakehouse_settings::{Settings, SettingsError};
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, local::LocalFileSystem, path::Path};
use tokio::task::{JoinError, spawn_blocking};

pub use index::{Counts, IncidentType, LogLine};
use index::{Index, Indexer, parse};

/// Bytes that are read at a time to index a file.
const PIECE_BYTES: u64 = 4 << 20;

/// Where the logs are: a folder of a store.
#[derive(Debug, Clone)]
pub struct LogStore {
    store: Arc<dyn ObjectStore>,
    folder: Path,
}

/// A place where no logs can be.
#[derive(Debug, thiserror::Error)]
pub enum LogStoreError {
    /// The settings do not lead to the store.
    #[error("failed to open the store")]
    Store(#[from] SettingsError),
    /// The URI is no folder of it.
    #[error("`{0}` is no folder of its store")]
    Address(String),
}

/// Logs that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The store does not give them.
    #[error("failed to read firewall logs")]
    Store(#[from] object_store::Error),
    /// Reading them panicked.
    #[error("reading firewall logs broke off")]
    Broken(#[from] JoinError),
}

impl LogStore {
    /// The place that `networks.logs` names. It is not looked at: logs may come later.
    pub fn open(settings: &Settings) -> Result<Self, LogStoreError> {
        let uri = &settings.networks.logs;
        let store: Arc<dyn ObjectStore> =
            if uri.scheme() == "file" { Arc::new(LocalFileSystem::new()) } else { settings.open_store(uri)? };
        let folder = Path::from_url_path(uri.path()).map_err(|_| LogStoreError::Address(uri.to_string()))?;
        Ok(Self { store, folder })
    }

    async fn files(&self) -> Result<Vec<ObjectMeta>, LogError> {
        let is_log = |name: &str| name.starts_with("classified_") && name.ends_with(".csv");
        let mut files = self.store.list_with_delimiter(Some(&self.folder)).await?.objects;
        files.retain(|file| file.location.filename().is_some_and(is_log));
        Ok(files)
    }

    async fn index(&self, file: &ObjectMeta) -> Result<Index, LogError> {
        let (mut indexer, mut at) = (Indexer::default(), 0);
        while at < file.size {
            let end = file.size.min(at + PIECE_BYTES);
            // A file that is replaced meanwhile is refused, not read as half of each.
            let options =
                GetOptions { range: Some(GetRange::Bounded(at..end)), if_match: file.e_tag.clone(), ..GetOptions::default() };
            let piece = self.store.get_opts(&file.location, options).await?.bytes().await?;
            let taken = spawn_blocking(move || {
                indexer.take(&piece);
                indexer
            });
            (indexer, at) = (taken.await?, end);
        }
        Ok(spawn_blocking(|| indexer.finish()).await?)
    }
}

/// Which lines are looked for.
#[derive(Debug, Clone)]
pub struct Search {
    /// From this second since 1970 on.
    pub from: i64,
    /// To this one, included.
    pub to: i64,
    /// About these; empty means all.
    pub types: Vec<IncidentType>,
    /// Lines to skip and to return at most.
    pub page: (usize, usize),
}

/// The logs of a place, and their indices.
#[derive(Debug)]
pub struct Firewalls {
    logs: LogStore,
    known: Mutex<BTreeMap<Path, Known>>,
}

/// A file as it was when it was indexed.
#[derive(Debug)]
struct Known {
    file: ObjectMeta,
    index: Arc<Index>,
}

/// Indices by file, the earliest lines first.
type Indices = Vec<(Path, Arc<Index>)>;

/// What is to be read of a file.
type Places = (Path, Vec<Range<u64>>);

impl Firewalls {
    /// The logs of a place, none of which has been read.
    pub fn new(logs: LogStore) -> Self {
        Self { logs, known: Mutex::default() }
    }

    /// What the search finds: counts of all, and the lines of the page by time; nothing where there are no logs.
    pub async fn search(&self, search: Search) -> Result<Option<(Counts, Vec<LogLine>)>, LogError> {
        let indices = self.by_time().await?;
        if indices.is_empty() {
            return Ok(None);
        }
        let (counts, places) = spawn_blocking(move || found(&indices, &search)).await?;
        let mut page = Vec::new();
        for (file, ranges) in places {
            let lines = self.logs.store.get_ranges(&file, &ranges).await?;
            page.extend(lines.iter().filter_map(|line| parse(line)));
        }
        Ok(Some((counts, page)))
    }

    /// All lines by what they are about, how many are damaged, and the files; nothing where there are no logs.
    pub async fn stats(&self) -> Result<Option<(Counts, u64, Vec<String>)>, LogError> {
        let indices = self.by_time().await?;
        let count = move || {
            let (mut counts, mut damaged, mut names) = (Counts::default(), 0, Vec::new());
            for (file, index) in &indices {
                index.lines.iter().for_each(|line| counts.add(line.kind));
                damaged += index.damaged;
                let name = file.filename().and_then(|name| name.strip_prefix("classified_")?.strip_suffix(".csv"));
                names.extend(name.map(str::to_owned));
            }
            (!indices.is_empty()).then_some((counts, damaged, names))
        };
        Ok(spawn_blocking(count).await?)
    }

    /// The logs, indexed.
    async fn by_time(&self) -> Result<Indices, LogError> {
        let files = self.logs.files().await?;
        let mut indices = Vec::with_capacity(files.len());
        for file in &files {
            indices.push((file.location.clone(), self.index(file).await?));
        }
        let is_there = |path: &Path| files.iter().any(|file| file.location == *path);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|path, _| is_there(path));
        indices.sort_by_key(|(path, index)| (index.lines.first().map(|line| line.at), path.clone()));
        Ok(indices)
    }

    async fn index(&self, file: &ObjectMeta) -> Result<Arc<Index>, LogError> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known().get(&file.location)
            && known.file == *file
        {
            return Ok(Arc::clone(&known.index));
        }
        let index = Arc::new(self.logs.index(file).await?);
        known().insert(file.location.clone(), Known { file: file.clone(), index: Arc::clone(&index) });
        Ok(index)
    }
}

/// Counts of all lines that are looked for, and where those of the page are.
fn found(indices: &Indices, search: &Search) -> (Counts, Vec<Places>) {
    let (mut counts, mut skipped, mut taken) = (Counts::default(), 0, 0);
    let mut places = Vec::new();
    for (file, index) in indices {
        let lines = &index.lines;
        let range = lines.partition_point(|line| line.at < search.from)..lines.partition_point(|line| line.at <= search.to);
        let mut wanted = Vec::new();
        for line in lines.get(range).unwrap_or_default() {
            if !search.types.is_empty() && !search.types.contains(&line.kind) {
                continue;
            }
            counts.add(line.kind);
            if skipped < search.page.0 {
                skipped += 1;
            } else if taken < search.page.1 {
                taken += 1;
                wanted.push(line.place..line.place + u64::from(line.bytes));
            }
        }
        if !wanted.is_empty() {
            places.push((file.clone(), wanted));
        }
    }
    (counts, places)
}
