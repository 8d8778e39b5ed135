//! Models that were fitted elsewhere: ONNX files of binary classifiers, turned into our own scoring forms when they come in.
//!
//! Nothing of ONNX is left when a model scores: its trees become a [`Forest`](lakehouse_models::Forest) and its weights a
//! [`Linear`](lakehouse_models::Linear), so it is served, explained and watched like any other. What cannot be turned into one
//! of them exactly is refused by the name of its operator. ONNX computes in single precision; thresholds are moved so that every
//! double goes the way that its rounding to single precision goes there.
//!
//! A file comes with an [`Import`]: the inputs of the model, and sample rows with the probabilities that the model gave them
//! where it was fitted. A model whose scores are further than [`MAX_DIFFERENCE`] away from them is refused.
//!
//! <https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md>

mod attributes;
mod chain;
mod error;
mod graph;
mod import;
mod linear;
mod proto;
mod trees;
mod wire;

pub use error::ImportError;
pub use import::{Import, Imported, MAX_DIFFERENCE, MAX_FILE_BYTES, MAX_SAMPLE_ROWS, SampleRow};
