//! What each card is usually used for.

use super::cards::CardType;
use super::places::FIRST_ABROAD;
use super::world::World;
use crate::choice::WeightedChoice;
use crate::random::{Random, scale};

/// How many shops a card keeps coming back to.
const COUNT_FAVOURITES: usize = 12;

/// The favourites from this position on come and go.
const FIRST_FICKLE: u64 = 5;

/// How many shops the members of a household know.
const COUNT_KNOWN: usize = 16;

/// The usual use of one card.
pub(crate) struct Habit {
    /// Positions in the market, most visited first.
    favourites: [u32; COUNT_FAVOURITES],
    /// How many hours later than others the owner shops with it.
    pub(crate) hours_late: u64,
    /// How much more than others the owner spends, in hundredths of a doubling.
    pub(crate) spending: i64,
    /// How often it is used, relatively; 0 where the owner does not shop.
    pub(crate) activity: u64,
    /// How easily it falls into wrong hands, relatively.
    pub(crate) carelessness: u64,
}

/// The habits of all cards, by card id.
pub(crate) struct Habits {
    by_card: Vec<Habit>,
    slots: WeightedChoice,
}

impl Habits {
    pub(crate) fn new(world: &World, random: &mut Random) -> Self {
        let households: Vec<Household> = world.users.iter().map(|user| Household::new(world, user.home, random)).collect();
        let cards = world.cards.by_id.iter().enumerate();
        let by_card =
            cards.map(|(id, card)| households[card.client as usize].habit(world, id as u32, random)).collect::<Vec<_>>();
        // Each favourite is visited a fifth less than the one before it.
        let weights = (0..COUNT_FAVOURITES).scan(100_000, |weight, _| {
            *weight = *weight * 4 / 5;
            Some(*weight)
        });
        Self { by_card, slots: WeightedChoice::new(weights) }
    }

    /// The habits of a card.
    pub(crate) fn of(&self, card: u32) -> &Habit {
        &self.by_card[card as usize]
    }

    /// Draws one of a card's favourite shops.
    pub(crate) fn favourite(&self, card: u32, random: &mut Random) -> u32 {
        self.of(card).favourites[self.slots.draw(random)]
    }

    /// Whether a shop is among a card's favourites.
    pub(crate) fn is_favourite(&self, card: u32, merchant: u32) -> bool {
        self.of(card).favourites.contains(&merchant)
    }

    /// Lets a shop take the place of one of a card's lesser favourites.
    pub(crate) fn adopt(&mut self, card: u32, merchant: u32, random: &mut Random) {
        let slot = FIRST_FICKLE + random.below(COUNT_FAVOURITES as u64 - FIRST_FICKLE);
        self.by_card[card as usize].favourites[slot as usize] = merchant;
    }
}

/// What the cards of one client have in common.
struct Household {
    home: usize,
    known: Vec<u32>,
    hours_late: u64,
    spending: i64,
    activity: i64,
    carelessness: i64,
}

impl Household {
    fn new(world: &World, home: usize, random: &mut Random) -> Self {
        debug_assert!(home < FIRST_ABROAD);
        // Some work at night.
        let hours_late = if random.chance(60_000) { random.between(8, 13) } else { random.between(-2, 2) };
        Self {
            home,
            known: (0..COUNT_KNOWN).map(|_| world.market.explore(home, random)).collect(),
            hours_late: hours_late.rem_euclid(24) as u64,
            spending: random.bell(28),
            activity: random.bell(60),
            carelessness: random.bell(130),
        }
    }

    fn habit(&self, world: &World, card_id: u32, random: &mut Random) -> Habit {
        let card = &world.cards.by_id[card_id as usize];
        let favourites = std::array::from_fn(|_| {
            if random.chance(600_000) { *random.pick(&self.known) } else { world.market.explore(self.home, random) }
        });
        // A doubled income means an eighth of a doubling more per purchase.
        let wealth = ((world.owner(card_id).yearly_income - 43_000) / 1_500).clamp(-20, 40);
        let thrift = if card.card_type == CardType::Prepaid { -60 } else { 0 };
        let activity = scale(1_000, self.activity + random.bell(90)) as u64;
        // A card or two lie in a drawer.
        let activity = if random.chance(60_000) { activity / 20 } else { activity } + 1;
        let exposure = if card.has_chip { 0 } else { 100 } + if card.card_type == CardType::Credit { 60 } else { 0 };
        Habit {
            favourites,
            hours_late: self.hours_late,
            spending: self.spending + wealth + thrift,
            activity: if world.is_in_use(card_id) { activity } else { 0 },
            carelessness: if world.is_in_use(card_id) {
                scale(activity.min(2_000) as i64, self.carelessness + exposure) as u64 + 1
            } else {
                0
            },
        }
    }
}
