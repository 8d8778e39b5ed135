//! The settings of a session, as `set` and `show` know them.

use std::{collections::BTreeMap, time::Duration};

use lakehouse_lake::At;

use super::fault::Fault;

/// Settings that a client may keep for itself, beside those that are known.
const MOST: usize = 200;
/// The version that clients take their queries of the catalogue from.
pub(super) const SERVER_VERSION: &str = "14.0";

/// What holds at the start.
const DEFAULTS: [(&str, &str); 19] = [
    ("application_name", ""),
    ("client_encoding", "UTF8"),
    ("datestyle", "ISO, MDY"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "on"),
    ("extra_float_digits", "1"),
    ("in_hot_standby", "on"),
    ("integer_datetimes", "on"),
    ("intervalstyle", "postgres"),
    ("is_superuser", "off"),
    ("max_identifier_length", "63"),
    ("search_path", "gold"),
    ("server_encoding", "UTF8"),
    ("server_version", SERVER_VERSION),
    ("server_version_num", "140000"),
    ("standard_conforming_strings", "on"),
    ("statement_timeout", "0"),
    ("timezone", "UTC"),
    ("transaction_isolation", "read committed"),
];

/// What the client is told at the start and whenever it changes, by the names that drivers look for.
const REPORTED: [(&str, &str); 12] = [
    ("application_name", "application_name"),
    ("client_encoding", "client_encoding"),
    ("datestyle", "DateStyle"),
    ("default_transaction_read_only", "default_transaction_read_only"),
    ("in_hot_standby", "in_hot_standby"),
    ("integer_datetimes", "integer_datetimes"),
    ("intervalstyle", "IntervalStyle"),
    ("is_superuser", "is_superuser"),
    ("server_encoding", "server_encoding"),
    ("server_version", "server_version"),
    ("standard_conforming_strings", "standard_conforming_strings"),
    ("timezone", "TimeZone"),
];

/// Settings that say how things are and cannot be set.
const FIXED: [&str; 9] = [
    "in_hot_standby",
    "integer_datetimes",
    "is_superuser",
    "max_identifier_length",
    "server_encoding",
    "server_version",
    "server_version_num",
    "session_authorization",
    "standard_conforming_strings",
];

/// The settings of a session.
pub(super) struct Variables {
    set: BTreeMap<String, String>,
    user: String,
}

impl Variables {
    pub(super) fn new(user: &str) -> Self {
        Self { set: BTreeMap::new(), user: user.to_owned() }
    }

    /// The value of a setting.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let name = name.to_ascii_lowercase();
        if name == "session_authorization" {
            return Some(&self.user);
        }
        let default = || DEFAULTS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        self.set.get(&name).map(String::as_str).or_else(default)
    }

    /// Sets one. What would change how values look is refused; what is not known is kept and changes nothing.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        let (name, value) = (name.to_ascii_lowercase(), value.trim_matches('\''));
        let invalid = |reason: &str| Fault::new("22023", format!("invalid value for parameter \"{name}\": {reason}"));
        match name.as_str() {
            "client_encoding" if !["utf8", "utf-8", "unicode"].contains(&value.to_ascii_lowercase().as_str()) => {
                return Err(invalid("texts are in UTF8"));
            }
            "statement_timeout" if milliseconds(value).is_none() => return Err(invalid("write milliseconds")),
            "lakehouse.at" if !value.is_empty() && value.parse::<At>().is_err() => {
                return Err(invalid("write a version's number, or an instant such as 2026-11-01T12:00:00Z"));
            }
            // Instants are shown in UTC, with the zone; a client that wants another one converts them.
            "timezone" | "datestyle" | "intervalstyle" => return Ok(()),
            "client_encoding" => return Ok(()),
            fixed if FIXED.contains(&fixed) => {
                return Err(Fault::new("55P02", format!("parameter \"{name}\" cannot be changed")));
            }
            _ => {}
        }
        if self.set.len() >= MOST && !self.set.contains_key(&name) {
            return Err(Fault::new("54000", "too many parameters are set"));
        }
        self.set.insert(name, value.to_owned());
        Ok(())
    }

    /// Sets what `options` of a connection says: `-c name=value`, or `--name=value`.
    pub(super) fn set_options(&mut self, options: &str) -> Result<(), Fault> {
        for word in options.split_whitespace() {
            let assignment = word.strip_prefix("--").or_else(|| word.strip_prefix("-c")).unwrap_or(word);
            if let Some((name, value)) = assignment.split_once('=') {
                self.set(name, value)?;
            }
        }
        Ok(())
    }

    /// Back to what held at the start: one, or all.
    pub(super) fn reset(&mut self, name: Option<&str>) {
        match name {
            Some(name) => drop(self.set.remove(&name.to_ascii_lowercase())),
            None => self.set.clear(),
        }
    }

    /// How long a statement may take, where the client limits it.
    pub(super) fn timeout(&self) -> Option<Duration> {
        let given = self.get("statement_timeout").and_then(milliseconds)?;
        (given > 0).then(|| Duration::from_millis(given))
    }

    /// At which version or instant tables are read, where the client says one.
    pub(super) fn at(&self) -> Option<At> {
        self.get("lakehouse.at").and_then(|at| at.parse().ok())
    }

    /// What the client is told of.
    pub(super) fn reported(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let known = REPORTED.iter().map(|(name, shown)| (*shown, self.get(name).unwrap_or_default()));
        known.chain([("session_authorization", self.user.as_str())])
    }

    /// The name by which a setting is reported, if it is.
    pub(super) fn reported_name(name: &str) -> Option<&'static str> {
        REPORTED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, shown)| *shown)
    }
}

/// Milliseconds as PostgreSQL reads them: a number, or one with a unit.
fn milliseconds(text: &str) -> Option<u64> {
    let text = text.trim().trim_matches('\'');
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "" | "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_kept_refused_or_ignored() {
        let mut variables = Variables::new("ada");
        variables.set("Statement_Timeout", "2s").expect("a time");
        assert_eq!(variables.timeout(), Some(Duration::from_secs(2)));
        variables.set("lakehouse.at", "3").expect("a version");
        assert_eq!(variables.at(), Some(At::Version(3)));
        variables.set("TimeZone", "Europe/Berlin").expect("ignored");
        assert_eq!(variables.get("timezone"), Some("UTC"));
        variables.set_options("-c application_name=dbt --geqo=off").expect("options");
        assert_eq!((variables.get("application_name"), variables.get("geqo")), (Some("dbt"), Some("off")));
        for (name, value) in
            [("client_encoding", "LATIN1"), ("statement_timeout", "soon"), ("lakehouse.at", "noon"), ("server_version", "9")]
        {
            assert!(variables.set(name, value).is_err(), "{name}");
        }
        variables.reset(None);
        assert_eq!((variables.timeout(), variables.at(), variables.get("geqo")), (None, None, None));
        assert_eq!(variables.get("session_authorization"), Some("ada"));
    }
}
