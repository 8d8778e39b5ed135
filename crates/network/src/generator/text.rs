//! Rows as lines of CSV.

use std::io::Write;

use lakehouse_generate::Date;

use super::{FirewallRow, Fixed, IncidentRow, LinkRow, NodeRow, Verdict, calendar::DAY};

pub(super) const TELEMETRY_HEADER: &[u8] = b"ts,node_id,link_id,cpu,mem,if_util,pkt_err,latency_ms\n";
pub(super) const INCIDENT_HEADER: &[u8] = b"timestamp,node_id,link_id,type,severity,incident_id,ended_at,caused_by\n";
pub(super) const FIREWALL_HEADER: &[u8] =
    b"timestamp,firewall_id,src_ip,dst_ip,protocol,action,incident_type,bug_type,attack_type\n";

/// A line under way.
#[derive(Default)]
pub(super) struct Line {
    pub bytes: Vec<u8>,
    /// The last timestamp up to the minute, as most rows share it with the one before.
    minute: Option<i64>,
    stamp: Vec<u8>,
}

impl Line {
    pub fn node(&mut self, row: &NodeRow<'_>) {
        self.start(row.minute * 60);
        self.text(row.node_id);
        self.comma();
        for value in [row.cpu, row.mem, row.if_util, row.pkt_err] {
            self.fixed(value);
        }
        self.comma();
        self.end();
    }

    pub fn link(&mut self, row: &LinkRow<'_>) {
        self.start(row.minute * 60);
        self.comma();
        self.text(row.link_id);
        self.comma();
        self.comma();
        for value in [row.if_util, row.pkt_err] {
            self.fixed(value);
        }
        self.fixed(row.latency_ms);
        self.end();
    }

    pub fn incident(&mut self, row: &IncidentRow<'_>) {
        self.start(row.minute * 60);
        self.text(row.node_id.unwrap_or(""));
        self.text(row.link_id.unwrap_or(""));
        let kind = if row.node_id.is_some() { "anomaly" } else { "congestion" };
        self.field(format_args!("{kind}"));
        self.field(format_args!("{}", row.severity));
        self.field(format_args!("{}", row.incident_id));
        self.timestamp(row.end_minute * 60);
        match row.caused_by {
            Some(cause) => self.field(format_args!("{cause}")),
            None => self.comma(),
        }
        self.end();
    }

    pub fn firewall(&mut self, row: &FirewallRow<'_>) {
        self.bytes.clear();
        match row.second {
            Some(second) => self.timestamp(second),
            None => self.field(format_args!("CORRUPTED_LINE")),
        }
        self.text(row.firewall_id);
        for [a, b, c, d] in [row.src_ip, row.dst_ip] {
            self.field(format_args!("{a}.{b}.{c}.{d}"));
        }
        let (incident, bug, attack) = match row.verdict {
            Verdict::Ok => ("OK", "", ""),
            Verdict::Bug(kind) => ("Bug", kind, ""),
            Verdict::Attack(kind) => ("Attack", "", kind),
        };
        for text in [row.protocol, row.action, incident, bug, attack] {
            self.text(text);
        }
        self.end();
    }

    fn start(&mut self, second: i64) {
        self.bytes.clear();
        self.timestamp(second);
    }

    /// `2025-02-03T00:00:00Z,`
    fn timestamp(&mut self, second: i64) {
        let (minute, of_minute) = (second.div_euclid(60), second.rem_euclid(60));
        if self.minute != Some(minute) {
            let (date, of_day) = (Date::from_days(minute.div_euclid(DAY)), minute.rem_euclid(DAY));
            let stamp = format!("{:04}-{:02}-{:02}T{:02}:{:02}:", date.year, date.month, date.day, of_day / 60, of_day % 60);
            (self.minute, self.stamp) = (Some(minute), stamp.into_bytes());
        }
        self.bytes.extend_from_slice(&self.stamp);
        self.bytes.extend_from_slice(&[b'0' + (of_minute / 10) as u8, b'0' + (of_minute % 10) as u8, b'Z', b',']);
    }

    fn comma(&mut self) {
        self.bytes.push(b',');
    }

    /// A field and its comma; quoted where it has to be.
    fn text(&mut self, text: &str) {
        if text.contains([',', '"', '\n', '\r']) {
            self.bytes.push(b'"');
            self.bytes.extend_from_slice(text.replace('"', "\"\"").as_bytes());
            self.bytes.push(b'"');
        } else {
            self.bytes.extend_from_slice(text.as_bytes());
        }
        self.comma();
    }

    fn field(&mut self, value: std::fmt::Arguments<'_>) {
        // Writing to memory does not fail.
        let _ = self.bytes.write_fmt(value);
        self.comma();
    }

    fn fixed<const PLACES: u32>(&mut self, Fixed(value): Fixed<PLACES>) {
        let mut digits = [b'0'; 12];
        let (mut left, mut written) = (value, 0);
        for digit in digits.iter_mut().rev() {
            if left == 0 && written > PLACES {
                break;
            }
            *digit = if written == PLACES { b'.' } else { b'0' + (left % 10) as u8 };
            left = if written == PLACES { left } else { left / 10 };
            written += 1;
        }
        // The first digit is only reached with a number or a zero before the point.
        let used = (written.max(PLACES + 2) as usize).min(digits.len());
        self.bytes.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
        self.comma();
    }

    /// Puts a line end in the place of the last comma.
    fn end(&mut self) {
        if let Some(last) = self.bytes.last_mut() {
            *last = b'\n';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fixed, Line};

    fn fixed<const PLACES: u32>(value: u32) -> String {
        let mut line = Line::default();
        line.fixed(Fixed::<PLACES>(value));
        String::from_utf8(line.bytes).unwrap()
    }

    #[test]
    fn numbers_have_their_places() {
        let shares = [0, 1, 9_999, 10_000].map(fixed::<4>);
        assert_eq!(shares, ["0.0000,", "0.0001,", "0.9999,", "1.0000,"]);
        let millis = [0, 5, 100, 1_234, 12_345, u32::MAX].map(fixed::<2>);
        assert_eq!(millis, ["0.00,", "0.05,", "1.00,", "12.34,", "123.45,", "42949672.95,"]);
    }

    #[test]
    fn a_field_with_a_comma_or_a_quote_is_quoted() {
        let mut line = Line::default();
        line.text("New \"York\", NY");
        line.text("plain");
        line.end();
        assert_eq!(line.bytes, b"\"New \"\"York\"\", NY\",plain\n");
    }
}
