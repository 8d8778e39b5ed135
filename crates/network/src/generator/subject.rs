//! The subjects that draw, each from a stream of randomness of its own.

use lakehouse_generate::Random;

/// One in parts per billion.
pub(super) const BILLION: u64 = 1_000_000_000;

/// What is drawn for. The numbers follow those of the other samples, so that none shares a stream.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    Sites = 101,
    Load,
    Episodes,
    Nodes,
    Links,
    Firewalls,
}

impl Stream {
    /// Opens the subject's stream.
    pub fn random(self, seed: u64) -> Random {
        Random::new(seed, self as u64)
    }
}
