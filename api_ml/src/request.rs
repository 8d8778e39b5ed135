//! Requests as types: what does not fit is refused while it is read, with the field named.

mod columns;
mod errors;
mod identifier;
mod instant;
mod number;
mod text;
mod transaction;

pub use columns::Column;
pub use instant::Instant;
pub use transaction::Transaction;
