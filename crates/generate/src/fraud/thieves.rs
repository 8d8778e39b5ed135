//! What happens to a card in the wrong hands.
//!
//! Fraud comes in episodes of one to a dozen transactions. A budget that grows with the day's transactions decides when the
//! next one may start, so that the share of fraud is met in any sample. What gives episodes away is mostly the card's past:
//! new shops within minutes, a new place, an odd hour, amounts its owner does not spend, failed attempts. Some give nothing
//! away at all.

use std::collections::BTreeMap;

use super::calendar::MINUTES_PER_DAY;
use super::campaigns::{Campaign, Campaigns};
use super::habits::Habits;
use super::places::FIRST_ABROAD;
use super::queue::Queue;
use super::schemes::{Scheme, Traits};
use super::transaction::{Mishaps, Transaction, channel};
use super::world::{Subject, World};
use crate::choice::WeightedChoice;
use crate::random::{MILLION, Random};

/// Of a million transactions, so many are fraud.
const FRAUD_PER_MILLION: u64 = 1_500;

/// What the next episode will be.
struct Plan {
    scheme: Scheme,
    size: i64,
}

/// One card in the wrong hands.
struct Episode<'a> {
    card: u32,
    scheme: Scheme,
    campaign: Option<&'a Campaign>,
    place: usize,
    date: i64,
    world: &'a World,
    habits: &'a Habits,
    mishaps: &'a Mishaps,
}

/// The thieves, and what they are up to.
pub(crate) struct Thieves {
    random: Random,
    schemes: WeightedChoice,
    victims: WeightedChoice,
    mishaps: Mishaps,
    campaigns: Campaigns,
    /// In millionths of a transaction.
    budget: i64,
    budget_per_transaction: i64,
    largest: i64,
    next: Option<Plan>,
    /// Cards that will be used again, by day.
    second_waves: BTreeMap<u32, Vec<u32>>,
}

impl Thieves {
    /// Lets thieves into a sample of `transactions`. A few frauds are in any sample that has some hundred.
    pub(crate) fn new(transactions: u64, world: &World, habits: &Habits, seed: u64) -> Self {
        let mut random = Subject::Thieves.random(seed);
        let expected = (transactions * FRAUD_PER_MILLION / MILLION).max((transactions / 100).min(4));
        let cards = 0..world.cards.by_id.len() as u32;
        Self {
            schemes: WeightedChoice::new(Scheme::WEIGHTED.map(|(_, weight)| weight)),
            victims: WeightedChoice::new(cards.map(|card| habits.of(card).carelessness)),
            mishaps: Mishaps::new(),
            campaigns: Campaigns::new(world, &mut random),
            budget: 0,
            budget_per_transaction: (expected * MILLION / transactions) as i64,
            largest: (expected / 2).max(1) as i64,
            next: None,
            second_waves: BTreeMap::new(),
            random,
        }
    }

    /// Starts the episodes of a day.
    pub(crate) fn strike(&mut self, day: u32, world: &World, habits: &Habits, queue: &mut Queue) {
        self.budget += world.calendar.quota(day) as i64 * self.budget_per_transaction;
        self.campaigns.renew(day, world, &mut self.random);
        for card in self.second_waves.remove(&day).unwrap_or_default() {
            let plan = self.plan();
            self.spend(day, card, &plan, world, habits, queue);
        }
        loop {
            let plan = match self.next.take() {
                Some(plan) => plan,
                None => self.plan(),
            };
            if self.budget < plan.size * MILLION as i64 {
                self.next = Some(plan);
                return;
            }
            let card = world.draw_open_card(&self.victims, world.calendar.date(day), &mut self.random);
            self.spend(day, card, &plan, world, habits, queue);
            if plan.scheme != Scheme::BlendsIn && self.random.chance(250_000) {
                let later = day + self.random.between(4, 25) as u32;
                self.second_waves.entry(later).or_default().push(card);
            }
        }
    }

    fn plan(&mut self) -> Plan {
        let scheme = Scheme::WEIGHTED[self.schemes.draw(&mut self.random)].0;
        let size = scheme.size(&mut self.random);
        Plan { scheme, size: size.min(self.largest) }
    }

    /// Carries out a plan with a card, and charges the budget.
    fn spend(&mut self, day: u32, card: u32, plan: &Plan, world: &World, habits: &Habits, queue: &mut Queue) {
        self.budget -= plan.size * MILLION as i64;
        let Self { random, campaigns, mishaps, .. } = self;
        let campaign = if random.chance(750_000) { Some(campaigns.any(random)) } else { None };
        let place = plan.scheme.scene(campaign, world.owner(card).home, random);
        let date = world.calendar.date(day);
        let episode = Episode { card, scheme: plan.scheme, campaign, place, date, world, habits, mishaps };
        let mut minute = day * MINUTES_PER_DAY + plan.scheme.first_minute(random);
        let mut shop = episode.target(random);
        for step in 0..plan.size {
            let stays = plan.scheme == Scheme::Drip || (plan.scheme == Scheme::Remote && random.chance(350_000));
            if step > 0 && !stays {
                shop = episode.target(random);
            }
            queue.schedule(episode.charge(minute, shop, step == 0, random));
            minute += plan.scheme.gap(random);
        }
    }
}

impl Episode<'_> {
    /// A shop, new to the card where that matters.
    fn target(&self, random: &mut Random) -> u32 {
        let mut shop = self.candidate(random);
        for _ in 0..4 {
            if self.scheme == Scheme::BlendsIn || !self.habits.is_favourite(self.card, shop) {
                break;
            }
            shop = self.candidate(random);
        }
        shop
    }

    fn candidate(&self, random: &mut Random) -> u32 {
        let market = &self.world.market;
        match self.scheme {
            Scheme::Remote | Scheme::Drip => match self.campaign {
                Some(campaign) if random.chance(750_000) => *random.pick(&campaign.online),
                _ if random.chance(550_000) => market.tempting_online.draw(random),
                _ => market.online.draw(random),
            },
            Scheme::Counterfeit | Scheme::Stolen if self.place < FIRST_ABROAD => match self.campaign {
                Some(campaign) if random.chance(600_000) => *random.pick(&campaign.chains),
                _ if random.chance(450_000) => market.tempting_chains.draw(random),
                _ if random.chance(500_000) => market.chains.draw(random),
                _ => market.towns[self.place].draw(random),
            },
            Scheme::Counterfeit | Scheme::Stolen => market.towns[self.place].draw(random),
            Scheme::BlendsIn if random.chance(500_000) => self.habits.favourite(self.card, random),
            Scheme::BlendsIn => market.explore(self.place, random),
        }
    }

    fn charge(&self, minute: u32, shop: u32, is_first: bool, random: &mut Random) -> Transaction {
        let merchant = &self.world.market.merchants[shop as usize];
        let Traits { greed, fails, swipes } = self.scheme.traits();
        let is_test = is_first && self.scheme == Scheme::Remote && random.chance(350_000);
        let price = merchant.price_cents(self.habits.of(self.card).spending / 2 + greed + random.bell(70), random);
        let amount_cents = if is_test { random.between(50, 400) } else { price };
        let channel = channel(self.world, self.card, merchant, self.date, swipes, random);
        let errors = self.mishaps.draw(channel, fails, random);
        Transaction { minute, card: self.card, merchant: shop, place: self.place, amount_cents, channel, errors, is_fraud: true }
    }
}
