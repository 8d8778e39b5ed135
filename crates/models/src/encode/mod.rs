//! From inputs to numbers: the only implementation of every transform.
//!
//! An [`Encoder`] is fitted once, on the training rows, and stored inside the artifact. A record and a column go through the
//! same function, so live and batch scores of one row are the same to the bit.

mod batch;
mod encoder;
mod transform;

pub use batch::{BoundEncoder, Layout};
pub use encoder::{Encoder, EncoderError, Input, InputError};
