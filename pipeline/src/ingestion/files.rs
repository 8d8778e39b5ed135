//! Which files belong to a source, what they contain, and how they are opened.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

use lakehouse_spec::{SourceContract, SourceMode, SourceName};
use sha2::{Digest as _, Sha256};

use super::IngestError;

/// Bytes read at once.
const BUFFER: usize = 1 << 18;

/// A file of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// The files of `contract` in `folder`, in order of name; at least one.
pub(crate) fn find_files(folder: &Path, source: &SourceName, contract: &SourceContract) -> Result<Vec<SourceFile>, IngestError> {
    let failed = |error| IngestError::Folder { path: folder.display().to_string(), source: error };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let metadata = std::fs::metadata(entry.path()).map_err(failed)?;
        if metadata.is_file() && matches(&contract.files, &name) {
            files.push(SourceFile { path: entry.path(), name, bytes: metadata.len() });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    if files.is_empty() {
        return Err(IngestError::Missing {
            source_name: source.clone(),
            pattern: contract.files.clone(),
            folder: folder.display().to_string(),
        });
    }
    if contract.mode == SourceMode::Snapshot && files.len() > 1 {
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        return Err(IngestError::Ambiguous { source_name: source.clone(), files: names.join(", ") });
    }
    Ok(files)
}

/// Does a file's name fit the pattern, compressed or not?
fn matches(pattern: &str, name: &str) -> bool {
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(name);
    match pattern.split_once('*') {
        None => name == pattern,
        Some((start, end)) => name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end),
    }
}

/// SHA-256 of the file's bytes as they lie on disk, as hex: the batch's name.
pub(crate) fn content_hash(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(hash.finalize())),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// The file's content, decompressed by its name's ending.
pub(crate) fn open(path: &Path) -> std::io::Result<Box<dyn Read + Send>> {
    let file = File::open(path)?;
    let reader = BufReader::with_capacity(BUFFER, file);
    Ok(match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
        Some("zst") => Box::new(zstd::Decoder::with_buffer(reader)?),
        _ => Box::new(reader),
    })
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_anything_and_compression_does_not_count() {
        for name in ["transactions_data.csv", "transactions_data_part2.csv.gz", "transactions_data-2019.csv.zst"] {
            assert!(matches("transactions_data*.csv", name), "{name}");
        }
        for name in ["transactions.csv", "transactions_data.json", "transactions_data.csv.bak", "x_transactions_data.csv"] {
            assert!(!matches("transactions_data*.csv", name), "{name}");
        }
    }
}
