//! The sources API: the files of sources over HTTP.
//!
//! One folder, flat, is listed, served (whole or in ranges, with validators), filled and split into parts. A file appears
//! under its name only when it is complete, and stays whole for whoever is reading it while it is replaced.

mod content_type;
mod file_name;
mod folder;
mod range;
mod router;
mod routes;
mod run;
mod split;
mod upload;
mod validators;

pub use file_name::{FileName, InvalidFileName};
pub use folder::{Folder, FolderError};
pub use router::{AppState, router};
pub use run::{RunError, run};
pub use split::{SplitError, SplitPart, split_csv};
