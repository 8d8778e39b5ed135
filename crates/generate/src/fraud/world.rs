//! Who and what there is before the first transaction.

use super::calendar::Calendar;
use super::cards::{Cards, make_cards};
use super::market::Market;
use super::places::PLACES;
use super::users::{COUNT_USERS, User, make_users};
use crate::choice::WeightedChoice;
use crate::random::Random;

/// The subjects of randomness; each draws from a stream of its own.
#[derive(Clone, Copy)]
pub(crate) enum Subject {
    Users = 1,
    Cards = 2,
    Market = 3,
    Habits = 4,
    Calendar = 5,
    Shoppers = 6,
    Thieves = 7,
    Ties = 8,
    Ids = 9,
    Labels = 10,
}

impl Subject {
    /// Opens the subject's stream.
    pub(crate) fn random(self, seed: u64) -> Random {
        Random::new(seed, self as u64)
    }
}

/// The people, their cards, the shops, and the days to come.
pub(crate) struct World {
    pub(crate) users: Vec<User>,
    /// The order of the users in their file. The first of them are those who shop.
    pub(crate) user_order: Vec<u32>,
    pub(crate) cards: Cards,
    pub(crate) market: Market,
    pub(crate) calendar: Calendar,
    is_shopper: Vec<bool>,
}

impl World {
    /// Makes up the world of a sample. Users and cards depend on the seed only; how many of them shop, and in how many
    /// shops, depends on the number of transactions.
    pub(crate) fn new(transactions: u64, seed: u64) -> Self {
        let mut random = Subject::Users.random(seed);
        let users = make_users(&mut random);
        let mut user_order: Vec<u32> = (0..users.len() as u32).collect();
        random.shuffle(&mut user_order);
        let cards = make_cards(&users, &user_order, &mut Subject::Cards.random(seed));

        let mut is_shopper = vec![false; users.len()];
        let mut residents = vec![0; PLACES.len()];
        for &client in &user_order[..count_shoppers(transactions)] {
            is_shopper[client as usize] = true;
            residents[users[client as usize].home] += 1;
        }
        let market = Market::new(&residents, &mut Subject::Market.random(seed));
        let calendar = Calendar::new(transactions, &mut Subject::Calendar.random(seed));
        Self { users, user_order, cards, market, calendar, is_shopper }
    }

    /// The owner of a card.
    pub(crate) fn owner(&self, card: u32) -> &User {
        &self.users[self.cards.by_id[card as usize].client as usize]
    }

    /// Draws a card that is open on a date; a closed one where twenty draws find nothing else.
    pub(crate) fn draw_open_card(&self, choice: &WeightedChoice, date: i64, random: &mut Random) -> u32 {
        let mut card = choice.draw(random);
        for _ in 0..20 {
            if self.cards.by_id[card].opened <= date {
                break;
            }
            card = choice.draw(random);
        }
        card as u32
    }

    /// Whether a card's owner is one of those who shop.
    pub(crate) fn is_in_use(&self, card: u32) -> bool {
        self.is_shopper[self.cards.by_id[card as usize].client as usize]
    }
}

/// Small samples have fewer shoppers, so that each card still has a past worth looking at.
fn count_shoppers(transactions: u64) -> usize {
    (transactions / 250).clamp(50, COUNT_USERS as u64) as usize
}
