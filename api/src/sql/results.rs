//! Results that nobody waits for: on disk, page by page, until they expire.
//!
//! They are in a folder that goes with the process, as Arrow; a page is what was written at once, so reading one costs the same
//! wherever it stands.

use std::{
    collections::HashMap,
    io::{self, Cursor},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arrow::{array::RecordBatch, datatypes::SchemaRef, error::ArrowError, ipc::reader::StreamReader, ipc::writer::StreamWriter};
use bytes::Bytes;
use lakehouse_service::Problem;
use lakehouse_settings::SqlSettings;
use tempfile::TempDir;
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _},
    sync::watch,
};

use super::{Format, Piece, Pieces, QueryId, encode::Encoder, tracked::unknown};
use crate::{principal::Principal, query};

/// When a client that came too early may come again.
const RETRY_SECONDS: u32 = 1;

/// The results that are kept.
pub(super) struct Results {
    folder: TempDir,
    budget: u64,
    used: Arc<AtomicU64>,
    lifetime: Duration,
    kept: Mutex<HashMap<QueryId, Arc<Kept>>>,
}

/// A result, or what will become one.
struct Kept {
    owner: Principal,
    schema: SchemaRef,
    path: PathBuf,
    outcome: watch::Sender<Option<Result<Pages, Problem>>>,
}

/// Where the pages of a result are in its file.
#[derive(Clone, Default)]
struct Pages {
    places: Vec<(u64, usize)>,
    bytes: u64,
    truncated: bool,
    _room: Option<Arc<Room>>,
}

/// One page in the format that was asked for.
pub(crate) struct Page {
    pub body: Bytes,
    /// The page after it, if there is one.
    pub next: Option<usize>,
}

impl Results {
    pub(super) fn new(settings: &SqlSettings) -> io::Result<Self> {
        Ok(Self {
            folder: tempfile::Builder::new().prefix("lakehouse-results-").tempdir()?,
            budget: (settings.results_mb as u64) << 20,
            used: Arc::default(),
            lifetime: Duration::from_secs(settings.results_seconds),
            kept: Mutex::default(),
        })
    }

    /// Takes the pieces of a query as they come, whether or not anybody waits.
    pub(super) fn collect(self: &Arc<Self>, id: QueryId, owner: Principal, schema: SchemaRef, pieces: Pieces) {
        let path = self.folder.path().join(format!("{id}.arrow"));
        let kept = Arc::new(Kept { owner, schema, path, outcome: watch::Sender::new(None) });
        self.kept().insert(id, kept.clone());
        let results = self.clone();
        tokio::spawn(async move {
            let outcome = results.write(&kept, pieces).await;
            kept.outcome.send_replace(Some(outcome));
            drop(kept);
            tokio::time::sleep(results.lifetime).await;
            results.forget(id);
        });
    }

    /// Waits for the end of a query, but not longer than `time`; has it come?
    pub(super) async fn wait(&self, id: QueryId, owner: &Principal, time: Duration) -> Result<bool, Problem> {
        let kept = self.find(id, owner)?;
        let mut outcome = kept.outcome.subscribe();
        let ended = tokio::time::timeout(time, outcome.wait_for(Option::is_some)).await;
        match ended.ok().and_then(Result::ok).and_then(|outcome| outcome.clone()) {
            None => Ok(false),
            Some(Ok(_)) => Ok(true),
            Some(Err(problem)) => Err(problem),
        }
    }

    /// A page of a result.
    pub(super) async fn page(&self, id: QueryId, owner: &Principal, page: usize, format: Format) -> Result<Page, Problem> {
        let kept = self.find(id, owner)?;
        let pages = kept.outcome.borrow().clone();
        let pages = pages.ok_or_else(|| {
            let problem = Problem::conflict("the query has not ended yet; come again").with_code("still_running");
            problem.with_retry_after(RETRY_SECONDS)
        })??;
        let batch = match pages.places.get(page) {
            Some(place) => kept.read(*place, page).await?,
            None if page == 0 => RecordBatch::new_empty(kept.schema.clone()),
            None => {
                return Err(Problem::not_found(format!("the result has {} pages", pages.places.len())).with_code("unknown_page"));
            }
        };
        let next = Some(page + 1).filter(|next| *next < pages.places.len());
        let mut encoder = Encoder::new(format, &kept.schema)?;
        let rows = encoder.write(&batch)?;
        let end = encoder.finish(next.is_none() && pages.truncated)?;
        Ok(Page { body: [rows, end].concat().into(), next })
    }

    /// Gives a result up; its room is free when nobody reads it any more.
    pub(super) fn forget(&self, id: QueryId) {
        self.kept().remove(&id);
    }

    fn find(&self, id: QueryId, owner: &Principal) -> Result<Arc<Kept>, Problem> {
        self.kept().get(&id).filter(|kept| kept.owner.name() == owner.name()).cloned().ok_or_else(unknown)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<QueryId, Arc<Kept>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(&self, kept: &Kept, mut pieces: Pieces) -> Result<Pages, Problem> {
        let mut room = Room { used: self.used.clone(), budget: self.budget, taken: 0 };
        let mut file = File::create(&kept.path).await.map_err(Problem::internal)?;
        let mut pages = Pages::default();
        loop {
            match pieces.received.recv().await {
                Some(Ok(Piece::Bytes(bytes))) => {
                    room.take(bytes.len() as u64)?;
                    file.write_all(&bytes).await.map_err(Problem::internal)?;
                    pages.places.push((pages.bytes, bytes.len()));
                    pages.bytes += bytes.len() as u64;
                }
                Some(Ok(Piece::End { truncated })) => {
                    file.flush().await.map_err(Problem::internal)?;
                    // What ends an Arrow stream is a piece of its own, without rows.
                    pages.places.pop();
                    return Ok(Pages { truncated, _room: Some(Arc::new(room)), ..pages });
                }
                Some(Err(problem)) => return Err(problem),
                None => return Err(query::stopped()),
            }
        }
    }
}

/// Room on disk that a result takes until it is dropped.
struct Room {
    used: Arc<AtomicU64>,
    budget: u64,
    taken: u64,
}

impl Room {
    fn take(&mut self, bytes: u64) -> Result<(), Problem> {
        self.taken += bytes;
        if self.used.fetch_add(bytes, Ordering::Relaxed) + bytes <= self.budget {
            return Ok(());
        }
        let detail = "there is no room for this result beside the others that are kept; ask for less, or read it as a stream";
        Err(Problem::insufficient_storage(detail).with_code("results_full"))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.used.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "failed to remove a result that nobody needs any more");
        }
    }
}

impl Kept {
    async fn read(&self, (start, length): (u64, usize), page: usize) -> Result<RecordBatch, Problem> {
        let mut file = File::open(&self.path).await.map_err(Problem::internal)?;
        file.seek(io::SeekFrom::Start(start)).await.map_err(Problem::internal)?;
        // The first page begins with the schema, and the others need one before them.
        let mut stream = if page == 0 { Vec::new() } else { schema_bytes(&self.schema).map_err(Problem::internal)? };
        let head = stream.len();
        stream.resize(head + length, 0);
        file.read_exact(&mut stream[head..]).await.map_err(Problem::internal)?;
        let mut batches = StreamReader::try_new(Cursor::new(stream), None).map_err(Problem::internal)?;
        let batch = batches.next().ok_or_else(|| Problem::internal("a page of a result is empty"))?;
        batch.map_err(Problem::internal)
    }
}

fn schema_bytes(schema: &SchemaRef) -> Result<Vec<u8>, ArrowError> {
    let mut bytes = Vec::new();
    StreamWriter::try_new(&mut bytes, schema)?;
    Ok(bytes)
}
