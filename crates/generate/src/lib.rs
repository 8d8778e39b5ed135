//! Sample source sets: files in the exact formats a domain ingests, made up from a seed.
//!
//! A sample is a pure function of its arguments: the same arguments give the same bytes on every platform, in every run and
//! with every version of the crates below. Three habits keep it so:
//!
//! - Randomness is the raw word stream of ChaCha8, whose output is fixed by its definition; each subject (users, merchants,
//!   fraud, …) reads a stream of its own, so a change in one leaves the draws of the others alone. Everything drawn from the
//!   words (bounded numbers, bells, waiting times, weighted choices) is our own, because distribution crates are free to
//!   change how they consume a stream.
//! - Samplers compute in whole numbers (fixed point where fractions are needed), never with `exp`, `ln` or `pow`, which
//!   differ between platforms' mathematical libraries. Money is whole cents from the draw to the file.
//! - Nothing iterates over a hash map, reads a clock or looks at the environment.
//!
//! Samples are written forward in time, a day at a time, so memory does not grow with the number of rows; and under
//! temporary names until they are whole (see [`generate_fraud`]).
//!
//! [`Random`], [`Date`] and [`StagedFile`] are what generators share; that of networks stands beside the routing it needs, in
//! `lakehouse-network`.

mod choice;
mod date;
mod error;
mod fraud;
mod random;
mod staged;
mod text;

pub use date::Date;
pub use error::GenerateError;
pub use fraud::{FRAUD_FILES, FraudSample, FraudSummary, generate_fraud};
pub use random::Random;
pub use staged::{StagedError, StagedFile, publish};
