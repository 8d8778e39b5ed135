//! Answers that were given lately, within a budget of bytes; those that nobody asked for longest go first.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use axum::http::HeaderValue;
use bytes::Bytes;

/// One answer may take this part of the budget.
const LARGEST_PART: usize = 8;

/// Answers by name. A name says the question, who asked it and the versions of all tables, so an answer is never out of date.
pub(super) struct Answers {
    budget: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    answers: HashMap<HeaderValue, (u64, Bytes)>,
    by_use: BTreeMap<u64, HeaderValue>,
    bytes: usize,
    uses: u64,
}

impl Answers {
    pub(super) fn new(budget: usize) -> Self {
        Self { budget, held: Mutex::default() }
    }

    pub(super) fn get(&self, name: &HeaderValue) -> Option<Bytes> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = held.remove(name)?;
        held.insert(name.clone(), bytes.clone());
        Some(bytes)
    }

    pub(super) fn put(&self, name: HeaderValue, answer: Bytes) {
        if answer.len() > self.budget / LARGEST_PART {
            return;
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(&name);
        held.insert(name, answer);
        while held.bytes > self.budget
            && let Some((_, oldest)) = held.by_use.first_key_value()
        {
            let oldest = oldest.clone();
            held.remove(&oldest);
        }
    }
}

impl Held {
    fn insert(&mut self, name: HeaderValue, answer: Bytes) {
        self.uses += 1;
        self.bytes += answer.len();
        self.by_use.insert(self.uses, name.clone());
        self.answers.insert(name, (self.uses, answer));
    }

    fn remove(&mut self, name: &HeaderValue) -> Option<Bytes> {
        let (used, answer) = self.answers.remove(name)?;
        self.by_use.remove(&used);
        self.bytes -= answer.len();
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_stay_within_their_budget_and_the_least_used_go_first() {
        let answers = Answers::new(80);
        let name = |number: u32| HeaderValue::from(number);
        for number in 0..8 {
            answers.put(name(number), vec![0; 10].into());
        }
        assert!(answers.get(&name(0)).is_some());
        answers.put(name(8), vec![0; 10].into());
        answers.put(name(8), vec![0; 10].into());
        let left: Vec<u32> = (0..9).filter(|number| answers.get(&name(*number)).is_some()).collect();
        assert_eq!(left, [0, 2, 3, 4, 5, 6, 7, 8]);
        answers.put(name(9), vec![0; 11].into());
        assert!(answers.get(&name(9)).is_none(), "too large for an answer");
        assert_eq!(answers.held.lock().expect("a lock").bytes, 80);
    }
}
