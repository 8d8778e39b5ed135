//! Requests as types: what does not fit is refused while it is read, with the field named.

pub mod arrow;
pub mod cell;
mod columns;
mod errors;
pub mod identifier;
mod instant;
pub mod number;
mod text;
pub mod transaction;

pub use columns::Column;
pub use errors::TerminalErrors;
pub use identifier::Identifier;
pub use instant::Instant;
pub use text::ShortText;

pub use transaction::Transaction;
