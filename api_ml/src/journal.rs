//! What must not be forgotten: every transaction that moved the live signals, and every prediction.
//!
//! ```text
//! <folder>/lock                 held by the one service that writes here
//! <folder>/<number>.journal     entries from that number on; only the last one grows
//! <folder>/<number>.shipped     the predictions of that segment are in landing
//! ```
//!
//! An entry is on disk before the request that made it is answered. One thread writes: whatever came in while it forced the
//! last entries to the disk goes there together next time. An entry that a crash cut short was never answered and is cut off
//! at the next start; damage anywhere else is refused, because what follows it could not be believed.

mod entry;
mod frames;
mod segments;
mod writer;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
};

use tokio::sync::watch;

pub use entry::{Entry, Fact, StoredPrediction, StoredTransaction};
pub use segments::Segment;

use writer::{Shared, Started, Written};

/// Entries that wait for the disk may take so many bytes; more of them are refused.
const MAX_WAITING_BYTES: usize = 8 << 20;
/// A segment that is longer than this is closed.
const SEGMENT_BYTES: u64 = 16 << 20;

/// Why the journal does not take an entry, or cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another service writes here.
    #[error("the journal `{}` is in use by another scoring service", .0.display())]
    InUse(PathBuf),
    /// The disk failed.
    #[error("failed to {act} `{}`", path.display())]
    Disk {
        /// `open`, `read`, `write`, `remove`.
        act: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Entries that were on disk are not what was written.
    #[error("the journal's segment `{}` is damaged at byte {at}", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where the last good entry ends.
        at: u64,
    },
    /// More waits for the disk than may.
    #[error("the disk does not keep up with the requests")]
    Full,
    /// An earlier write failed. What is on disk is certain only after a restart.
    #[error("the journal has stopped since a write failed")]
    Stopped,
    /// An entry cannot be written as JSON.
    #[error("failed to write an entry")]
    Entry(#[source] serde_json::Error),
}

/// The journal of one service. Dropped, it writes what waits and stops.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    shared: Arc<Shared>,
    written: watch::Receiver<Written>,
    writer: Option<JoinHandle<()>>,
    /// Names this journal among those of other services.
    name: String,
    _lock: File,
}

/// Stands for entries that are on their way to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

impl Journal {
    /// Opens the journal in `folder`, which is made if need be, and shows every entry that is there to `see`, oldest first.
    pub fn open(folder: &Path, mut see: impl FnMut(&Entry)) -> Result<Self, JournalError> {
        let failed = |act, path: &Path| disk(act, path);
        std::fs::create_dir_all(folder).map_err(failed("open", folder))?;
        let lock_path = folder.join("lock");
        let lock = File::create(&lock_path).map_err(failed("open", &lock_path))?;
        if lock.try_lock().is_err() {
            return Err(JournalError::InUse(folder.to_owned()));
        }
        let name = segments::name(folder)?;
        let mut last = 0;
        let segments = segments::list(folder)?;
        for (index, segment) in segments.iter().enumerate() {
            let is_last = index + 1 == segments.len();
            segments::recover(segment, is_last, |entry| {
                last = last.max(entry.number);
                see(&entry);
                Ok(())
            })?;
        }
        let Started { shared, written, thread } = writer::start(folder, last)?;
        Ok(Self { folder: folder.to_owned(), shared, written, writer: Some(thread), name, _lock: lock })
    }

    /// Names this journal among those of other services.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes an entry, which gets the next number. It is on disk when its ticket has been waited for.
    pub fn append(&self, entry: Entry) -> Result<Ticket, JournalError> {
        self.shared.append(entry).map(Ticket)
    }

    /// The ticket of the newest entry.
    pub fn newest(&self) -> Ticket {
        Ticket(self.shared.newest())
    }

    /// Waits until an entry is on disk.
    pub async fn wait(&self, Ticket(number): Ticket) -> Result<(), JournalError> {
        let mut written = self.written.clone();
        let reached = written.wait_for(|written| written.number >= number || written.has_failed).await;
        reached.is_ok_and(|written| written.number >= number).then_some(()).ok_or(JournalError::Stopped)
    }

    /// The same for who has no reactor.
    pub fn wait_blocking(&self, Ticket(number): Ticket) -> Result<(), JournalError> {
        self.shared.wait(number)
    }

    /// Would it take an entry?
    pub fn ready(&self) -> Result<(), JournalError> {
        self.shared.ready()
    }

    /// Shows every entry after `after` that is on disk, oldest first.
    pub fn read_after(
        &self,
        Ticket(after): Ticket,
        mut see: impl FnMut(Entry) -> Result<(), JournalError>,
    ) -> Result<Ticket, JournalError> {
        let (mut last, until) = (after, self.written.borrow().number);
        let segments = segments::list(&self.folder)?;
        for (index, segment) in segments.iter().enumerate() {
            let is_over = segments.get(index + 1).is_some_and(|next| next.first <= after + 1);
            if is_over {
                continue;
            }
            segments::read(segment, |entry| {
                if entry.number > last && entry.number <= until {
                    last = entry.number;
                    see(entry)?;
                }
                Ok(())
            })?;
        }
        Ok(Ticket(last))
    }

    /// Closes the segment that grows, if it holds anything, and gives every closed one, oldest first.
    pub fn closed_segments(&self) -> Result<Vec<Segment>, JournalError> {
        self.shared.close_segment()?;
        let mut segments = segments::list(&self.folder)?;
        segments.pop();
        Ok(segments)
    }

    /// Shows the entries of a closed segment.
    pub fn read_segment(&self, segment: &Segment, mut see: impl FnMut(Entry)) -> Result<(), JournalError> {
        segments::read(segment, |entry| {
            see(entry);
            Ok(())
        })
    }
}

impl From<u64> for Ticket {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl From<Ticket> for u64 {
    fn from(Ticket(number): Ticket) -> Self {
        number
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.shared.stop();
        if let Some(writer) = self.writer.take() {
            // Whatever went wrong in it has been logged there.
            let _ = writer.join();
        }
    }
}

fn disk(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> JournalError + use<> {
    let path = path.to_owned();
    move |source| JournalError::Disk { act, path, source }
}
