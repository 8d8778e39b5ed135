//! The random numbers of this product's own choices: down-sampling and bootstrap.
//!
//! Written out because an artifact must be the same for the same seed years from now; general generators only promise that
//! within a version.

/// SplitMix64: small, fast, and the same everywhere. Not for secrets.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A stream that depends on `seed` and on what it is for, so that two uses of one seed do not move together.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut random = Self(seed ^ purpose.wrapping_mul(0xD1B5_4A32_D192_ED03));
        random.next_u64();
        random
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, each equally likely to within 2⁻³² for bounds below 2³²; 0 when `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.next_u64()) * bound as u128;
        (wide >> 64) as usize
    }

    /// Moves `count` randomly chosen items to the front of `items`, in random order; all of them when there are fewer.
    pub fn choose_front<T>(&mut self, items: &mut [T], count: usize) {
        for position in 0..count.min(items.len()) {
            let other = position + self.below(items.len() - position);
            items.swap(position, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_fixed_for_ever() {
        let mut random = Random(0);
        // The published first outputs of SplitMix64 from state 0.
        assert_eq!(random.next_u64(), 0xE220_A839_7B1D_CDAF);
        assert_eq!(random.next_u64(), 0x6E78_9E6A_A1B9_65F4);
    }

    #[test]
    fn choices_are_distinct_and_repeatable() {
        let choose = |seed| {
            let mut items: Vec<u32> = (0..100).collect();
            Random::new(seed, 1).choose_front(&mut items, 10);
            items.truncate(10);
            items
        };
        let chosen = choose(7);
        assert_eq!(chosen, choose(7));
        assert_ne!(chosen, choose(8));
        let distinct: std::collections::BTreeSet<_> = chosen.iter().collect();
        assert_eq!(distinct.len(), 10);
    }
}
