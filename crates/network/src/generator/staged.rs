//! Files that appear whole or not at all.

use std::{
    fs::{self, File},
    io::{BufWriter, ErrorKind, Write},
    path::{Path, PathBuf},
};

use super::GenerateError;

/// Large enough that a million rows are about a hundred writes.
const BUFFER_BYTES: usize = 1 << 20;

/// A file being written under a temporary name, `.<name>.partial` in the same folder. It gets its own name by
/// [`publish`]; dropped before that, it is removed. One left by a killed process is overwritten by the next run.
pub(super) struct StagedFile {
    /// None once the file is whole.
    writer: Option<BufWriter<File>>,
    staged: PathBuf,
    pub path: PathBuf,
    pub bytes: u64,
    is_published: bool,
}

impl StagedFile {
    pub fn create(dir: &Path, name: &str) -> Result<Self, GenerateError> {
        let staged = dir.join(format!(".{name}.partial"));
        let file = File::create(&staged).map_err(|source| GenerateError::Write { path: staged.clone(), source })?;
        let writer = Some(BufWriter::with_capacity(BUFFER_BYTES, file));
        Ok(Self { writer, staged, path: dir.join(name), bytes: 0, is_published: false })
    }

    pub fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.bytes += bytes.len() as u64;
        self.writer.as_mut().map_or(Ok(()), |writer| writer.write_all(bytes))
    }

    /// Ends the file: nothing can be written any more, and its buffer is given back.
    pub fn end(&mut self) -> Result<(), GenerateError> {
        let flushed = self.writer.take().map_or(Ok(()), |mut writer| writer.flush());
        flushed.map_err(|source| GenerateError::Write { path: self.staged.clone(), source })
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
pub(super) fn publish(mut files: Vec<StagedFile>) -> Result<(), GenerateError> {
    for file in &mut files {
        file.end()?;
    }
    if let Some(marker) = files.last() {
        match fs::remove_file(&marker.path) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                return Err(GenerateError::Publish { path: marker.path.clone(), source });
            }
            _ => {}
        }
    }
    for file in &mut files {
        fs::rename(&file.staged, &file.path).map_err(|source| GenerateError::Publish { path: file.path.clone(), source })?;
        file.is_published = true;
    }
    Ok(())
}
