//! The tables that files are loaded into: those that the sources of domains declare, in one database.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read, Seek as _},
    sync::Arc,
};

use flate2::read::MultiGzDecoder;
use lakehouse_postgres::{Database, PostgresError};
use lakehouse_settings::Settings;
use lakehouse_spec::{DatabaseSpec, Domain, SourceContract};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

/// Loads follow each other in the database; more than a few at once would only wait there.
const LOADS_AT_ONCE: usize = 4;
const BUFFER_BYTES: usize = 1 << 18;

/// Why there are no tables.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    /// The address of the database cannot be used.
    #[error(transparent)]
    Database(#[from] PostgresError),
    /// Two sources would share a table.
    #[error("two sources declare the table `{0}`: a table belongs to one source")]
    Shared(String),
}

/// The tables, and the database they are in.
#[derive(Debug, Clone)]
pub struct Tables {
    pub(crate) database: Option<Database>,
    pub(crate) turns: Arc<Semaphore>,
    sources: Arc<BTreeMap<String, (SourceContract, DatabaseSpec)>>,
}

impl Tables {
    /// The tables that `domains` declare, in the database of the settings.
    pub fn new(settings: &Settings, domains: &[Domain]) -> Result<Self, TablesError> {
        let url = settings.source_database_url.as_ref();
        let database = url.map(|url| Database::parse("source_database_url", url.expose())).transpose()?;
        let mut sources = BTreeMap::new();
        for contract in domains.iter().flat_map(|domain| domain.sources.values()) {
            let Some(spec) = &contract.database else { continue };
            let name = spec.table.to_string();
            if sources.insert(name.clone(), (contract.clone(), spec.clone())).is_some() {
                return Err(TablesError::Shared(name));
            }
        }
        Ok(Self { database, turns: Arc::new(Semaphore::new(LOADS_AT_ONCE)), sources: Arc::new(sources) })
    }

    pub(crate) fn find(&self, name: &str) -> Option<(SourceContract, DatabaseSpec)> {
        self.sources.get(name).cloned()
    }
}

/// SHA-256 of a file's bytes as they lie on disk. Leaves it at its start.
pub(crate) fn content_hash(file: &mut File) -> io::Result<String> {
    file.rewind()?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; BUFFER_BYTES]);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    file.rewind()?;
    Ok(hex::encode(hash.finalize()))
}

/// The content of a file, decompressed by its name's ending, and refused beyond `max_bytes`.
pub(crate) fn content(file: File, name: &str, max_bytes: u64) -> io::Result<Box<dyn Read + Send>> {
    let reader = BufReader::with_capacity(BUFFER_BYTES, file);
    let plain: Box<dyn Read + Send> = match name.rsplit_once('.') {
        Some((_, "gz")) => Box::new(MultiGzDecoder::new(reader)),
        Some((_, "zst")) => Box::new(zstd::Decoder::with_buffer(reader)?),
        _ => Box::new(reader),
    };
    Ok(Box::new(Bounded { plain, left: max_bytes }))
}

/// Fails where a reader that is merely cut off would pass for a shorter file.
struct Bounded<R> {
    plain: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.plain.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::from(io::ErrorKind::FileTooLarge)),
        }
        Ok(read)
    }
}
