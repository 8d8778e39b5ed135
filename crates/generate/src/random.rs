//! The random words and the small samplers everything is drawn with.
//!
//! The samplers are approximate on purpose (a bell from four uniforms, a logarithm read off a straight line): a sample needs
//! believable shapes and identical bytes, not exact distributions. Fractions are fixed point with sixteen binary places, or
//! *hundredths of a doubling* where a factor is meant: 100 doubles, -100 halves.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// One in fixed point.
const ONE: i64 = 1 << 16;

/// One in parts per million.
pub(crate) const MILLION: u64 = 1_000_000;

/// One in parts per billion.
const BILLION: u64 = 1_000_000_000;

/// A source of randomness: one stream of one seed.
pub struct Random(ChaCha8Rng);

impl Random {
    /// Opens stream number `stream` of `seed`.
    pub fn new(seed: u64, stream: u64) -> Self {
        // The key is spelled out, as the crates' own expansion of a short seed is not promised to stay.
        let mut key = *b"........lakehouse sample streams";
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut words = ChaCha8Rng::from_seed(key);
        words.set_stream(stream);
        Self(words)
    }

    /// The next word of the stream.
    pub fn word(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A whole number from 0 to just under `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(bound)) >> 64) as u64
    }

    /// A whole number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as u64) as i64
    }

    /// True in `per_million` of a million cases.
    pub fn chance(&mut self, per_million: u64) -> bool {
        self.below(MILLION) < per_million
    }

    /// True in `per_billion` of a billion cases.
    pub fn chance_per_billion(&mut self, per_billion: u64) -> bool {
        self.below(BILLION) < per_billion
    }

    /// True in `percent` of a hundred cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `items` by its weight; none when there is no weight at all.
    pub fn pick_weighted<'a, T>(&mut self, items: &'a [(T, u64)]) -> Option<&'a T> {
        let mut at = self.below(items.iter().map(|(_, weight)| weight).sum());
        items.iter().find_map(|(item, weight)| match at.checked_sub(*weight) {
            Some(left) => {
                at = left;
                None
            }
            None => Some(item),
        })
    }

    /// One element of `items`, which must not be empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// A bell around 0 whose standard deviation is `spread`. Nothing lies further out than three and a half of them.
    pub fn bell(&mut self, spread: i64) -> i64 {
        let word = self.word();
        let sum: i64 = (0..4).map(|part| (word >> (part * 16) & 0xFFFF) as i64).sum();
        // Four uniforms of sixteen bits have mean 131,070 and standard deviation 37,837; 113,512 is 2^32 / 37,837.
        let deviation = ((sum - 131_070) * 113_512) >> 16;
        (deviation * spread + ONE / 2) >> 16
    }

    /// A waiting time whose mean is about `mean`: short ones are common, long ones rare.
    pub fn waiting(&mut self, mean: i64) -> i64 {
        let word = self.word() | 1;
        // -log2 of the word as a fraction of 2^64, with the logarithm read off a line between powers of two.
        let shift = word.leading_zeros();
        let mantissa = (word << shift >> 47) as i64 - ONE;
        let doublings = i64::from(shift + 1) * ONE - mantissa;
        // A doubling is ln 2 = 0.693 of the mean.
        doublings * mean * 693 / (1_000 * ONE)
    }

    /// A count of at least 1 and at most `most`, `mean` on average before the cut.
    pub fn count(&mut self, mean: i64, most: i64) -> i64 {
        (1 + self.waiting(mean * 100 - 50) / 100).min(most)
    }

    /// Puts `items` into a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

/// `value` times two to the power of `hundredths / 100`.
pub(crate) fn scale(value: i64, hundredths: i64) -> i64 {
    let power = hundredths.clamp(-2_000, 2_000) * ONE / 100;
    let (whole, fraction) = (power.div_euclid(ONE), power.rem_euclid(ONE));
    // A cubic through 1 at 0 and 2 at 1 that follows 2^x within a thousandth.
    let cubic = ((5_217 * fraction / ONE + 14_706) * fraction / ONE + 45_613) * fraction / ONE + ONE;
    let scaled = i128::from(value) * i128::from(cubic);
    (if whole >= 0 { scaled << whole } else { scaled >> -whole } >> 16) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_chacha8_and_streams_differ() {
        assert_eq!(Random::new(42, 1).word(), 10_484_428_708_419_399_177);
        assert_ne!(Random::new(42, 1).word(), Random::new(42, 2).word());
        assert_ne!(Random::new(42, 1).word(), Random::new(43, 1).word());
    }

    #[test]
    fn samplers_keep_their_promises() {
        let mut random = Random::new(7, 0);
        let bells: Vec<i64> = (0..20_000).map(|_| random.bell(1_000)).collect();
        let variance = bells.iter().map(|bell| bell * bell).sum::<i64>() / 20_000;
        assert!((960_000..1_040_000).contains(&variance), "variance {variance}");
        let mean = (0..20_000).map(|_| random.waiting(1_000)).sum::<i64>() / 20_000;
        assert!((900..1_100).contains(&mean), "mean wait {mean}");
        let mean = (0..20_000).map(|_| random.count(4, 100)).sum::<i64>() * 100 / 20_000;
        assert!((350..450).contains(&mean), "mean count {mean}");
        assert!((0..1_000).all(|_| (3..=5).contains(&random.between(3, 5))));
        let picks = (0..4_000).filter(|_| random.pick_weighted(&[('a', 1), ('b', 0), ('c', 3)]) == Some(&'c')).count();
        assert!((2_850..3_150).contains(&picks));
        assert_eq!(random.pick_weighted::<u8>(&[]), None);
    }

    #[test]
    fn scaling_doubles_and_halves() {
        assert_eq!(scale(1_000, 0), 1_000);
        assert_eq!(scale(1_000, 100), 2_000);
        assert_eq!(scale(1_000, -200), 250);
        assert!((1_413..=1_415).contains(&scale(1_000, 50)));
    }
}
