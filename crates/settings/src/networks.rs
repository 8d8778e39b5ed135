//! How the scoring API tells the risks of networks.

use std::path::Path;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{SettingsError, location};

/// By what risks are told, from where on they have which name, and where the logs are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NetworkSettings {
    /// Where a request does not say.
    pub mode: RiskMode,
    /// The least score that is MEDIUM.
    pub medium_from: f64,
    /// The least score that is HIGH.
    pub high_from: f64,
    /// The least score that is CRITICAL.
    pub critical_from: f64,
    /// The share of the processor in use beyond which a rule is violated.
    pub cpu_limit: f64,
    /// The same of the memory.
    pub mem_limit: f64,
    /// The same of interfaces and links.
    pub if_util_limit: f64,
    /// The same of packets in error.
    pub pkt_err_limit: f64,
    /// The same in milliseconds.
    pub latency_ms_limit: f64,
    /// Where the firewall logs are; no trailing slash.
    pub logs: Url,
}

/// By what risks of networks are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RiskMode {
    /// Limits on the latest values.
    Rule,
    /// The champions.
    Ml,
    /// The higher of both.
    Hybrid,
}

/// [`NetworkSettings`] before its folder is made absolute.
#[derive(Deserialize)]
pub(crate) struct WrittenNetworks {
    mode: RiskMode,
    medium_from: f64,
    high_from: f64,
    critical_from: f64,
    cpu_limit: f64,
    mem_limit: f64,
    if_util_limit: f64,
    pkt_err_limit: f64,
    latency_ms_limit: f64,
    logs: String,
}

impl WrittenNetworks {
    /// Without a place of their own, the logs are in the sources folder.
    pub(crate) fn check(self, base: &Path, sources: &str) -> Result<NetworkSettings, SettingsError> {
        let shares = [
            ("networks.medium_from", self.medium_from),
            ("networks.high_from", self.high_from),
            ("networks.critical_from", self.critical_from),
            ("networks.cpu_limit", self.cpu_limit),
            ("networks.mem_limit", self.mem_limit),
            ("networks.if_util_limit", self.if_util_limit),
            ("networks.pkt_err_limit", self.pkt_err_limit),
        ];
        for (key, share) in shares {
            if !(0.0..=1.0).contains(&share) {
                return Err(SettingsError::rule(key, share, "write a share, 0 to 1"));
            }
        }
        for (key, least, most) in [
            ("networks.high_from", self.medium_from, self.high_from),
            ("networks.critical_from", self.high_from, self.critical_from),
        ] {
            if least > most {
                return Err(SettingsError::rule(key, most, "the bands must rise: medium_from, high_from, critical_from"));
            }
        }
        if !self.latency_ms_limit.is_finite() || self.latency_ms_limit < 0.0 {
            return Err(SettingsError::rule("networks.latency_ms_limit", self.latency_ms_limit, "write milliseconds from 0 on"));
        }
        let place = if self.logs.is_empty() { sources } else { &self.logs };
        let logs = location::uri(base, place).map_err(|reason| SettingsError::rule("networks.logs", &self.logs, reason))?;
        Ok(NetworkSettings {
            mode: self.mode,
            medium_from: self.medium_from,
            high_from: self.high_from,
            critical_from: self.critical_from,
            cpu_limit: self.cpu_limit,
            mem_limit: self.mem_limit,
            if_util_limit: self.if_util_limit,
            pkt_err_limit: self.pkt_err_limit,
            latency_ms_limit: self.latency_ms_limit,
            logs,
        })
    }
}
