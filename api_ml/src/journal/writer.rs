//! The thread that writes.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Instant,
};

use metrics::{counter, histogram};
use tokio::sync::watch;

use super::{Entry, JournalError, MAX_WAITING_BYTES, SEGMENT_BYTES, disk, frames, segments::Segment};

/// What waits for the disk.
#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// The number of the newest entry.
    newest: u64,
    /// The segment that grows is to be closed.
    is_closing: bool,
    is_stopping: bool,
    has_failed: bool,
}

impl Waiting {
    fn check(&self, most_bytes: usize) -> Result<(), JournalError> {
        if self.has_failed || self.is_stopping {
            return Err(JournalError::Stopped);
        }
        if self.bytes.len() > most_bytes { Err(JournalError::Full) } else { Ok(()) }
    }
}

/// How far the disk is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Written {
    pub number: u64,
    pub has_failed: bool,
}

/// What the requests and the writer share.
#[derive(Debug)]
pub struct Shared {
    waiting: Mutex<Waiting>,
    /// Something waits.
    ready: Condvar,
    /// Something was written, or the segment was closed.
    done: Condvar,
    written: watch::Sender<Written>,
}

/// A writer at work.
pub struct Started {
    pub shared: Arc<Shared>,
    pub written: watch::Receiver<Written>,
    pub thread: JoinHandle<()>,
}

/// Starts the writer behind entry `last`, with a segment of its own.
pub fn start(folder: &Path, last: u64) -> Result<Started, JournalError> {
    let (written, receiver) = watch::channel(Written { number: last, has_failed: false });
    let waiting = Mutex::new(Waiting { newest: last, ..Waiting::default() });
    let shared = Arc::new(Shared { waiting, ready: Condvar::new(), done: Condvar::new(), written });
    let mut writer = Writer::open(folder, last + 1)?;
    let work = {
        let shared = Arc::clone(&shared);
        move || {
            if let Err(error) = shared.write_all(&mut writer) {
                tracing::error!(%error, "the journal has stopped: nothing that has to be kept is answered until a restart");
                shared.lock().has_failed = true;
                shared.written.send_modify(|written| written.has_failed = true);
                shared.done.notify_all();
            }
        }
    };
    let thread = thread::Builder::new().name("journal".to_owned()).spawn(work).map_err(disk("open", folder))?;
    Ok(Started { shared, written: receiver, thread })
}

impl Shared {
    /// A panic while the lock was held left whole entries: frames are appended in one go or not at all.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn append(&self, mut entry: Entry) -> Result<u64, JournalError> {
        let mut waiting = self.lock();
        waiting.check(2 * MAX_WAITING_BYTES)?;
        entry.number = waiting.newest + 1;
        frames::write(&entry, &mut waiting.bytes).map_err(JournalError::Entry)?;
        waiting.newest = entry.number;
        drop(waiting);
        self.ready.notify_one();
        Ok(entry.number)
    }

    /// Would it take an entry? One that comes right after this is taken even if others have come in between.
    pub fn ready(&self) -> Result<(), JournalError> {
        self.lock().check(MAX_WAITING_BYTES)
    }

    pub fn newest(&self) -> u64 {
        self.lock().newest
    }

    pub fn wait(&self, number: u64) -> Result<(), JournalError> {
        let waiting = self.done.wait_while(self.lock(), |waiting| !waiting.has_failed && self.written.borrow().number < number);
        drop(waiting);
        if self.written.borrow().number >= number { Ok(()) } else { Err(JournalError::Stopped) }
    }

    /// Has the writer go on in a new segment.
    pub fn close_segment(&self) -> Result<(), JournalError> {
        let mut waiting = self.lock();
        if waiting.has_failed || waiting.is_stopping {
            return Err(JournalError::Stopped);
        }
        waiting.is_closing = true;
        self.ready.notify_one();
        let waiting = self.done.wait_while(waiting, |waiting| waiting.is_closing && !waiting.has_failed);
        let has_failed = waiting.unwrap_or_else(PoisonError::into_inner).has_failed;
        if has_failed { Err(JournalError::Stopped) } else { Ok(()) }
    }

    pub fn stop(&self) {
        self.lock().is_stopping = true;
        self.ready.notify_one();
    }

    fn write_all(&self, writer: &mut Writer) -> Result<(), JournalError> {
        let mut bytes = Vec::new();
        loop {
            let is_idle = |waiting: &mut Waiting| waiting.bytes.is_empty() && !waiting.is_closing && !waiting.is_stopping;
            let mut waiting = self.ready.wait_while(self.lock(), is_idle).unwrap_or_else(PoisonError::into_inner);
            if waiting.bytes.is_empty() && waiting.is_stopping {
                return Ok(());
            }
            bytes.clear();
            std::mem::swap(&mut bytes, &mut waiting.bytes);
            let (newest, is_closing) = (waiting.newest, waiting.is_closing);
            drop(waiting);
            if !bytes.is_empty() {
                writer.write(&bytes)?;
            }
            if (is_closing && writer.bytes > 0) || writer.bytes > SEGMENT_BYTES {
                *writer = Writer::open(&writer.folder, newest + 1)?;
            }
            self.written.send_modify(|written| written.number = newest);
            if is_closing {
                self.lock().is_closing = false;
            }
            // Taken and given back, so that nobody who has looked misses the call.
            drop(self.lock());
            self.done.notify_all();
        }
    }
}

/// The segment that grows.
struct Writer {
    folder: PathBuf,
    segment: Segment,
    file: File,
    bytes: u64,
}

impl Writer {
    fn open(folder: &Path, first: u64) -> Result<Self, JournalError> {
        let segment = Segment::new(folder, first);
        let file = segment.create()?;
        Ok(Self { folder: folder.to_owned(), segment, file, bytes: 0 })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        let started = Instant::now();
        let mut write = || -> io::Result<()> {
            self.file.write_all(bytes)?;
            self.file.sync_data()
        };
        write().map_err(disk("write", self.segment.path()))?;
        self.bytes += bytes.len() as u64;
        counter!("journal_commits_total").increment(1);
        histogram!("journal_commit_seconds").record(started.elapsed().as_secs_f64());
        Ok(())
    }
}
