//! Where the lines of a log are, when they were written and what they are about.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::network::instant;

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum IncidentType {
    /// Traffic in order.
    #[serde(rename = "OK")]
    Ok,
    /// A fault of the firewall.
    Bug,
    /// An attack.
    Attack,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LogLine {
    /// When, as the log writes it.
    pub timestamp: String,
    /// The firewall.
    pub firewall_id: String,
    /// Where the packet came from.
    pub src_ip: String,
    /// Where it was to go.
    pub dst_ip: String,
    /// `TCP`, `UDP` or `ICMP`.
    pub protocol: String,
    /// `ALLOW` or `DENY`.
    pub action: String,
    /// `OK`, `Bug` or `Attack`.
    pub incident_type: String,
    /// What failed; null unless it is a bug.
    pub bug_type: Option<String>,
    /// Kind of attack; null unless it is one.
    pub attack_type: Option<String>,
}

/// Lines by what they are about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Traffic in order.
    pub ok: u64,
    /// Faults.
    pub bug: u64,
    /// Attacks.
    pub attack: u64,
}

/// A line in the index: 24 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// Seconds since 1970.
    pub at: i64,
    /// Where it begins in the file.
    pub place: u64,
    /// Its bytes, the end of the line included.
    pub bytes: u32,
    pub kind: IncidentType,
}

/// The lines of a file.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// By time, then place.
    pub lines: Vec<Entry>,
    /// Lines that cannot be read.
    pub damaged: u64,
}

/// Makes an index of a file that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Indexer {
    index: Index,
    /// Where the next line begins.
    place: u64,
    /// What has come of it.
    begun: Vec<u8>,
}

impl Indexer {
    /// Takes the next piece.
    pub fn take(&mut self, piece: &[u8]) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    /// The index, when the last piece has come.
    pub fn finish(mut self) -> Index {
        if !self.begun.is_empty() {
            self.end_line();
        }
        self.index.lines.sort_unstable();
        self.index
    }

    fn end_line(&mut self) {
        let (place, is_header) = (self.place, self.place == 0);
        let read = parse(&self.begun).and_then(|line| {
            let (at, kind) = (instant::parse(&line.timestamp)?.as_second(), kind(&line.incident_type)?);
            Some(Entry { at, place, bytes: u32::try_from(self.begun.len()).ok()?, kind })
        });
        match read {
            Some(entry) => self.index.lines.push(entry),
            None if is_header || self.begun.trim_ascii().is_empty() => {}
            None => self.index.damaged += 1,
        }
        self.place += self.begun.len() as u64;
        self.begun.clear();
    }
}

impl Counts {
    /// All of them.
    pub fn total(self) -> u64 {
        self.ok + self.bug + self.attack
    }

    pub(super) fn add(&mut self, kind: IncidentType) {
        match kind {
            IncidentType::Ok => self.ok += 1,
            IncidentType::Bug => self.bug += 1,
            IncidentType::Attack => self.attack += 1,
        }
    }
}

fn kind(text: &str) -> Option<IncidentType> {
    match text {
        "OK" => Some(IncidentType::Ok),
        "Bug" => Some(IncidentType::Bug),
        "Attack" => Some(IncidentType::Attack),
        _ => None,
    }
}

/// The nine fields of a line. Logs quote nothing: a line with a quote in it counts as damaged.
pub(super) fn parse(line: &[u8]) -> Option<LogLine> {
    let line = std::str::from_utf8(line).ok()?.trim_end_matches(['\r', '\n']);
    let fields: Vec<&str> = line.split(',').collect();
    let [timestamp, firewall_id, src_ip, dst_ip, protocol, action, incident_type, bug_type, attack_type] =
        fields.try_into().ok()?;
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Some(LogLine {
        timestamp: some(timestamp)?,
        firewall_id: firewall_id.to_owned(),
        src_ip: src_ip.to_owned(),
        dst_ip: dst_ip.to_owned(),
        protocol: protocol.to_owned(),
        action: action.to_owned(),
        incident_type: incident_type.to_owned(),
        bug_type: some(bug_type),
        attack_type: some(attack_type),
    })
}

#[cfg(test)]
mod tests {
    use super::{IncidentType, Indexer};

    const LOG: &str = "timestamp,firewall_id,src_ip,dst_ip,protocol,action,incident_type,bug_type,attack_type\n\
        2025-02-01T00:01:00Z,F,1,2,TCP,DENY,Attack,,scan\r\n\
        CORRUPTED_LINE,F,1,2,TCP,ALLOW,OK,,\n\
        2025-02-01T00:00:00Z,F,1,2,TCP,ALLOW,OK,,";

    #[test]
    fn the_index_is_the_same_however_the_file_is_cut() {
        for piece in 1..=LOG.len() {
            let mut indexer = Indexer::default();
            LOG.as_bytes().chunks(piece).for_each(|bytes| indexer.take(bytes));
            let index = indexer.finish();
            let lines = index.lines.iter().map(|line| {
                let begins = line.place as usize;
                (line.kind, &LOG[begins..begins + line.bytes as usize])
            });
            let expected = [
                (IncidentType::Ok, "2025-02-01T00:00:00Z,F,1,2,TCP,ALLOW,OK,,"),
                (IncidentType::Attack, "2025-02-01T00:01:00Z,F,1,2,TCP,DENY,Attack,,scan\r\n"),
            ];
            assert!(lines.eq(expected), "pieces of {piece}");
            assert_eq!(index.damaged, 1);
        }
    }
}
