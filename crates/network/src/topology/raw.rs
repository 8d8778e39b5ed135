//! A topology as written: what the readers of all formats produce and [`check`](super::check) turns into a [`Topology`].
//!
//! [`Topology`]: super::Topology

use super::{Derivation, TopologyError};

/// Nodes, links and demands as the file has them.
#[derive(Debug, Default)]
pub(crate) struct RawTopology {
    pub name: Option<String>,
    pub is_directed: bool,
    pub nodes: Vec<RawNode>,
    pub links: Vec<RawLink>,
    pub demands: Vec<RawDemand>,
    /// What was derived when our own form was written.
    pub derived: Vec<Derivation>,
}

#[derive(Debug, Default)]
pub(crate) struct RawNode {
    pub id: String,
    pub attributes: Attributes,
}

#[derive(Debug, Default)]
pub(crate) struct RawLink {
    pub source: String,
    pub target: String,
    pub attributes: Attributes,
}

#[derive(Debug, Default)]
pub(crate) struct RawDemand {
    pub source: String,
    pub target: String,
    pub attributes: Attributes,
}

/// More attributes than this of one node or link are not kept: no writer makes them.
const MOST_ATTRIBUTES: usize = 256;

/// Names in lower case and values as text, whatever the format. The first of several equal names counts.
#[derive(Debug, Default)]
pub(crate) struct Attributes(Vec<(String, String)>);

impl Attributes {
    pub fn insert(&mut self, name: &str, value: impl Into<String>) {
        let name = name.to_lowercase();
        if self.0.len() < MOST_ATTRIBUTES && !self.0.iter().any(|(known, _)| *known == name) {
            self.0.push((name, value.into()));
        }
    }

    /// Removes and returns what is not blank under the first of `names` that has it.
    pub fn take(&mut self, names: &[&str]) -> Option<String> {
        let known = |name: &&str| self.0.iter().position(|(known, text)| known == name && !text.trim().is_empty());
        let at = names.iter().find_map(known)?;
        Some(self.0.swap_remove(at).1)
    }

    /// What is not blank under the first of `names` that has it.
    pub fn text(&self, names: &[&'static str]) -> Option<(&'static str, &str)> {
        names.iter().find_map(|name| {
            let (_, text) = self.0.iter().find(|(known, text)| known == name && !text.trim().is_empty())?;
            Some((*name, text.trim()))
        })
    }

    /// The number under the first of `names`, which has to lie within `allowed`. `subject` is only made for an error.
    pub fn number(
        &self,
        names: &[&'static str],
        allowed: &Allowed,
        subject: impl Fn() -> String,
    ) -> Result<Option<f64>, TopologyError> {
        let Some((attribute, text)) = self.text(names) else { return Ok(None) };
        let value: f64 =
            text.parse().map_err(|_| TopologyError::BadNumber { subject: subject(), attribute, text: clipped(text) })?;
        if value >= allowed.least && value <= allowed.most && (value > 0.0 || !allowed.above_zero) {
            return Ok(Some(value));
        }
        Err(TopologyError::OutOfRange { subject: subject(), attribute, value, allowed: allowed.said })
    }
}

/// The numbers an attribute may have, and how an error says so.
pub(crate) struct Allowed {
    pub least: f64,
    pub most: f64,
    pub above_zero: bool,
    pub said: &'static str,
}

/// Text short enough for an error message.
pub(crate) fn clipped(text: &str) -> String {
    if text.chars().count() <= 80 { text.to_owned() } else { text.chars().take(79).chain(['…']).collect() }
}
