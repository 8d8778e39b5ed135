//! Why a source could not be ingested. Every variant names the source or file, so that its text is the whole answer.

use lakehouse_lake::LakeError;
use lakehouse_landing::LandingError;
use lakehouse_postgres::PostgresError;
use lakehouse_spec::SourceName;

/// A source that failed. No table has changed.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The sources folder cannot be listed.
    #[error("failed to list the sources folder `{path}`")]
    Folder {
        /// The folder.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No file belongs to the source.
    #[error("source `{source_name}`: no file `{pattern}` (or .gz, .zst of it) in `{folder}`")]
    Missing {
        /// The source.
        source_name: SourceName,
        /// What its files are called.
        pattern: String,
        /// Where they were looked for.
        folder: String,
    },
    /// A snapshot source has more than one file.
    #[error("source `{source_name}`: {files} are all there, but a snapshot is one file; remove all but one")]
    Ambiguous {
        /// The source.
        source_name: SourceName,
        /// The files, comma-joined.
        files: String,
    },
    /// A file does not have the shape its contract promises.
    #[error("source `{source_name}`: `{file}` {reason}")]
    Shape {
        /// The source.
        source_name: SourceName,
        /// The file.
        file: String,
        /// What is wrong, as the end of a sentence.
        reason: String,
    },
    /// A file could not be read to its end.
    #[error("source `{source_name}`: failed to read `{file}`; is it whole?")]
    Read {
        /// The source.
        source_name: SourceName,
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database of the source failed.
    #[error("source `{source_name}`: its database cannot be read")]
    Database {
        /// The source.
        source_name: SourceName,
        /// Why.
        #[source]
        source: PostgresError,
    },
    /// The rows could not be stored.
    #[error("source `{source_name}`: failed to store its rows")]
    Store {
        /// The source.
        source_name: SourceName,
        /// Why.
        #[source]
        source: LakeError,
    },
    /// Pushed rows could not be taken.
    #[error("source `{source_name}`: failed to take the rows that were pushed")]
    Landing {
        /// The source.
        source_name: SourceName,
        /// Why.
        #[source]
        source: LandingError,
    },
    /// The sources API did not give its files.
    #[error("failed to fetch the sources from `{url}`")]
    Fetch {
        /// The address.
        url: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
