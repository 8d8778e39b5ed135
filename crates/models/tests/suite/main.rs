//! One integration binary.

mod encoding;
mod forms;
mod metrics;
