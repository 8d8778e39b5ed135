//! Windows over a ring: which records count at an instant, and the aggregates that follow them.

use crate::{
    Key,
    fixed::{Squares, Total, from_stored},
    ring::{FlagAt, Record, Records, WordAt},
    small_map::SmallMap,
};

/// The windows that share a delay, and so the newest event they count.
#[derive(Debug, Clone)]
pub(crate) struct Delay {
    /// How long an event waits until it counts, in microseconds.
    pub micros: i64,
    pub frames: Vec<Frame>,
}

/// One pair of window and delay, and the aggregates that share it.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// `None` for all history.
    pub window: Option<Window>,
    pub tallies: Vec<Tally>,
    pub distincts: Vec<DistinctOf>,
}

/// How far back a frame looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub micros: i64,
    /// Where its tail stands among those of the entity.
    pub tail: usize,
}

/// A running total, and a sum of squares where a deviation needs one.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    pub only: Option<FlagAt>,
    /// Without a column, events are counted.
    pub of: Option<WordAt>,
    pub total: usize,
    pub squares: Option<usize>,
}

/// A running count per value.
#[derive(Debug, Clone)]
pub(crate) struct DistinctOf {
    pub only: Option<FlagAt>,
    pub of: WordAt,
    pub slot: usize,
}

/// The aggregates of one key. A frame counts the records of the ring from its tail up to its delay's head, and for all history
/// every one before the head, dropped ones included. At all times the aggregates describe exactly these.
#[derive(Debug)]
pub(crate) struct Aggregates<'a> {
    pub totals: &'a mut [Total],
    pub squares: &'a mut [Squares],
    pub distincts: &'a mut [SmallMap<u64>],
}

impl Aggregates<'_> {
    fn enter(&mut self, frame: &Frame, record: Record<'_>) {
        for tally in &frame.tallies {
            let Some(value) = tally.value(record) else { continue };
            if let Some(total) = self.totals.get_mut(tally.total) {
                total.add(value);
            }
            if let Some(squares) = tally.squares.and_then(|slot| self.squares.get_mut(slot)) {
                squares.add(value);
            }
        }
        for distinct in &frame.distincts {
            let Some(key) = distinct.value(record) else { continue };
            if let Some(count) = self.distincts.get_mut(distinct.slot).and_then(|counts| counts.entry(key)) {
                *count = count.saturating_add(1);
            }
        }
    }

    fn leave(&mut self, frame: &Frame, record: Record<'_>) {
        for tally in &frame.tallies {
            let Some(value) = tally.value(record) else { continue };
            if let Some(total) = self.totals.get_mut(tally.total) {
                total.remove(value);
            }
            if let Some(squares) = tally.squares.and_then(|slot| self.squares.get_mut(slot)) {
                squares.remove(value);
            }
        }
        for distinct in &frame.distincts {
            let Some(key) = distinct.value(record) else { continue };
            let Some(counts) = self.distincts.get_mut(distinct.slot) else { continue };
            match counts.get_mut(key) {
                Some(count) if *count > 1 => *count -= 1,
                _ => counts.remove(key),
            }
        }
    }
}

impl Tally {
    fn value(&self, record: Record<'_>) -> Option<i64> {
        if self.only.is_some_and(|only| !record.flag(only)) {
            return None;
        }
        match self.of {
            Some(of) => from_stored(record.word(of)),
            None => Some(0),
        }
    }
}

impl DistinctOf {
    fn value(&self, record: Record<'_>) -> Option<Key> {
        if self.only.is_some_and(|only| !record.flag(only)) {
            return None;
        }
        let key = Key::from_bits(record.word(self.of).cast_unsigned());
        (!key.is_null()).then_some(key)
    }
}

impl Delay {
    /// Moves its windows to what counts at `now`, forwards or backwards as far as the ring reaches.
    pub fn seek(&self, now: i64, records: Records<'_>, head: &mut usize, tails: &mut [usize], aggregates: &mut Aggregates<'_>) {
        let known_before = now.saturating_sub(self.micros);
        // It widens before it narrows: what leaves must have entered.
        while let Some(next) = records.get(*head)
            && next.time() < known_before
        {
            self.frames.iter().for_each(|frame| aggregates.enter(frame, next));
            *head += 1;
        }
        for frame in &self.frames {
            if let Some(window) = frame.window
                && let Some(tail) = tails.get_mut(window.tail)
            {
                frame.seek(now.saturating_sub(window.micros), records, tail, *head, aggregates);
            }
        }
        while let Some(last) = head.checked_sub(1).and_then(|last| records.get(last))
            && last.time() >= known_before
        {
            self.frames.iter().for_each(|frame| aggregates.leave(frame, last));
            *head -= 1;
        }
    }

    /// Makes way for a record that was put in at `index`. At the edges it may count too early or not yet; the next
    /// [`Delay::seek`] decides by its time.
    pub fn inserted(
        &self,
        index: usize,
        record: Record<'_>,
        head: &mut usize,
        tails: &mut [usize],
        aggregates: &mut Aggregates<'_>,
    ) {
        if index >= *head {
            return;
        }
        *head += 1;
        for frame in &self.frames {
            match frame.window.and_then(|window| tails.get_mut(window.tail)) {
                Some(tail) if index < *tail => *tail += 1,
                _ => aggregates.enter(frame, record),
            }
        }
    }

    /// How many records at the front of the ring its windows are done with.
    pub fn done_with(&self, head: usize, tails: &[usize]) -> usize {
        let done = |frame: &Frame| frame.window.map_or(Some(head), |window| tails.get(window.tail).copied());
        self.frames.iter().filter_map(done).min().unwrap_or(head)
    }
}

impl Frame {
    fn seek(&self, oldest: i64, records: Records<'_>, tail: &mut usize, head: usize, aggregates: &mut Aggregates<'_>) {
        while let Some(previous) = tail.checked_sub(1).and_then(|previous| records.get(previous))
            && previous.time() >= oldest
        {
            aggregates.enter(self, previous);
            *tail -= 1;
        }
        while *tail < head
            && let Some(first) = records.get(*tail)
            && first.time() < oldest
        {
            aggregates.leave(self, first);
            *tail += 1;
        }
    }
}
