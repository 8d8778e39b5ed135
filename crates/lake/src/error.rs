//! What can go wrong between a table and its storage.

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use deltalake::DeltaTableError;

use crate::{At, QueryRefusal, unspilled::JoinTooLarge};

/// A failed act on the lake, with its object. The cause is the source.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The lake's address is neither a path nor a supported URL.
    #[error("`{location}` is not a lake: give a folder, a file:// or an s3:// URL")]
    Location {
        /// As given.
        location: String,
    },
    /// The root folder or its store cannot be used.
    #[error("failed to open the lake at `{location}`")]
    Open {
        /// The lake's root.
        location: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A table could not be read from its log.
    #[error("failed to read the log of `{table}`")]
    Log {
        /// The table, with its domain.
        table: String,
        /// Why.
        #[source]
        source: Box<DeltaTableError>,
    },
    /// Rows could not be written.
    #[error("failed to write rows for `{table}`")]
    Write {
        /// The table, with its domain.
        table: String,
        /// Why.
        #[source]
        source: Box<DeltaTableError>,
    },
    /// A commit failed after every try.
    #[error("failed to commit to `{table}` after {tries} tries")]
    Commit {
        /// The table, with its domain.
        table: String,
        /// How often it was tried.
        tries: u32,
        /// Why the last one failed.
        #[source]
        source: Box<DeltaTableError>,
    },
    /// The files of a table hold other rows than its log says.
    #[error("`{table}` is left as it is: {read} rows were read where its log counts {expected}")]
    RowCount {
        /// The table, with its domain.
        table: String,
        /// By the log.
        expected: u64,
        /// By its files.
        read: u64,
    },
    /// A table does not exist.
    #[error("no table is called `{table}`")]
    UnknownTable {
        /// As written in the SQL.
        table: String,
    },
    /// A table has no such version, or not any more.
    #[error("`{table}` cannot be read at {at}: it was not there, or its files have been removed")]
    UnknownVersion {
        /// The table, with its domain.
        table: String,
        /// Which version.
        at: At,
    },
    /// A statement is not one read-only query.
    #[error("the statement is not a read-only query: {reason}")]
    NotReadOnly {
        /// What it is instead.
        reason: String,
    },
    /// A query could not be parsed or planned.
    #[error("the query is not valid")]
    Plan {
        /// Where and why.
        #[source]
        source: Box<DataFusionError>,
    },
    /// A query failed while it ran.
    #[error("the query failed")]
    Execute {
        /// Why.
        #[source]
        source: Box<DataFusionError>,
    },
    /// The object store failed.
    #[error("the store failed on `{path}`")]
    Store {
        /// The object.
        path: String,
        /// Why.
        #[source]
        source: object_store::Error,
    },
    /// It was told to stop. Nothing of it is visible.
    #[error("stopped before it was written")]
    Stopped,
    /// The store let two writers create the same object.
    #[error("the store let {winners} of {writers} writers create the same object: it cannot keep commits apart")]
    UnsafeStore {
        /// How many succeeded; exactly one should.
        winners: usize,
        /// How many tried.
        writers: usize,
    },
}

impl LakeError {
    pub(crate) fn plan(source: DataFusionError) -> Self {
        Self::Plan { source: Box::new(source) }
    }

    pub(crate) fn execute(source: DataFusionError) -> Self {
        Self::Execute { source: Box::new(source) }
    }

    /// Did the query fail over itself or the values it met, such as a division by zero? A second try would fail as well.
    pub fn is_of_the_query(&self) -> bool {
        let Self::Execute { source } = self else { return false };
        match source.find_root() {
            DataFusionError::ArrowError(error, _) => !matches!(**error, ArrowError::IoError(..) | ArrowError::ExternalError(_)),
            DataFusionError::Execution(_)
            | DataFusionError::Plan(_)
            | DataFusionError::SchemaError(..)
            | DataFusionError::NotImplemented(_) => true,
            _ => false,
        }
    }

    /// What the query wanted that nobody gets.
    pub fn refusal(&self) -> Option<&QueryRefusal> {
        let (Self::Plan { source } | Self::Execute { source }) = self else { return None };
        match source.find_root() {
            DataFusionError::External(error) => error.downcast_ref(),
            _ => None,
        }
    }

    /// Did the query fail because it asked for more memory than the lake may use?
    pub fn is_out_of_memory(&self) -> bool {
        match self {
            Self::Plan { source } | Self::Execute { source } => {
                let root = source.find_root();
                matches!(root, DataFusionError::ResourcesExhausted(_)) || JoinTooLarge::is_in(root)
            }
            _ => false,
        }
    }
}
