//! Notes on what a file did not state.

use serde::{Deserialize, Serialize};

/// What was derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// The kind of a node.
    Kind,
    /// The site of a node.
    Site,
    /// The id of a link.
    LinkId,
    /// The latency of a link.
    Latency,
    /// The capacity of a link.
    Capacity,
    /// The rate of a demand.
    Demand,
    /// Whether a demand is critical.
    Criticality,
    /// One-way links read as two-way ones.
    Direction,
    /// Left out: a link or demand from a node to itself, a demand of nothing, the coordinates of a drawing.
    Omission,
}

/// A rule and what it gave values to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derivation {
    /// What was derived.
    pub quantity: Quantity,
    /// How, in a sentence.
    pub rule: String,
    /// The ids of the nodes, links or demands.
    pub subjects: Vec<String>,
}

/// Notes under way: subjects of one quantity and rule end up in one note.
#[derive(Debug, Default)]
pub(crate) struct Notes(Vec<Derivation>);

impl Notes {
    pub fn add(&mut self, quantity: Quantity, rule: &str, subject: &str) {
        let known = self.0.iter_mut().find(|note| note.quantity == quantity && note.rule == rule);
        match known {
            Some(note) => note.subjects.push(subject.to_owned()),
            None => self.0.push(Derivation { quantity, rule: rule.to_owned(), subjects: vec![subject.to_owned()] }),
        }
    }

    /// The notes, ordered by quantity.
    pub fn finish(mut self) -> Vec<Derivation> {
        self.0.sort_by_key(|note| note.quantity);
        self.0
    }
}
