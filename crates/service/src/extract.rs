//! Bodies, queries and paths as types; what does not fit is refused with a sentence that names the field.

mod json;
mod params;

pub use json::JsonBody;
pub use params::{PathParams, QueryParams};
