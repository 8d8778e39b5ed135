//! The random words and the few samplers everything is drawn with, all in whole numbers.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// One in fixed point.
const ONE: i64 = 1 << 16;

/// One in parts per billion.
pub(super) const BILLION: u64 = 1_000_000_000;

/// The subjects that draw, each from a stream of its own.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    Sites = 1,
    Load,
    Episodes,
    Nodes,
    Links,
    Firewalls,
}

/// One stream of one seed.
pub(super) struct Random(ChaCha8Rng);

impl Random {
    pub fn new(seed: u64, stream: Stream) -> Self {
        // The key is spelled out, as the crates' own expansion of a short seed is not promised to stay.
        let mut key = *b"........lakehouse networkstreams";
        for (place, byte) in key.iter_mut().zip(seed.to_le_bytes()) {
            *place = byte;
        }
        let mut words = ChaCha8Rng::from_seed(key);
        words.set_stream(stream as u64);
        Self(words)
    }

    /// A whole number from 0 to just under `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A whole number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).max(1) as u64) as i64
    }

    /// True in `per_billion` of a billion cases.
    pub fn chance(&mut self, per_billion: u64) -> bool {
        self.below(BILLION) < per_billion
    }

    /// True in `percent` of a hundred cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `items`, by its weight.
    pub fn pick<'a, T>(&mut self, items: &'a [(T, u64)]) -> Option<&'a T> {
        let mut at = self.below(items.iter().map(|(_, weight)| weight).sum());
        items.iter().find_map(|(item, weight)| match at.checked_sub(*weight) {
            Some(left) => {
                at = left;
                None
            }
            None => Some(item),
        })
    }

    /// A bell around 0 with the standard deviation `spread`: four uniforms added up.
    pub fn bell(&mut self, spread: i64) -> i64 {
        let word = self.0.next_u64();
        let sum: i64 = (0..4).map(|part| (word >> (part * 16) & 0xFFFF) as i64).sum();
        // Four uniforms of sixteen bits have mean 131,070 and standard deviation 37,837; 113,512 is 2^32 / 37,837.
        let deviation = ((sum - 131_070) * 113_512) >> 16;
        (deviation * spread + ONE / 2) >> 16
    }

    /// A waiting time whose mean is about `mean`: short ones are common, long ones rare.
    pub fn waiting(&mut self, mean: i64) -> i64 {
        let word = self.0.next_u64() | 1;
        // -log2 of the word as a fraction of 2^64, with the logarithm read off a line between powers of two.
        let shift = word.leading_zeros();
        let mantissa = (word << shift >> 47) as i64 - ONE;
        let doublings = i64::from(shift + 1) * ONE - mantissa;
        // A doubling is ln 2 = 0.693 of the mean.
        doublings * mean * 693 / (1_000 * ONE)
    }
}

#[cfg(test)]
mod tests {
    use super::{Random, Stream};

    #[test]
    fn samplers_keep_their_promises() {
        let mut random = Random::new(7, Stream::Load);
        let variance = (0..20_000).map(|_| random.bell(1_000).pow(2)).sum::<i64>() / 20_000;
        assert!((960_000..1_040_000).contains(&variance), "variance {variance}");
        let mean = (0..20_000).map(|_| random.waiting(1_000)).sum::<i64>() / 20_000;
        assert!((900..1_100).contains(&mean), "mean wait {mean}");
        assert!((0..1_000).all(|_| (3..=5).contains(&random.between(3, 5))));
        let picks = (0..4_000).filter(|_| random.pick(&[('a', 1), ('b', 0), ('c', 3)]) == Some(&'c')).count();
        assert!((2_850..3_150).contains(&picks));
        assert_eq!(random.pick::<u8>(&[]), None);
    }

    #[test]
    fn streams_and_seeds_differ() {
        let word = |seed, stream| Random::new(seed, stream).below(u64::MAX);
        assert_ne!(word(42, Stream::Load), word(42, Stream::Nodes));
        assert_ne!(word(42, Stream::Load), word(43, Stream::Load));
    }
}
