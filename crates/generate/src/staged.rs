//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StagedError {
    /// It could not be written.
    #[error("failed to write `{path}`")]
    Write {
        /// The file, under its temporary name.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It is whole and could not be given its name.
    #[error("failed to publish `{path}`")]
    Publish {
        /// The file, under its final name.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// Large enough that a million rows are about a hundred writes.
const BUFFER_BYTES: usize = 1 << 20;

/// A file being written under a temporary name, `.<name>.partial` in the same folder. It gets its own name by
/// [`publish`]; dropped before that, it is removed. One left by a killed process is overwritten by the next run.
pub struct StagedFile {
    /// None once the file is whole.
    writer: Option<BufWriter<File>>,
    staged: PathBuf,
    path: PathBuf,
    bytes: u64,
    is_published: bool,
}

impl StagedFile {
    /// Starts the file `name` of the folder `dir`.
    pub fn create(dir: &Path, name: &str) -> Result<Self, StagedError> {
        let staged = dir.join(format!(".{name}.partial"));
        let file = File::create(&staged).map_err(|source| StagedError::Write { path: staged.clone(), source })?;
        let writer = Some(BufWriter::with_capacity(BUFFER_BYTES, file));
        Ok(Self { writer, staged, path: dir.join(name), bytes: 0, is_published: false })
    }

    /// Appends to the file.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StagedError> {
        self.bytes += bytes.len() as u64;
        let written = self.writer.as_mut().map_or(Ok(()), |writer| writer.write_all(bytes));
        written.map_err(|source| self.write_error(source))
    }

    /// Ends the file: nothing is written any more, and its buffer is given back.
    pub fn end(&mut self) -> Result<(), StagedError> {
        let flushed = self.writer.take().map_or(Ok(()), |mut writer| writer.flush());
        flushed.map_err(|source| self.write_error(source))
    }

    /// Where it will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn write_error(&self, source: io::Error) -> StagedError {
        StagedError::Write { path: self.staged.clone(), source }
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if !self.is_published {
            // Nothing to tell anybody: the caller already holds the error that brought us here.
            let _ = fs::remove_file(&self.staged);
        }
    }
}

/// Gives whole files their final names, replacing what was there.
///
/// The last of `files` marks the set: an older one of its name is removed before the first is renamed, and it is renamed
/// last. So where it stands, the others stand and belong to it, even if the process is killed in between.
pub fn publish(mut files: Vec<StagedFile>) -> Result<(), StagedError> {
    for file in &mut files {
        file.end()?;
    }
    if let Some(marker) = files.last() {
        match fs::remove_file(&marker.path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(StagedError::Publish { path: marker.path.clone(), source });
            }
            _ => {}
        }
    }
    for file in &mut files {
        fs::rename(&file.staged, &file.path).map_err(|source| StagedError::Publish { path: file.path.clone(), source })?;
        file.is_published = true;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_file_leaves_nothing_and_a_published_one_only_itself() {
        let dir = tempfile::tempdir().unwrap();
        let names = || fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();

        let mut file = StagedFile::create(dir.path(), "rows.csv").unwrap();
        file.write(b"half").unwrap();
        assert_eq!(names(), [".rows.csv.partial"]);
        drop(file);
        assert!(names().is_empty());

        let mut file = StagedFile::create(dir.path(), "rows.csv").unwrap();
        file.write(b"whole").unwrap();
        assert_eq!(file.bytes(), 5);
        publish(vec![file]).unwrap();
        assert_eq!(names(), ["rows.csv"]);
        assert_eq!(fs::read(dir.path().join("rows.csv")).unwrap(), b"whole");
    }
}
