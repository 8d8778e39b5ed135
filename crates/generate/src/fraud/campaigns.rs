//! What gangs of thieves agree on for some weeks: the same few shops for the cards they stole, and the same town.
//!
//! Campaigns are why the past of a merchant tells something about its future, even when labels come a week late.

use super::places::{FIRST_ABROAD, PLACES};
use super::world::World;
use crate::random::Random;

/// How many gangs are at work at any time.
const COUNT_CAMPAIGNS: usize = 3;

/// A gang's shops, for now.
pub(crate) struct Campaign {
    last_day: u32,
    pub(crate) online: Vec<u32>,
    pub(crate) chains: Vec<u32>,
    pub(crate) place: usize,
}

impl Campaign {
    fn new(last_day: u32, world: &World, random: &mut Random) -> Self {
        let market = &world.market;
        let is_abroad = random.chance(300_000);
        let places = if is_abroad { FIRST_ABROAD..PLACES.len() } else { 0..FIRST_ABROAD };
        Self {
            last_day,
            online: (0..random.between(2, 4)).map(|_| market.tempting_online.draw(random)).collect(),
            chains: (0..random.between(1, 3)).map(|_| market.tempting_chains.draw(random)).collect(),
            place: places.start + random.below(places.len() as u64) as usize,
        }
    }
}

/// The campaigns of the day.
pub(crate) struct Campaigns(Vec<Campaign>);

impl Campaigns {
    /// Starts in the middle of things: the first campaigns end at different times.
    pub(crate) fn new(world: &World, random: &mut Random) -> Self {
        let starts = (0..COUNT_CAMPAIGNS).map(|_| Campaign::new(random.between(3, 45) as u32, world, random));
        Self(starts.collect())
    }

    /// Replaces the campaigns that have ended.
    pub(crate) fn renew(&mut self, day: u32, world: &World, random: &mut Random) {
        for campaign in &mut self.0 {
            if campaign.last_day < day {
                *campaign = Campaign::new(day + random.between(21, 56) as u32, world, random);
            }
        }
    }

    /// One of the campaigns.
    pub(crate) fn any(&self, random: &mut Random) -> &Campaign {
        random.pick(&self.0)
    }
}
