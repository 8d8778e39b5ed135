//! One integration binary.

mod data;
mod families;
mod real_data;
mod report;
mod training;
