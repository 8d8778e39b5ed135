//! The segment that grows.
//!
//! Forcing a file that became longer forces the file system's own journal too, which is a second thing to wait for. So the file
//! is made longer ahead of its entries, by zeros, which no entry begins with; they are cut off when it is closed.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    time::Instant,
};

use metrics::{Counter, Histogram, counter, histogram};

use super::{JournalError, disk, segments::Segment};

/// The file's length is a multiple of this while it grows.
const ROOM_BYTES: u64 = 256 << 10;
static ZEROS: [u8; ROOM_BYTES as usize] = [0; ROOM_BYTES as usize];

/// A segment, open for writing.
pub struct Growing {
    folder: PathBuf,
    segment: Segment,
    file: File,
    /// How many bytes of entries it has.
    bytes: u64,
    /// How long the file is.
    length: u64,
    measures: Option<(Counter, Histogram)>,
}

impl Growing {
    /// The segment of the entries from `first` on.
    pub fn open(folder: &Path, first: u64) -> Result<Self, JournalError> {
        let segment = Segment::new(folder, first);
        let file = segment.create()?;
        Ok(Self { folder: folder.to_owned(), segment, file, bytes: 0, length: 0, measures: None })
    }

    /// How many bytes of entries it has.
    pub fn holds_bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds entries; they are on disk when this returns.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        let started = Instant::now();
        self.try_to_write(bytes).map_err(disk("write", self.segment.path()))?;
        // Made with the first entries: a journal may be opened before the recorder of the metrics is there.
        let measures = || (counter!("journal_commits_total"), histogram!("journal_commit_seconds"));
        let (commits, seconds) = self.measures.get_or_insert_with(measures);
        commits.increment(1);
        seconds.record(started.elapsed().as_secs_f64());
        Ok(())
    }

    fn try_to_write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.bytes)?;
        let end = self.bytes + bytes.len() as u64;
        if end > self.length {
            let length = end.next_multiple_of(ROOM_BYTES);
            let room = usize::try_from(length - end).unwrap_or_default();
            self.file.write_all_at(ZEROS.get(..room).unwrap_or_default(), end)?;
            self.length = length;
        }
        self.bytes = end;
        self.file.sync_data()
    }

    /// Cuts off what no entry needed.
    pub fn close(&self) -> Result<(), JournalError> {
        let cut = self.file.set_len(self.bytes).and_then(|()| self.file.sync_all());
        cut.map_err(disk("write", self.segment.path()))
    }

    /// Closes it; the entries from `first` on have a segment of their own.
    pub fn followed_by(&self, first: u64) -> Result<Self, JournalError> {
        self.close()?;
        let next = Self::open(&self.folder, first)?;
        Ok(Self { measures: self.measures.clone(), ..next })
    }
}
