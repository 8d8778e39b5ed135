//! The ways to use a stolen card.

use super::campaigns::Campaign;
use super::places::{FIRST_ABROAD, PLACES};
use crate::random::Random;

/// How an episode goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// The number alone, used online in quick succession.
    Remote,
    /// A copy of the card, used far from its owner.
    Counterfeit,
    /// The card itself, used near its owner's home.
    Stolen,
    /// The number, used online once a day or so.
    Drip,
    /// A purchase or two as the owner might make them.
    BlendsIn,
}

/// What a scheme's transactions look like.
pub(crate) struct Traits {
    /// How much more is taken than others spend, in hundredths of a doubling.
    pub(crate) greed: i64,
    /// How often a payment fails, per million.
    pub(crate) fails: u64,
    /// How often a chip is avoided, per million.
    pub(crate) swipes: u64,
}

impl Scheme {
    /// Every scheme, and how many of a hundred episodes follow it.
    pub(crate) const WEIGHTED: [(Self, u64); 5] =
        [(Self::Remote, 38), (Self::Counterfeit, 24), (Self::Stolen, 13), (Self::Drip, 10), (Self::BlendsIn, 15)];

    pub(crate) fn traits(self) -> Traits {
        let (greed, fails, swipes) = match self {
            Self::Remote => (80, 130_000, 0),
            Self::Counterfeit => (70, 110_000, 450_000),
            Self::Stolen => (70, 110_000, 150_000),
            Self::Drip => (25, 50_000, 0),
            Self::BlendsIn => (20, 20_000, 30_000),
        };
        Traits { greed, fails, swipes }
    }

    /// How many transactions an episode has.
    pub(crate) fn size(self, random: &mut Random) -> i64 {
        match self {
            Self::Remote => random.count(6, 14),
            Self::Counterfeit => random.count(4, 10),
            Self::Stolen => random.count(4, 8),
            Self::Drip => random.between(3, 7),
            Self::BlendsIn => random.between(1, 2),
        }
    }

    /// Where the card is used, a position of `PLACES`.
    pub(crate) fn scene(self, campaign: Option<&Campaign>, home: usize, random: &mut Random) -> usize {
        let (first, last) = match (self, campaign) {
            (Self::Counterfeit, Some(campaign)) => return campaign.place,
            (Self::Counterfeit, None) if random.chance(120_000) => (FIRST_ABROAD, PLACES.len() - 1),
            (Self::Counterfeit, None) => (0, FIRST_ABROAD - 1),
            _ => return home,
        };
        random.between(first as i64, last as i64) as usize
    }

    /// The minute of the day at which an episode begins.
    pub(crate) fn first_minute(self, random: &mut Random) -> u32 {
        let hours = match self {
            Self::Remote if random.chance(300_000) => 0..6,
            Self::Remote | Self::Drip => 7..24,
            Self::Counterfeit | Self::Stolen => 9..21,
            Self::BlendsIn => 7..22,
        };
        random.between(hours.start * 60, hours.end * 60 - 1) as u32
    }

    /// The minutes until the next transaction.
    pub(crate) fn gap(self, random: &mut Random) -> u32 {
        let minutes = match self {
            Self::Remote => 1 + random.waiting(12),
            Self::Counterfeit => 4 + random.waiting(35),
            Self::Stolen => 3 + random.waiting(16),
            Self::Drip => random.between(14 * 60, 34 * 60),
            Self::BlendsIn => 10 + random.waiting(200),
        };
        minutes as u32
    }
}
