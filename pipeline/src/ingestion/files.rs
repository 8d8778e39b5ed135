//! Which files belong to a source, what they contain, and how they are opened.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::IngestError;

/// Bytes read at once.
const BUFFER: usize = 1 << 18;

/// The files of `folder` whose names fit `pattern`, in order of name.
pub(crate) fn find_files(folder: &Path, pattern: &str) -> Result<Vec<(String, PathBuf)>, IngestError> {
    let failed = |error| IngestError::Folder { path: folder.display().to_string(), source: error };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        if matches(pattern, &name) && std::fs::metadata(entry.path()).map_err(failed)?.is_file() {
            files.push((name, entry.path()));
        }
    }
    files.sort();
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

/// SHA-256 of the file's bytes as they lie on disk, in hexadecimal.
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
