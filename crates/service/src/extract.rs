//! Bodies, queries and paths as types; what does not fit is refused with a sentence that names the field.

mod idempotency_key;
mod json;
mod params;

pub use idempotency_key::IdempotencyKey;
pub use json::JsonBody;
pub use params::{PathParams, QueryParams};
