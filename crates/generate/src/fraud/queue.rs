//! What is going to happen, by day.

use std::collections::BTreeMap;

use super::transaction::Transaction;
use crate::random::Random;

/// Transactions waiting for their day. Nobody plans more than a few weeks ahead, so it stays small.
pub(crate) struct Queue {
    days: BTreeMap<u32, Vec<(u32, Transaction)>>,
    last_day: u32,
    random: Random,
}

impl Queue {
    /// Makes an empty queue. Transactions after `last_day` are forgotten: they happen after the sample was taken.
    pub(crate) fn new(last_day: u32, random: Random) -> Self {
        Self { days: BTreeMap::new(), last_day, random }
    }

    /// Puts a transaction on its day.
    pub(crate) fn schedule(&mut self, transaction: Transaction) {
        let day = transaction.day();
        if day <= self.last_day {
            // Ties within a minute are broken at random, or their order would tell who planned them.
            let tie = self.random.word() as u32;
            self.days.entry(day).or_default().push((tie, transaction));
        }
    }

    /// How many transactions a day has so far.
    pub(crate) fn count(&self, day: u32) -> usize {
        self.days.get(&day).map_or(0, Vec::len)
    }

    /// Takes the first `quota` transactions that were put on a day, in order of time.
    pub(crate) fn take(&mut self, day: u32, quota: usize) -> Vec<(u32, Transaction)> {
        let mut transactions = self.days.remove(&day).unwrap_or_default();
        transactions.truncate(quota);
        transactions.sort_by_key(|(tie, transaction)| (transaction.minute, *tie));
        transactions
    }
}
