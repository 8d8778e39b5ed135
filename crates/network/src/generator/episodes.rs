//! What goes wrong, and what shows of it before.

use lakehouse_generate::Random;

use super::{
    NetworkSample, Severity,
    subject::{BILLION, Stream},
};

/// Minutes an incident lasts.
const INCIDENT_MIN: (i64, i64) = (5, 45);

/// Minutes over which symptoms creep up.
const PRECURSOR_MIN: (i64, i64) = (10, 60);

/// Percent of incidents that announce themselves.
const ANNOUNCED: u64 = 70;

/// Episodes with symptoms and no incident, per hundred incidents.
const FALSE_ALARMS: u64 = 25;

/// Something wrong with a node or link.
#[derive(Debug, Clone)]
pub(super) struct Episode {
    /// The first tick with symptoms.
    pub begins: u32,
    /// The first tick of the incident, or of nothing.
    pub strikes: u32,
    /// The first tick after it.
    pub ends: u32,
    pub severity: Severity,
    /// Its number once it has struck.
    pub incident: Option<u64>,
    pub caused_by: Option<u64>,
    is_false_alarm: bool,
    push: Push,
}

/// What is added to the values of a node or link: ten-thousandths, and hundredths of a millisecond.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Push {
    pub cpu: i64,
    pub mem: i64,
    pub if_util: i64,
    pub pkt_err: i64,
    pub latency: i64,
}

impl Episode {
    /// What it does to the values at a tick.
    fn push(&self, tick: u32) -> Push {
        if tick < self.begins || tick >= self.ends {
            return Push::default();
        }
        if tick >= self.strikes {
            return if self.is_false_alarm { Push::default() } else { self.push };
        }
        // Symptoms: errors, delays and memory, up to a quarter and more of what is to come.
        let progress = i64::from(tick - self.begins + 1);
        let length = i64::from(self.strikes - self.begins + 1);
        let part = |full: i64, percent: i64| full * percent * progress / length / 100;
        Push {
            cpu: part(self.push.cpu, 15),
            mem: part(self.push.mem, 60),
            if_util: 0,
            pkt_err: part(self.push.pkt_err, 30),
            latency: part(self.push.latency, 30),
        }
    }

    fn is_outage(&self) -> bool {
        self.incident.is_some() && self.severity == Severity::High
    }
}

/// The episodes of all nodes and links: nodes first, at most one each.
pub(super) struct Episodes {
    random: Random,
    of: Vec<Option<Episode>>,
    nodes: usize,
    freq_min: u32,
    /// Per billion and tick, for a node.
    rate: u64,
    incidents: u64,
    pub false_alarms: u64,
}

/// What changed in a tick.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Nodes and links whose incident began.
    pub struck: Vec<usize>,
    /// Whether something went out or came back.
    pub outages: bool,
}

impl Episodes {
    pub fn new(sample: &NetworkSample, nodes: usize, links: usize) -> Self {
        // The share of time in incidents, divided by how many ticks one lasts on average.
        let mean_ticks = (INCIDENT_MIN.0 + INCIDENT_MIN.1) as f64 / 2.0 / f64::from(sample.freq_min);
        Self {
            random: Stream::Episodes.random(sample.seed),
            of: vec![None; nodes + links],
            nodes,
            freq_min: sample.freq_min,
            rate: ((sample.incident_rate / mean_ticks.max(1.0)).min(1.0) * BILLION as f64) as u64,
            incidents: 0,
            false_alarms: 0,
        }
    }

    pub fn get(&self, element: usize) -> Option<&Episode> {
        self.of.get(element)?.as_ref()
    }

    pub fn push(&self, element: usize, tick: u32) -> Push {
        self.get(element).map(|episode| episode.push(tick)).unwrap_or_default()
    }

    /// Whether the incident of a node or link has taken it out.
    pub fn is_out(&self, element: usize) -> bool {
        self.get(element).is_some_and(Episode::is_outage)
    }

    /// Ends what is over, begins what chance says, and strikes what is due.
    pub fn advance(&mut self, tick: u32) -> Changes {
        let mut changes = Changes::default();
        for element in 0..self.of.len() {
            if let Some(over) = self.of.get_mut(element).and_then(|episode| episode.take_if(|episode| episode.ends <= tick)) {
                changes.outages |= over.is_outage();
            }
            if self.get(element).is_none() {
                let rate = if element < self.nodes { self.rate } else { self.rate / 2 };
                if self.random.chance_per_billion(rate) {
                    self.begin(element, tick, false);
                } else if self.random.chance_per_billion(rate * FALSE_ALARMS / 100) {
                    self.begin(element, tick, true);
                    self.false_alarms += 1;
                }
            }
            let next = self.incidents + 1;
            if let Some(Some(episode)) = self.of.get_mut(element)
                && episode.strikes == tick
                && !episode.is_false_alarm
            {
                self.incidents = next;
                episode.incident = Some(next);
                changes.struck.push(element);
                changes.outages |= episode.is_outage();
            }
        }
        changes
    }

    fn begin(&mut self, element: usize, tick: u32, is_false_alarm: bool) {
        let is_announced = is_false_alarm || self.random.percent(ANNOUNCED);
        let strikes = if is_announced { tick + self.ticks(PRECURSOR_MIN) } else { tick };
        let severity = self.random.pick_weighted(&[(Severity::Low, 1), (Severity::Medium, 1), (Severity::High, 1)]);
        let severity = severity.copied().unwrap_or(Severity::Low);
        self.put(element, (tick, strikes), severity, None, is_false_alarm);
    }

    /// Lets an incident follow another, a few minutes later.
    pub fn follow(&mut self, element: usize, tick: u32, caused_by: u64) {
        if self.get(element).is_some() {
            return;
        }
        let strikes = tick + self.ticks((1, 6));
        let severity = self.random.pick_weighted(&[(Severity::Low, 40), (Severity::Medium, 45), (Severity::High, 15)]);
        let severity = severity.copied().unwrap_or(Severity::Low);
        self.put(element, (tick, strikes), severity, Some(caused_by), false);
    }

    /// Lets a link that is overloaded have an incident in the next tick, now and then.
    pub fn overload(&mut self, element: usize, tick: u32) {
        if self.get(element).is_none() && self.random.percent(10) {
            self.put(element, (tick + 1, tick + 1), Severity::Medium, None, false);
        }
    }

    pub fn percent(&mut self, percent: u64) -> bool {
        self.random.percent(percent)
    }

    fn put(
        &mut self,
        element: usize,
        (begins, strikes): (u32, u32),
        severity: Severity,
        caused_by: Option<u64>,
        is_false_alarm: bool,
    ) {
        let ends = strikes + if is_false_alarm { 1 } else { self.ticks(INCIDENT_MIN) };
        let random = &mut self.random;
        let mut push = if element < self.nodes {
            Push {
                cpu: random.between(1_500, 3_000),
                mem: random.between(1_000, 2_000),
                if_util: random.between(1_500, 2_500),
                pkt_err: random.between(200, 800),
                latency: 0,
            }
        } else {
            Push {
                if_util: random.between(2_000, 4_000),
                pkt_err: random.between(100, 500),
                latency: random.between(2_000, 10_000),
                ..Push::default()
            }
        };
        if severity == Severity::High {
            push.pkt_err *= 2;
        }
        let episode = Episode { begins, strikes, ends, severity, incident: None, caused_by, is_false_alarm, push };
        if let Some(place) = self.of.get_mut(element) {
            *place = Some(episode);
        }
    }

    /// Minutes drawn from a range, in ticks; at least one.
    fn ticks(&mut self, (least, most): (i64, i64)) -> u32 {
        let minutes = self.random.between(least, most).unsigned_abs() as u32;
        minutes.div_ceil(self.freq_min).max(1)
    }
}
