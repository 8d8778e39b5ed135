//! One transaction, before it is a row.

use super::calendar::MINUTES_PER_DAY;
use super::market::{Merchant, Reach};
use super::world::World;
use crate::choice::WeightedChoice;
use crate::random::Random;

/// How a card was read. The `use_chip` column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    Swipe,
    Chip,
    Online,
}

/// The names of the errors, in the order in which several are joined.
pub(crate) const ERRORS: [&str; 7] =
    ["Bad CVV", "Bad Card Number", "Bad Expiration", "Bad PIN", "Bad Zipcode", "Insufficient Balance", "Technical Glitch"];

/// A set of positions of [`ERRORS`].
pub(crate) type ErrorSet = u8;

/// How often each of [`ERRORS`] happens online, and where the card is present.
const ONLINE_ERRORS: [u64; 7] = [20, 22, 18, 0, 3, 26, 11];
const PRESENT_ERRORS: [u64; 7] = [0, 0, 0, 28, 0, 56, 16];

/// Terminals and cards were changed from swiping to chips within this span of days since 1970: around the turn of 2014.
const CHIPS_FROM: i64 = 16_314;
const CHIPS_WITHIN: i64 = 300;

/// A transaction.
pub(crate) struct Transaction {
    /// Counted from the first minute of the sample's period.
    pub(crate) minute: u32,
    /// The card's id.
    pub(crate) card: u32,
    /// A position in the market.
    pub(crate) merchant: u32,
    /// Where the shop stands, a position of `PLACES`. Meaningless online.
    pub(crate) place: usize,
    /// Negative for a refund.
    pub(crate) amount_cents: i64,
    pub(crate) channel: Channel,
    pub(crate) errors: ErrorSet,
    pub(crate) is_fraud: bool,
}

impl Transaction {
    /// The day of the period it falls on.
    pub(crate) fn day(&self) -> u32 {
        self.minute / MINUTES_PER_DAY
    }
}

/// How a card is read at a merchant. `fallback` per million of chip payments are swiped all the same.
pub(crate) fn channel(world: &World, card: u32, merchant: &Merchant, date: i64, fallback: u64, random: &mut Random) -> Channel {
    if merchant.reach == Reach::Online {
        return Channel::Online;
    }
    let is_changed = date >= CHIPS_FROM + i64::from(card) % CHIPS_WITHIN;
    let can_use_chip = world.cards.by_id[card as usize].has_chip && merchant.reads_chips && is_changed;
    if can_use_chip && !random.chance(fallback) { Channel::Chip } else { Channel::Swipe }
}

/// Draws what goes wrong with a payment.
pub(crate) struct Mishaps {
    online: WeightedChoice,
    present: WeightedChoice,
}

impl Mishaps {
    pub(crate) fn new() -> Self {
        Self { online: WeightedChoice::new(ONLINE_ERRORS), present: WeightedChoice::new(PRESENT_ERRORS) }
    }

    /// Draws the errors of a payment that fails in `per_million` of a million cases.
    pub(crate) fn draw(&self, channel: Channel, per_million: u64, random: &mut Random) -> ErrorSet {
        if !random.chance(per_million) {
            return 0;
        }
        let kinds = if channel == Channel::Online { &self.online } else { &self.present };
        let first = 1 << kinds.draw(random);
        if random.chance(20_000) { first | 1 << kinds.draw(random) } else { first }
    }
}
