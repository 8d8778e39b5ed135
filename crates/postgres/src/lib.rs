//! PostgreSQL on both ends of a lake.
//!
//! As a source: [`load`] adds the rows of a CSV file to a source's table under a date of their own, and a [`Snapshot`] gives the
//! rows of each date as CSV again, for ingestion. As a sink: a [`Publication`] brings tables up to date in one transaction, without
//! ever standing in a reader's way.
//!
//! Bulk rows travel by `copy`, in both directions, a buffer at a time.

mod binary;
mod columns;
mod database;
mod error;
mod load;
mod names;
mod publish;
mod snapshot;

pub use binary::{CopyRows, Unstorable};
pub use database::Database;
pub use error::PostgresError;
pub use load::{LoadError, LoadJob, Loaded, Verdict, load};
pub use publish::{Publication, PublishTable, SqlType, Target};
pub use snapshot::{Snapshot, SourceTable};
