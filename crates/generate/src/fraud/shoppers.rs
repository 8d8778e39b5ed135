//! What honest people do, including what looks odd: journeys, sprees, sleepless nights at the screen, wrong PINs.

use super::calendar::MINUTES_PER_DAY;
use super::habits::Habits;
use super::market::Reach;
use super::places::{FIRST_ABROAD, PLACES};
use super::queue::Queue;
use super::transaction::{Mishaps, Transaction, channel};
use super::world::{Subject, World};
use crate::choice::WeightedChoice;
use crate::random::Random;

/// How busy the hours of a day are.
const HOUR_WEIGHTS: [u64; 24] = [9, 6, 4, 3, 4, 9, 24, 40, 50, 54, 57, 64, 70, 66, 62, 62, 61, 58, 53, 46, 38, 29, 22, 15];

// Chances, per million.
const JOURNEY_PER_DAY: u64 = 5_000;
const JOURNEY_ABROAD: u64 = 350_000;
const SHOPPING_SPREE: u64 = 2_000;
const ONLINE_SPREE: u64 = 1_500;
const GOES_ON: u64 = 300_000;
const SOMEWHERE_NEW: u64 = 80_000;
const ADOPTS: u64 = 80_000;
const LARGE_PURCHASE: u64 = 7_000;
const FAILS: u64 = 14_500;
const TRIES_AGAIN: u64 = 550_000;
const BRINGS_BACK: u64 = 45_000;
const SWIPES_A_CHIP: u64 = 30_000;

/// Where somebody is who is not at home.
struct Journey {
    place: usize,
    last_day: u32,
}

/// One step of an outing: whose card, where, when, and how freely the money flows.
#[derive(Clone, Copy)]
struct Step {
    card: u32,
    place: usize,
    minute: u32,
    date: i64,
    extra_spending: i64,
}

/// The honest owners of the cards.
pub(crate) struct Shoppers {
    random: Random,
    cards: WeightedChoice,
    hours: WeightedChoice,
    mishaps: Mishaps,
    destinations: [WeightedChoice; 2],
    journeys: Vec<Option<Journey>>,
}

impl Shoppers {
    pub(crate) fn new(world: &World, habits: &Habits, seed: u64) -> Self {
        let cards = 0..world.cards.by_id.len() as u32;
        let destinations = [&PLACES[..FIRST_ABROAD], &PLACES[FIRST_ABROAD..]];
        Self {
            random: Subject::Shoppers.random(seed),
            cards: WeightedChoice::new(cards.map(|card| habits.of(card).activity)),
            hours: WeightedChoice::new(HOUR_WEIGHTS),
            mishaps: Mishaps::new(),
            destinations: destinations.map(|places| WeightedChoice::new(places.iter().map(|place| place.weight))),
            journeys: world.users.iter().map(|_| None).collect(),
        }
    }

    /// Lets people leave home and return.
    pub(crate) fn travel(&mut self, day: u32) {
        for journey in &mut self.journeys {
            if journey.as_ref().is_some_and(|journey| journey.last_day < day) {
                *journey = None;
            }
            if journey.is_none() && self.random.chance(JOURNEY_PER_DAY) {
                let is_abroad = self.random.chance(JOURNEY_ABROAD);
                let destination = self.destinations[usize::from(is_abroad)].draw(&mut self.random);
                let place = if is_abroad { FIRST_ABROAD + destination } else { destination };
                *journey = Some(Journey { place, last_day: day + self.random.between(1, 9) as u32 });
            }
        }
    }

    /// Sends somebody shopping: one purchase, or several in a row.
    pub(crate) fn go_out(&mut self, day: u32, world: &World, habits: &mut Habits, queue: &mut Queue) {
        let date = world.calendar.date(day);
        let card = world.draw_open_card(&self.cards, date, &mut self.random);
        let hour = (self.hours.draw(&mut self.random) as u64 + habits.of(card).hours_late) % 24;
        let minute = day * MINUTES_PER_DAY + hour as u32 * 60 + self.random.below(60) as u32;
        let step = Step { card, place: self.whereabouts(card, world), minute, date, extra_spending: 0 };
        if self.random.chance(SHOPPING_SPREE) {
            self.shopping_spree(step, world, habits, queue);
        } else if self.random.chance(ONLINE_SPREE) {
            self.online_spree(step, world, habits, queue);
        } else {
            self.errands(step, world, habits, queue);
        }
    }

    fn whereabouts(&self, card: u32, world: &World) -> usize {
        let client = world.cards.by_id[card as usize].client;
        self.journeys[client as usize].as_ref().map_or(world.owner(card).home, |journey| journey.place)
    }

    fn errands(&mut self, mut step: Step, world: &World, habits: &mut Habits, queue: &mut Queue) {
        for _ in 0..5 {
            let merchant = self.usual_shop(step, world, habits);
            step.extra_spending = if self.random.chance(LARGE_PURCHASE) { self.random.between(150, 300) } else { 0 };
            self.buy(merchant, step, world, habits, queue);
            if !self.random.chance(GOES_ON) {
                break;
            }
            step.minute += 1 + self.random.waiting(50) as u32;
        }
    }

    /// An afternoon in the shopping centre: many shops, some never visited before, good money.
    fn shopping_spree(&mut self, mut step: Step, world: &World, habits: &Habits, queue: &mut Queue) {
        for _ in 0..self.random.between(3, 8) {
            let market = &world.market;
            let merchant = match self.random.below(10) {
                0..3 if step.place < FIRST_ABROAD => market.tempting_chains.draw(&mut self.random),
                3..6 if step.place < FIRST_ABROAD => market.chains.draw(&mut self.random),
                _ => market.towns[step.place].draw(&mut self.random),
            };
            step.extra_spending = 50;
            self.buy(merchant, step, world, habits, queue);
            step.minute += 1 + self.random.waiting(18) as u32;
        }
    }

    /// An evening at the screen: shops never used before, at any hour, within minutes.
    fn online_spree(&mut self, mut step: Step, world: &World, habits: &Habits, queue: &mut Queue) {
        if self.random.chance(400_000) {
            let midnight = step.minute / MINUTES_PER_DAY * MINUTES_PER_DAY;
            step.minute = midnight + self.random.between(20 * 60, 26 * 60) as u32;
        }
        for _ in 0..self.random.between(2, 7) {
            let market = &world.market;
            let pool = if self.random.chance(350_000) { &market.tempting_online } else { &market.online };
            let merchant = pool.draw(&mut self.random);
            step.extra_spending = 35;
            self.buy(merchant, step, world, habits, queue);
            step.minute += 1 + self.random.waiting(15) as u32;
        }
    }

    fn usual_shop(&mut self, step: Step, world: &World, habits: &mut Habits) -> u32 {
        let Step { card, place, .. } = step;
        let is_home = place == world.owner(card).home;
        if !self.random.chance(SOMEWHERE_NEW) {
            let favourite = habits.favourite(card, &mut self.random);
            let reach = world.market.merchants[favourite as usize].reach;
            // A traveller finds his chains in other towns, and the net anywhere.
            if is_home || reach == Reach::Online || (reach == Reach::Chain && place < FIRST_ABROAD) {
                return favourite;
            }
        }
        let merchant = world.market.explore(place, &mut self.random);
        if is_home && self.random.chance(ADOPTS) {
            habits.adopt(card, merchant, &mut self.random);
        }
        merchant
    }

    fn buy(&mut self, shop: u32, step: Step, world: &World, habits: &Habits, queue: &mut Queue) {
        let Step { card, place, .. } = step;
        let random = &mut self.random;
        let merchant = &world.market.merchants[shop as usize];
        let amount_cents = merchant.price_cents(habits.of(card).spending + step.extra_spending, random);
        let channel = channel(world, card, merchant, step.date, SWIPES_A_CHIP, random);
        let errors = self.mishaps.draw(channel, FAILS, random);
        let mut schedule = |minute, amount_cents, errors| {
            queue.schedule(Transaction { minute, card, merchant: shop, place, amount_cents, channel, errors, is_fraud: false });
        };
        schedule(step.minute, amount_cents, errors);
        if errors != 0 {
            if random.chance(TRIES_AGAIN) {
                schedule(step.minute + 1 + random.below(3) as u32, amount_cents, 0);
            }
        } else if random.chance(BRINGS_BACK) {
            let soon = random.chance(400_000);
            let minutes_later = if soon { random.between(5, 60) } else { random.between(1, 10) * i64::from(MINUTES_PER_DAY) };
            schedule(step.minute + minutes_later as u32, -amount_cents, 0);
        }
    }
}
