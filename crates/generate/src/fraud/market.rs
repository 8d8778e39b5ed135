//! The shops: online ones, chains found in every town, and each town's own.

use super::merchant_codes::{MERCHANT_CODES, MerchantCode};
use super::places::{FIRST_ABROAD, PLACES, ZIPS_PER_PLACE};
use crate::choice::{Pool, WeightedChoice};
use crate::random::{Random, scale};

/// Merchant ids are drawn from as many as the real data's lie in.
const COUNT_IDS: u32 = 100_343;

/// Where a merchant sells.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    Online,
    Chain,
    Town,
}

/// A shop.
pub(crate) struct Merchant {
    /// As `merchant_id`.
    pub(crate) id: u32,
    pub(crate) code: &'static MerchantCode,
    pub(crate) reach: Reach,
    /// Whether its terminals read chips.
    pub(crate) reads_chips: bool,
    /// How much dearer than others of its code, in hundredths of a doubling.
    price_level: i64,
    popularity: u64,
}

impl Merchant {
    /// What a purchase costs somebody who spends `spending` hundredths of a doubling more than others.
    pub(crate) fn price_cents(&self, spending: i64, random: &mut Random) -> i64 {
        let deviation = self.price_level + spending + random.bell(self.code.spread);
        let cents = scale(self.code.median_dollars * 100, deviation).max(1);
        match self.code.code {
            // Fuel is often bought for a round sum, money is sent in tens.
            5541 if random.chance(500_000) => round_up(cents, 100),
            4829 if random.chance(600_000) => round_up(cents, 1_000),
            _ => cents,
        }
    }

    /// The zip code of this merchant's shop in a place.
    pub(crate) fn zip(&self, place: usize) -> u64 {
        PLACES[place].zip + u64::from(self.id) % ZIPS_PER_PLACE
    }
}

fn round_up(cents: i64, step: i64) -> i64 {
    (cents + step - 1) / step * step
}

/// Every merchant, and pools of their positions to draw from.
pub(crate) struct Market {
    pub(crate) merchants: Vec<Merchant>,
    /// By popularity.
    pub(crate) online: Pool,
    /// By popularity.
    pub(crate) chains: Pool,
    /// By popularity, one pool per place.
    pub(crate) towns: Vec<Pool>,
    /// By what a thief likes.
    pub(crate) tempting_online: Pool,
    /// By what a thief likes.
    pub(crate) tempting_chains: Pool,
}

impl Market {
    /// Opens the shops of a country in which `residents[place]` shopping clients live.
    pub(crate) fn new(residents: &[u64], random: &mut Random) -> Self {
        let shoppers: u64 = residents.iter().sum();
        let mut opening = Opening::new(random);
        let online = opening.open(150 + shoppers / 4, Reach::Online, random);
        let chains = opening.open(120 + shoppers / 10, Reach::Chain, random);
        let towns: Vec<Vec<u32>> = (0..PLACES.len())
            .map(|place| opening.open(if place < FIRST_ABROAD { 15 + residents[place] * 8 } else { 30 }, Reach::Town, random))
            .collect();
        let merchants = opening.merchants;
        let popular = |members: &[u32]| Pool::new(members.iter().map(|&at| (at, merchants[at as usize].popularity)));
        let tempting = |members: &[u32]| {
            Pool::new(members.iter().map(|&at| {
                let merchant = &merchants[at as usize];
                (at, merchant.popularity.isqrt() * merchant.code.lure * merchant.code.lure)
            }))
        };
        Self {
            online: popular(&online),
            chains: popular(&chains),
            towns: towns.iter().map(|town| popular(town)).collect(),
            tempting_online: tempting(&online),
            tempting_chains: tempting(&chains),
            merchants,
        }
    }

    /// Draws a shop the way somebody finds one who has not planned where to go.
    pub(crate) fn explore(&self, place: usize, random: &mut Random) -> u32 {
        match random.below(100) {
            0..12 => self.online.draw(random),
            12..45 if place < FIRST_ABROAD => self.chains.draw(random),
            _ => self.towns[place].draw(random),
        }
    }
}

/// The shops opened so far.
struct Opening {
    merchants: Vec<Merchant>,
    ids: Vec<u32>,
    online_codes: WeightedChoice,
    present_codes: WeightedChoice,
}

impl Opening {
    fn new(random: &mut Random) -> Self {
        let mut ids: Vec<u32> = (0..COUNT_IDS).collect();
        random.shuffle(&mut ids);
        Self {
            merchants: Vec::new(),
            ids,
            online_codes: WeightedChoice::new(MERCHANT_CODES.iter().map(|code| code.weight * code.online_per_mille)),
            present_codes: WeightedChoice::new(MERCHANT_CODES.iter().map(|code| code.weight * (1_000 - code.online_per_mille))),
        }
    }

    /// Opens `count` shops and gives their positions.
    fn open(&mut self, count: u64, reach: Reach, random: &mut Random) -> Vec<u32> {
        let first = self.merchants.len() as u32;
        for _ in 0..count {
            let merchant = self.open_one(reach, random);
            self.merchants.push(merchant);
        }
        (first..self.merchants.len() as u32).collect()
    }

    fn open_one(&self, reach: Reach, random: &mut Random) -> Merchant {
        // Some shops are opened for every code, however rare, and stay small.
        let is_rare = reach != Reach::Online && random.chance(120_000);
        let code = match reach {
            _ if is_rare => random.pick(&MERCHANT_CODES),
            Reach::Online => &MERCHANT_CODES[self.online_codes.draw(random)],
            Reach::Chain | Reach::Town => &MERCHANT_CODES[self.present_codes.draw(random)],
        };
        Merchant {
            id: self.ids[self.merchants.len() % self.ids.len()],
            code,
            reach,
            reads_chips: random.chance(950_000),
            price_level: random.bell(28),
            popularity: scale(if is_rare { 200 } else { 1_000 }, random.bell(130)).max(1) as u64,
        }
    }
}
