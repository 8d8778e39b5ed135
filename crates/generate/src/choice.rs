//! Weighted choices.

use crate::random::Random;

/// Chooses positions in proportion to their weights.
pub(crate) struct WeightedChoice {
    /// Running sums of the weights.
    sums: Vec<u64>,
}

impl WeightedChoice {
    /// Prepares a choice among the positions of `weights`, at least one of which must be above 0.
    pub(crate) fn new(weights: impl IntoIterator<Item = u64>) -> Self {
        let sums = weights.into_iter().scan(0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        Self { sums: sums.collect() }
    }

    /// Draws a position.
    pub(crate) fn draw(&self, random: &mut Random) -> usize {
        let total = self.sums.last().copied().unwrap_or(0);
        let at = random.below(total);
        self.sums.partition_point(|sum| *sum <= at)
    }
}

/// A set of members with weights, of which some are drawn.
pub(crate) struct Pool {
    members: Vec<u32>,
    choice: WeightedChoice,
}

impl Pool {
    /// Makes a pool of members and their weights.
    pub(crate) fn new(weighted: impl IntoIterator<Item = (u32, u64)>) -> Self {
        let (members, weights): (Vec<u32>, Vec<u64>) = weighted.into_iter().unzip();
        Self { members, choice: WeightedChoice::new(weights) }
    }

    /// Draws a member.
    pub(crate) fn draw(&self, random: &mut Random) -> u32 {
        self.members[self.choice.draw(random)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_drawn_by_weight_and_never_at_weight_zero() {
        let pool = Pool::new([(10, 1), (20, 0), (30, 3)]);
        let mut random = Random::new(1, 1);
        let drawn: Vec<u32> = (0..4_000).map(|_| pool.draw(&mut random)).collect();
        let count = |member| drawn.iter().filter(|drawn| **drawn == member).count();
        assert_eq!(count(20), 0);
        assert!((2_850..3_150).contains(&count(30)));
    }
}
