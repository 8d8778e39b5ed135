//! What a sample consists of, row by row.

use std::fmt;

use super::{Millis, Share};

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub enum Record<'a> {
    /// A node at an instant.
    Node(NodeRow<'a>),
    /// A link at an instant.
    Link(LinkRow<'a>),
    /// An incident, when it begins.
    Incident(IncidentRow<'a>),
    /// A line of a firewall's log.
    Firewall(FirewallRow<'a>),
}

/// A node at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NodeRow<'a> {
    /// Minutes since 1970.
    pub minute: i64,
    /// The node.
    pub node_id: &'a str,
    /// Processor in use.
    pub cpu: Share,
    /// Memory in use.
    pub mem: Share,
    /// Interfaces in use.
    pub if_util: Share,
    /// Packets in error.
    pub pkt_err: Share,
}

/// A link at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinkRow<'a> {
    /// Minutes since 1970.
    pub minute: i64,
    /// The link.
    pub link_id: &'a str,
    /// Its busier direction in use.
    pub if_util: Share,
    /// Packets in error.
    pub pkt_err: Share,
    /// How long it takes.
    pub latency_ms: Millis,
}

/// An incident.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IncidentRow<'a> {
    /// Numbered from 1 in the order in which they begin.
    pub incident_id: u64,
    /// Minutes since 1970 at which it begins.
    pub minute: i64,
    /// The first minute after it.
    pub end_minute: i64,
    /// The node that has it, if it is one.
    pub node_id: Option<&'a str>,
    /// The link that has it, if it is one.
    pub link_id: Option<&'a str>,
    /// How bad it is; a high one takes its node or link out.
    pub severity: Severity,
    /// The incident that led to it.
    pub caused_by: Option<u64>,
    /// How many minutes before it its symptoms began to show; 0 if there were none. Nobody on the outside knows: it is in no
    /// file, so that no model can be fed with it.
    pub precursor_min: u32,
}

/// How bad an incident is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Noticeable.
    Low,
    /// Harmful.
    Medium,
    /// An outage.
    High,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        })
    }
}

/// A line of a firewall's log.
#[derive(Debug, Clone, PartialEq)]
pub struct FirewallRow<'a> {
    /// Seconds since 1970; none if the line is damaged and its first field says so.
    pub second: Option<i64>,
    /// The minute in which it was written, damaged or not.
    pub minute: i64,
    /// The firewall.
    pub firewall_id: &'a str,
    /// Where the packet came from.
    pub src_ip: [u8; 4],
    /// Where it was to go.
    pub dst_ip: [u8; 4],
    /// `TCP`, `UDP` or `ICMP`.
    pub protocol: &'static str,
    /// `ALLOW` or `DENY`.
    pub action: &'static str,
    /// What it was.
    pub verdict: Verdict,
}

/// What a line of a firewall's log is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Traffic in order.
    Ok,
    /// A fault of this type.
    Bug(&'static str),
    /// An attack of this type.
    Attack(&'static str),
}
