//! How busy sites are, and what that puts on the links.

use std::collections::HashMap;

use lakehouse_generate::Random;

use super::{
    calendar::weekday_and_minute,
    subject::{BILLION, Stream},
};
use crate::{
    Topology,
    routing::{Conditions, Routing},
};

/// Per mille of the busiest hour, hour by hour.
const HOURS: [i64; 24] =
    [480, 420, 380, 350, 360, 400, 470, 600, 760, 880, 940, 970, 980, 995, 1_000, 990, 970, 950, 940, 950, 920, 830, 700, 570];

/// Per mille of a working day, from Monday.
const WEEKDAYS: [i64; 7] = [980, 1_000, 1_000, 990, 950, 740, 700];

/// How often a site has a surge: once in so many minutes.
const SURGE_EVERY_MIN: u64 = 4_320;

/// How long a surge takes to build up, and to fade.
const SURGE_RAMP_MIN: i64 = 15;

/// The load of each site, in per mille of its busiest hour.
pub(super) struct SiteLoads {
    random: Random,
    sites: Vec<Site>,
}

struct Site {
    /// How far its day is behind, in minutes.
    lag: i64,
    noise: i64,
    surge: Option<Surge>,
    factor: i64,
}

struct Surge {
    begins: i64,
    ends: i64,
    height: i64,
    is_attack: bool,
}

impl SiteLoads {
    pub fn new(seed: u64, count: usize) -> Self {
        let mut random = Stream::Load.random(seed);
        let mut site = || Site { lag: random.between(-90, 90), noise: 0, surge: None, factor: 0 };
        Self { sites: (0..count).map(|_| site()).collect(), random }
    }

    pub fn advance(&mut self, minute: i64, freq_min: u32) {
        let chance = BILLION * u64::from(freq_min) / SURGE_EVERY_MIN;
        for site in &mut self.sites {
            site.noise = site.noise * 15 / 16 + self.random.bell(12);
            if site.surge.as_ref().is_some_and(|surge| surge.ends <= minute) {
                site.surge = None;
            }
            if site.surge.is_none() && self.random.chance_per_billion(chance) {
                site.surge = Some(Surge {
                    begins: minute,
                    ends: minute + self.random.between(45, 150),
                    height: self.random.between(120, 450),
                    is_attack: self.random.percent(50),
                });
            }
            let surge = site.surge.as_ref().map_or(0, |surge| surge.at(minute));
            site.factor = (regular(minute - site.lag) + site.noise + surge).max(50);
        }
    }

    pub fn factor(&self, site: usize) -> i64 {
        self.sites.get(site).map_or(0, |site| site.factor)
    }

    /// Whether what comes in at a site is partly an attack.
    pub fn is_attacked(&self, site: usize) -> bool {
        self.sites.get(site).and_then(|site| site.surge.as_ref()).is_some_and(|surge| surge.is_attack)
    }
}

impl Surge {
    fn at(&self, minute: i64) -> i64 {
        let from_edge = (minute - self.begins + 1).min(self.ends - minute).clamp(0, SURGE_RAMP_MIN);
        self.height * from_edge / SURGE_RAMP_MIN
    }
}

/// What is usual at a minute since 1970: between two hours on a straight line, and so from day to day in the late evening.
fn regular(minute: i64) -> i64 {
    let (weekday, of_day) = weekday_and_minute(minute);
    let at = |table: &[i64], index: i64| {
        let index = index.rem_euclid(table.len() as i64);
        usize::try_from(index).ok().and_then(|index| table.get(index)).copied().unwrap_or(0)
    };
    let (hour, past) = (of_day / 60, of_day % 60);
    let daily = at(&HOURS, hour) + (at(&HOURS, hour + 1) - at(&HOURS, hour)) * past / 60;
    let late = (of_day - 20 * 60).max(0);
    let weekly = at(&WEEKDAYS, weekday) + (at(&WEEKDAYS, weekday + 1) - at(&WEEKDAYS, weekday)) * late / 240;
    daily * weekly / 1_000
}

/// The sites of a topology, and which of them each node is at.
pub(super) struct Sites {
    pub names: Vec<String>,
    pub of_node: Vec<usize>,
}

impl Sites {
    pub fn new(topology: &Topology) -> Self {
        let mut sites = Self { names: Vec::new(), of_node: Vec::new() };
        let mut known: HashMap<&str, usize> = HashMap::new();
        for node in topology.nodes() {
            let site = *known.entry(&node.site).or_insert_with(|| {
                sites.names.push(node.site.clone());
                sites.names.len() - 1
            });
            sites.of_node.push(site);
        }
        sites
    }

    pub fn of(&self, node: usize) -> usize {
        self.of_node.get(node).copied().unwrap_or(0)
    }
}

/// What the demands put on each hop, split by the site whose load they follow.
pub(super) struct Traffic {
    /// Per hop: a site, and bits per second in its busiest hour.
    shares: Vec<Vec<(usize, u64)>>,
    loads: Vec<u64>,
}

impl Traffic {
    /// The traffic when the demands take their routes under these conditions.
    pub fn new(topology: &Topology, sites: &Sites, conditions: &Conditions) -> Self {
        let routing = Routing::compute(topology, conditions);
        let mut parts: Vec<(usize, usize, u64)> = Vec::new();
        for (index, demand) in topology.demands().iter().enumerate() {
            // Half of a demand follows the site where it begins, half that where it ends.
            let half = conditions.demand(index) / 2;
            let ends = [demand.source, demand.target].map(|end| sites.of(end.index()));
            let hops = routing.route(index).map(|route| route.hops.as_slice()).unwrap_or_default();
            parts.extend(hops.iter().flat_map(|hop| ends.map(|site| (hop.index(), site, half))));
        }
        parts.sort_unstable();
        let mut shares: Vec<Vec<(usize, u64)>> = vec![Vec::new(); 2 * topology.links().len()];
        for same in parts.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
            if let Some((hop, site, _)) = same.first()
                && let Some(shares) = shares.get_mut(*hop)
            {
                shares.push((*site, same.iter().map(|(_, _, bps)| bps).sum()));
            }
        }
        Self { loads: vec![0; shares.len()], shares }
    }

    pub fn follow(&mut self, sites: &SiteLoads) {
        for (load, shares) in self.loads.iter_mut().zip(&self.shares) {
            let scaled = shares.iter().map(|(site, bps)| bps / 1_000 * sites.factor(*site).unsigned_abs());
            *load = scaled.sum();
        }
    }

    /// The busier direction of a link, in bits per second.
    pub fn busiest(&self, link: usize) -> u64 {
        let load = |hop: usize| self.loads.get(hop).copied().unwrap_or(0);
        load(2 * link).max(load(2 * link + 1))
    }

    /// Both directions of a link.
    pub fn both(&self, link: usize) -> u64 {
        let load = |hop: usize| self.loads.get(hop).copied().unwrap_or(0);
        load(2 * link) + load(2 * link + 1)
    }

    /// Both directions of a link in the busiest hour of all sites.
    pub fn both_at_most(&self, link: usize) -> u64 {
        let most = |hop: usize| self.shares.get(hop).into_iter().flatten().map(|(_, bps)| bps).sum::<u64>();
        most(2 * link) + most(2 * link + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::regular;
    use lakehouse_generate::Date;

    use crate::generator::calendar::DAY;

    #[test]
    fn afternoons_are_busy_nights_and_weekends_are_not() {
        let monday = Date::parse("2025-02-03").unwrap().days() * DAY;
        let at = |day: i64, hour: i64| regular(monday + day * DAY + hour * 60);
        assert!((3..14).all(|hour| at(1, hour) < at(1, hour + 1)), "rises from before dawn to the afternoon");
        assert!(at(1, 14) > 980 && at(1, 3) < 400);
        assert!(at(5, 14) < 800 && at(6, 14) < 800);
        assert!((0..7 * DAY).all(|minute| (regular(monday + minute) - regular(monday + minute + 1)).abs() <= 4), "no jumps");
    }
}
