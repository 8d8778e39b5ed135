//! The files of a journal.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Entry, JournalError, disk, frames};

const EXTENSION: &str = "journal";

/// A file of entries.
#[derive(Debug, Clone)]
pub struct Segment {
    /// The number of its first entry.
    pub first: u64,
    path: PathBuf,
}

impl Segment {
    pub(super) fn new(folder: &Path, first: u64) -> Self {
        Self { first, path: folder.join(format!("{first:020}.{EXTENSION}")) }
    }

    /// Makes it; it is there when this returns.
    pub(super) fn create(&self) -> Result<File, JournalError> {
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(&self.path);
        let file = file.map_err(disk("write", &self.path))?;
        file.sync_all().and_then(|()| sync_folder(&self.path)).map_err(disk("write", &self.path))?;
        Ok(file)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Are its predictions in landing?
    pub fn is_shipped(&self) -> bool {
        self.marker().is_file()
    }

    /// Notes that they are.
    pub fn mark_shipped(&self) -> Result<(), JournalError> {
        let marker = self.marker();
        let made = File::create(&marker).and_then(|file| file.sync_all()).and_then(|()| sync_folder(&marker));
        made.map_err(disk("write", &marker))
    }

    /// How long ago something was written to it.
    pub fn age(&self) -> Duration {
        let modified = fs::metadata(&self.path).and_then(|found| found.modified());
        modified.ok().and_then(|modified| modified.elapsed().ok()).unwrap_or_default()
    }

    /// Removes it.
    pub fn remove(&self) -> Result<(), JournalError> {
        fs::remove_file(&self.path).map_err(disk("remove", &self.path))?;
        // A marker without its segment says nothing.
        let _ = fs::remove_file(self.marker());
        Ok(())
    }

    fn marker(&self) -> PathBuf {
        self.path.with_extension("shipped")
    }
}

/// Every segment, oldest first.
pub fn list(folder: &Path) -> Result<Vec<Segment>, JournalError> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder).map_err(disk("read", folder))? {
        let path = entry.map_err(disk("read", folder))?.path();
        let is_segment = path.extension().is_some_and(|extension| extension == EXTENSION);
        if let Some(first) = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok()).filter(|_| is_segment) {
            segments.push(Segment { first, path });
        }
    }
    segments.sort_unstable_by_key(|segment| segment.first);
    Ok(segments)
}

/// Shows the whole entries of a segment, which may be growing.
pub fn read(segment: &Segment, see: impl FnMut(Entry) -> Result<(), JournalError>) -> Result<(), JournalError> {
    show(segment, see).map(drop)
}

/// Shows the entries of a segment. Of the last one, the room behind them and an entry that a crash cut short are cut off.
pub fn recover(segment: &Segment, is_last: bool, see: impl FnMut(Entry) -> Result<(), JournalError>) -> Result<(), JournalError> {
    let (good, End { length, is_room }) = show(segment, see)?;
    if good == length {
        return Ok(());
    }
    if !is_last {
        return Err(JournalError::Damaged { path: segment.path.clone(), at: good });
    }
    let path = &segment.path;
    if !is_room {
        tracing::warn!(path = %path.display(), bytes = length - good, "the end of `{}` was never acknowledged and is cut off", path.display());
    }
    let cut = OpenOptions::new().write(true).open(path).and_then(|file| {
        file.set_len(good)?;
        file.sync_all()
    });
    cut.map_err(disk("write", path))
}

/// The name of the journal in `folder`, given once.
pub fn name(folder: &Path) -> Result<String, JournalError> {
    let path = folder.join("name");
    if let Some(name) = fs::read_to_string(&path).ok().filter(|name| name.len() == 16) {
        return Ok(name);
    }
    let name = format!("{:016x}", rand::random::<u64>());
    let written = File::create(&path).and_then(|mut file| {
        file.write_all(name.as_bytes())?;
        file.sync_all()?;
        sync_folder(&path)
    });
    written.map_err(disk("write", &path))?;
    Ok(name)
}

/// How a file ends.
struct End {
    length: u64,
    /// Nothing but zeros is behind its entries.
    is_room: bool,
}

/// Where the last whole entry ends, and how the file does.
fn show(segment: &Segment, mut see: impl FnMut(Entry) -> Result<(), JournalError>) -> Result<(u64, End), JournalError> {
    let bytes = fs::read(&segment.path).map_err(disk("read", &segment.path))?;
    let (mut at, mut rest) = (0, bytes.as_slice());
    while let Some((entry, length)) = frames::read(rest) {
        at += length;
        rest = bytes.get(at..).unwrap_or_default();
        see(entry)?;
    }
    let is_room = rest.iter().all(|byte| *byte == 0);
    Ok((at as u64, End { length: bytes.len() as u64, is_room }))
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(path.parent().unwrap_or(path))?.sync_all()
}
