//! The metadata database: which runs there were, what their steps did, what happened, who may run now, and who may ask.
//!
//! One file of SQLite by default, PostgreSQL when the address says so. Both get the same SQL text; what differs is kept in
//! `backend.rs` and in the one migration that gives their clocks the same name. The schema is embedded and brought up to date
//! by whoever opens the database first; a database from a newer program is refused.
//!
//! Instants are kept in microseconds. They are the caller's, except those of leases, which are the database's: clocks that
//! disagree between hosts cannot let two holders in.

mod address;
mod audit;
mod backend;
mod connect;
mod error;
mod events;
mod keys;
mod leases;
mod metadata;
mod record;
mod requests;
mod runs;
mod schema;
mod sessions;
mod steps;
mod users;
mod value;
mod words;

pub use audit::{AuditFilter, AuditRecord, NewAudit};
pub use error::MetadataError;
pub use events::{EventFilter, EventRecord, NewEvent};
pub use keys::{KeyRecord, NewKey};
pub use leases::{Lease, LeaseOutcome, LeaseState};
pub use metadata::Metadata;
pub use requests::RunRequest;
pub use runs::{NewRun, RunCursor, RunEnd, RunFilter, RunRecord};
pub use sessions::{Rotation, SessionRecord};
pub use steps::StepRecord;
pub use users::{NewUser, UserRecord};
pub use words::{EventLevel, RunOutcome, RunStatus, RunTrigger, SessionEnd, StepStatus, UnknownWord};
