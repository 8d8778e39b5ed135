//! The one door to storage and tables.
//!
//! A [`Lake`] is a root folder (`file:///…` or `s3://bucket/…`) with Delta tables at `<root>/<schema>/<domain>/<table>`. Everything that opens,
//! reads or commits a table goes through it: [`LakeTable`] is one version of one table, pinned; [`Session`] runs read-only SQL
//! over pinned tables with bounded memory; [`DataFiles`] are rows already written and not yet visible; a [`Change`] makes them so in
//! one commit, at most once.
//!
//! Tables are plain Delta (no deletion vectors, no column mapping), so a scan is a Parquet scan over an exact file list.

mod added;
mod at;
mod bounded;
mod catalogue;
mod checkpoint;
mod commit;
mod compact;
mod described;
mod error;
mod guarded;
mod leash;
mod leashed;
mod lists;
mod location;
mod log;
mod log_store;
mod modest;
mod prepared;
mod probe;
mod quarantine;
mod refusal;
mod restore;
mod scan;
mod session;
mod share;
mod store;
mod table;
mod table_query;
mod tasks;
mod transient;
mod unspilled;
mod vacuum;
mod viewer;
mod wording;
mod write;

pub use at::At;
pub use catalogue::Rewritten;
pub use checkpoint::{LogCare, LogLimits};
pub use commit::{Change, ChangeMode, Committed};
pub use compact::{Compacted, CompactionPlan};
pub use datafusion::physical_plan::SendableRecordBatchStream;
pub use described::Description;
pub use error::LakeError;
pub use leash::Leash;
pub use location::LakeLocation;
pub use prepared::{BoundValue, BoundValues, PreparedQuery};
pub use probe::{ProbeReport, probe_put_if_absent};
pub use quarantine::{Quarantine, RefusedRow};
pub use refusal::QueryRefusal;
pub use session::{QueryStream, Session, TableReferences};
pub use store::{Lake, LakeOptions};
pub use table::{CommitNote, DataFile, LakeTable};
pub use table_query::{Comparison, Filter, TableQuery, TableQueryError};
pub use tasks::join_all;
pub use transient::is_transient;
pub use vacuum::DeadFile;
pub use viewer::{Showing, Viewer};
pub use write::{DataFiles, TableWriter, WriteLayout};
