//! Attacks that last: who, where from, how long.

use lakehouse_generate::Random;

use super::subject::BILLION;

/// Kinds of attack, by how common they are.
const KINDS: [(&str, u64); 5] =
    [("port_scan", 8), ("brute_force", 5), ("sql_injection", 3), ("malware_beacon", 2), ("data_exfiltration", 1)];

/// A firewall sees a campaign once in so many minutes.
const EVERY_MIN: u64 = 720;

/// One attacker at work on one firewall.
#[derive(Debug, Clone)]
pub(super) struct Campaign {
    pub kind: &'static str,
    pub attacker: [u8; 4],
    ends: i64,
}

impl Campaign {
    /// The campaign of a firewall a tick later: it goes on, ends, or another begins.
    pub fn next(current: Option<Self>, minute: i64, freq_min: u32, random: &mut Random) -> Option<Self> {
        if let Some(current) = current.filter(|current| minute < current.ends) {
            return Some(current);
        }
        random.chance_per_billion(BILLION * u64::from(freq_min) / EVERY_MIN).then(|| Self {
            kind: random.pick_weighted(&KINDS).copied().unwrap_or("port_scan"),
            attacker: outside(random),
            ends: minute + random.between(10, 90),
        })
    }
}

/// An address of the ranges kept for documentation, which belong to nobody.
pub(super) fn outside(random: &mut Random) -> [u8; 4] {
    let ranges = [([192, 0, 2], 1), ([198, 51, 100], 1), ([203, 0, 113], 1)];
    let [a, b, c] = random.pick_weighted(&ranges).copied().unwrap_or([192, 0, 2]);
    [a, b, c, 1 + random.below(254) as u8]
}
