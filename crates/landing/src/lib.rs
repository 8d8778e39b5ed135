//! Where pushed rows wait until a run takes them: below `<lake>/landing/<domain>/<source>`, on the lake's own object store.
//!
//! ```text
//! rows/<instant>-<key>-<id>.ndjson.zst  the rows of one push
//! receipts/<key>.json                   makes them count: written once, if absent, after the rows
//! batches/<id>.ndjson.zst               the rows of all pushes that a run found
//! batches/00000001.json                 makes the batch count, and names its pushes
//! ```
//!
//! A push whose receipt is there is durable, and happens once however often it is sent. A run [gathers](Inbox::gather) what
//! waits into a batch, which is kept like a file of the sources folder: named, numbered, never changed. So a batch lands once
//! by the same rule as any file, and can be read again when its contract changes.

mod error;
mod gather;
mod inbox;
mod objects;
mod push;
mod receipt;
mod rows;

pub use error::LandingError;
pub use gather::Gathered;
pub use inbox::{Inbox, Landing};
pub use push::{Push, Pushed};
pub use receipt::{PushKey, Receipt, RefusedRow};
pub use rows::PushRows;
