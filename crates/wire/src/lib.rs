//! PostgreSQL's wire protocol, version 3: what its messages look like, its types, and values of Arrow in its formats.
//!
//! As in the chapter "Frontend/Backend Protocol" of PostgreSQL's documentation. There is no socket here and no SQL. What comes from a
//! client is checked before it is believed: a message that is too long, cut short or of an unknown kind is an error, never a panic.

mod backend;
mod frontend;
mod kind;
mod parameter;
mod rows;
mod values;

pub use backend::{Fields, Status, write};
pub use frontend::{Frontend, ProtocolError, Startup, Target, message, startup};
pub use kind::{BASE, Kind, PgType};
pub use parameter::{BadParameter, Value, parameter};
pub use rows::{Framing, RowWriter};
