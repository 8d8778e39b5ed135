//! The sources API: the files of sources over HTTP, and a door for their rows.
//!
//! One folder, flat, is listed, served (whole or in ranges, with validators), filled and split into parts. A file appears
//! under its name only when it is complete, and stays whole for whoever is reading it while it is replaced. Rows that are pushed to
//! a source are checked by its contract and wait beside the lake until a run takes them. Where a
//! PostgreSQL is configured, a file is loaded into the table of its source as the batch of a new date.

mod content_type;
mod file_name;
mod folder;
mod ingest;
mod range;
mod router;
mod routes;
mod run;
mod split;
mod tables;
mod upload;
mod validators;

pub use file_name::{FileName, InvalidFileName};
pub use folder::{Folder, FolderError};
pub use router::{AppState, router};
pub use run::{RunError, run};
pub use split::{SplitError, SplitPart, split_csv};
pub use tables::{Tables, TablesError};
