//! What firewalls log.

use lakehouse_generate::Random;

use super::{
    FirewallRow, NetworkSample, Verdict,
    campaigns::{Campaign, outside},
    load::{SiteLoads, Sites},
    subject::{BILLION, Stream},
};

/// No more firewalls than this, at the first sites of the topology.
const MOST_FIREWALLS: usize = 10;

/// One line in so many is damaged.
const DAMAGED_EVERY: u64 = 4_000;

/// Faults of firewalls, by how common they are.
const BUGS: [(&str, u64); 5] =
    [("session_timeout", 6), ("state_table_overflow", 3), ("rule_conflict", 3), ("asymmetric_routing", 2), ("config_error", 1)];

/// The firewalls of a network.
pub(super) struct Firewalls {
    random: Random,
    firewalls: Vec<Firewall>,
    rows_per_min: u32,
    freq_min: u32,
}

struct Firewall {
    id: String,
    site: usize,
    campaign: Option<Campaign>,
}

impl Firewalls {
    pub fn new(sample: &NetworkSample, sites: &Sites) -> Self {
        let named = sites.names.iter().enumerate().take(MOST_FIREWALLS);
        Self {
            random: Stream::Firewalls.random(sample.seed),
            firewalls: named.map(|(site, name)| Firewall { id: format!("FW_{name}"), site, campaign: None }).collect(),
            rows_per_min: sample.firewall_rows_per_min,
            freq_min: sample.freq_min,
        }
    }

    /// Hands over the lines of a tick, in order of time. `is_troubled` says of a site whether something is wrong there.
    pub fn log<E>(
        &mut self,
        minute: i64,
        loads: &SiteLoads,
        is_troubled: impl Fn(usize) -> bool,
        mut hand_over: impl FnMut(FirewallRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Self { random, firewalls, rows_per_min, freq_min } = self;
        let mut weights = Vec::with_capacity(firewalls.len());
        for (position, firewall) in firewalls.iter_mut().enumerate() {
            firewall.campaign = Campaign::next(firewall.campaign.take(), minute, *freq_min, random);
            let busier = if loads.is_attacked(firewall.site) { 2 } else { 1 };
            weights.push((position, loads.factor(firewall.site).unsigned_abs() * busier));
        }
        let span = u64::from(*freq_min) * 60;
        let weight: u64 = weights.iter().map(|(_, weight)| weight).sum();
        let rows = weight * u64::from(*rows_per_min) * u64::from(*freq_min) / 1_000;
        for row in 0..rows {
            let second = (row * span + random.below(span)) / rows;
            let Some(firewall) = random.pick_weighted(&weights).and_then(|position| firewalls.get(*position)) else { continue };
            let time = Time { minute, second: minute * 60 + second as i64 };
            hand_over(firewall.line(time, loads.is_attacked(firewall.site), is_troubled(firewall.site), random))?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Time {
    minute: i64,
    second: i64,
}

impl Firewall {
    fn line(&self, time: Time, is_attacked: bool, is_troubled: bool, random: &mut Random) -> FirewallRow<'_> {
        let inside = [10, self.site as u8, random.below(16) as u8, 1 + random.below(254) as u8];
        let mut other = outside(random);
        let verdict = self.verdict(is_attacked, is_troubled, random);
        if let (Verdict::Attack(kind), Some(campaign)) = (verdict, &self.campaign)
            && kind == campaign.kind
        {
            other = campaign.attacker;
        }
        let is_inbound = matches!(verdict, Verdict::Attack(kind) if kind != "data_exfiltration") || random.percent(60);
        let (src_ip, dst_ip) = if is_inbound { (other, inside) } else { (inside, other) };
        let protocol = match verdict {
            Verdict::Attack("brute_force" | "sql_injection" | "port_scan") => "TCP",
            _ => random.pick_weighted(&[("TCP", 70), ("UDP", 23), ("ICMP", 7)]).copied().unwrap_or("TCP"),
        };
        let denied = match verdict {
            Verdict::Ok => 6,
            Verdict::Bug(_) => 55,
            Verdict::Attack(_) => 85,
        };
        let action = if random.percent(denied) { "DENY" } else { "ALLOW" };
        let is_damaged = random.chance_per_billion(BILLION / DAMAGED_EVERY);
        let second = (!is_damaged).then_some(time.second);
        FirewallRow { second, minute: time.minute, firewall_id: &self.id, src_ip, dst_ip, protocol, action, verdict }
    }

    fn verdict(&self, is_attacked: bool, is_troubled: bool, random: &mut Random) -> Verdict {
        if is_attacked && random.percent(45) {
            return Verdict::Attack("ddos");
        }
        if let Some(campaign) = &self.campaign
            && random.percent(30)
        {
            return Verdict::Attack(campaign.kind);
        }
        if random.chance_per_billion(BILLION / 400) {
            return Verdict::Attack("port_scan");
        }
        if random.chance_per_billion(if is_troubled { BILLION / 7 } else { BILLION / 200 }) {
            return Verdict::Bug(random.pick_weighted(&BUGS).copied().unwrap_or("session_timeout"));
        }
        Verdict::Ok
    }
}
