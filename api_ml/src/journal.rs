//! What must not be forgotten: every transaction that moved the live signals, and every prediction.
//!
//! ```text
//! <folder>/lock                 held by the one service that writes here
//! <folder>/<number>.journal     entries from that number on; only the last one grows
//! <folder>/<number>.shipped     the predictions of that segment are in landing
//! ```
//!
//! An entry is on disk before the request that made it is answered. One thread writes: whatever came in while it forced the
//! last entries to the disk goes there together next time. The segment that grows ends in zeros. An entry that a crash cut
//! short was never answered and is cut off at the next start; damage anywhere else is refused, because what follows it could not be believed.

mod entry;
mod frames;
mod growing;
mod segments;
mod writer;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
};

pub use entry::{Entry, Fact, StoredPrediction, StoredTransaction};
pub use segments::Segment;

use writer::Shared;

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
        let (shared, thread) = writer::start(folder, last)?;
        Ok(Self { folder: folder.to_owned(), shared, writer: Some(thread), name, _lock: lock })
    }

    /// Names this journal among those of other services.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes an entry, which gets the next number. It is on disk when its ticket has been waited for: if it `is_awaited`, as soon
    /// as the disk can, else a little later.
    pub fn append(&self, entry: &Entry, is_awaited: bool) -> Result<Ticket, JournalError> {
        self.shared.append(entry, is_awaited).map(Ticket)
    }

    /// The ticket of the newest entry.
    pub fn newest(&self) -> Ticket {
        Ticket(self.shared.newest())
    }

    /// Waits until an entry is on disk.
    pub async fn wait(&self, Ticket(number): Ticket) -> Result<(), JournalError> {
        self.shared.written_up_to(number).await
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
        let (mut last, until) = (after, self.shared.written());
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::request::Transaction;

    fn entry(name: usize) -> Entry {
        let transaction = StoredTransaction::from(&Transaction::unknown());
        Entry { number: 0, made_at: 0, id: name.to_string(), fact: Fact::Asked, over: 0, transaction, predictions: Vec::new() }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names = Vec::new();
        drop(Journal::open(folder, |entry| names.push(entry.id.clone())).expect("journal"));
        names
    }

    #[test]
    fn what_was_waited_for_is_on_disk_and_the_room_behind_it_is_no_damage() {
        let (folder, copy) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
        let journal = Journal::open(folder.path(), |_| {}).expect("journal");
        // One in three is in no hurry; the last one is waited for, and takes all before it along.
        let tickets: Vec<_> = (0..3_000).map(|name| journal.append(&entry(name), name % 3 > 0).expect("ticket")).collect();
        journal.wait_blocking(tickets[2_999]).expect("on disk");
        let segment = segments::list(folder.path()).expect("segments").remove(0);
        let bytes = fs::read(segment.path()).expect("segment");
        assert!(bytes.len().is_multiple_of(256 << 10) && bytes.ends_with(&[0; 8]), "room for more");
        // As a power cut would leave it, with one entry that is not whole.
        let cut = copy.path().join(segment.path().file_name().expect("name"));
        let end = bytes.iter().rposition(|byte| *byte != 0).expect("entries");
        fs::write(&cut, [&bytes[..end - 10], &[0; 4096]].concat()).expect("copy");
        assert_eq!(names(copy.path()).len(), 2_999);
        assert!(fs::metadata(&cut).expect("segment").len() < end as u64, "cut off behind the last whole entry");
        drop(journal);
        assert_eq!(fs::metadata(segment.path()).expect("segment").len(), end as u64 + 1, "closed, it has no room");
        assert_eq!(names(folder.path()), (0..3_000).map(|name| name.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn an_entry_that_nobody_waits_for_is_written_all_the_same() {
        let folder = tempfile::tempdir().expect("folder");
        let journal = Journal::open(folder.path(), |_| {}).expect("journal");
        let ticket = journal.append(&entry(7), false).expect("ticket");
        while journal.shared.written() < ticket.0 {
            std::thread::yield_now();
        }
        let mut seen = Vec::new();
        let read = journal.read_after(Ticket(0), |entry| {
            seen.push(entry.id);
            Ok(())
        });
        read.expect("entries");
        assert_eq!(seen, ["7"]);
    }
}
