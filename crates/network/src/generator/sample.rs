//! The arguments of a sample.

use lakehouse_generate::Date;
use serde::{Deserialize, Serialize};

use super::{GenerateError, calendar::DAY};

/// The arguments of a sample. By default a day of fifteen nodes at five sites, minute by minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkSample {
    /// Samples with different seeds differ.
    pub seed: u64,
    /// Sites of a made-up network, 1 to 50.
    pub num_sites: u32,
    /// Nodes at each of them, 1 to 20.
    pub nodes_per_site: u32,
    /// How long it lasts: from an hour to ten years.
    pub duration_min: u32,
    /// Minutes between two rows of a node or link, 1 to 60.
    pub freq_min: u32,
    /// The share of time a node spends in incidents that are its own; a link half of that.
    pub incident_rate: f64,
    /// The day on which it begins, at midnight UTC, as `2025-02-03`.
    pub start: String,
    /// Lines that a firewall logs per minute when its site is busy; there are at most ten firewalls.
    pub firewall_rows_per_min: u32,
}

impl Default for NetworkSample {
    fn default() -> Self {
        Self {
            seed: 42,
            num_sites: 5,
            nodes_per_site: 3,
            duration_min: 1_440,
            freq_min: 1,
            incident_rate: 0.01,
            start: "2025-02-03".to_owned(),
            firewall_rows_per_min: 6,
        }
    }
}

impl NetworkSample {
    pub(super) fn check(&self) -> Result<(), GenerateError> {
        let within = |what, value: u32, least: u32, most: u32, allowed| {
            if (least..=most).contains(&value) { Ok(()) } else { Err(argument(what, value, allowed)) }
        };
        within("num_sites", self.num_sites, 1, 50, "between 1 and 50")?;
        within("nodes_per_site", self.nodes_per_site, 1, 20, "between 1 and 20")?;
        within("duration_min", self.duration_min, 60, 5_270_400, "between 60 and 5,270,400")?;
        within("freq_min", self.freq_min, 1, 60, "between 1 and 60")?;
        within("firewall_rows_per_min", self.firewall_rows_per_min, 0, 10_000, "between 0 and 10,000")?;
        if !(0.0..=1.0).contains(&self.incident_rate) {
            return Err(argument("incident_rate", self.incident_rate, "between 0 and 1"));
        }
        self.first_minute().map(|_| ())
    }

    /// The minute since 1970 at which it begins.
    pub(super) fn first_minute(&self) -> Result<i64, GenerateError> {
        let date = Date::parse(&self.start);
        let date = date.ok_or_else(|| argument("start", &self.start, "a day between 1970 and 9000, such as 2025-02-03"))?;
        Ok(date.days() * DAY)
    }

    /// How many rows a node or link gets.
    pub(super) fn ticks(&self) -> u32 {
        self.duration_min / self.freq_min.max(1)
    }
}

fn argument(what: &'static str, value: impl ToString, allowed: &'static str) -> GenerateError {
    GenerateError::Argument { what, value: value.to_string(), allowed }
}
