//! What is remembered of all history without keeping its events: the previous one, and the values seen.

use crate::{Key, small_map::SmallMap};

/// An event as `since_previous` and `changed` remember it. The order of the fields decides which of two is the previous one;
/// the value comes last, so that even two events of one id do not depend on arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    pub time: i64,
    pub id: i64,
    pub value: Key,
}

/// The two newest marks of different times: the newest may tie with the event that asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Previous {
    pub latest: Option<Mark>,
    /// The greatest mark with a time strictly before the latest one's.
    pub before: Option<Mark>,
}

impl Previous {
    /// The previous event of one at `now`, which no remembered time is later than.
    pub fn at(&self, now: i64) -> Option<Mark> {
        if self.latest.is_some_and(|latest| latest.time >= now) { self.before } else { self.latest }
    }

    pub fn add(&mut self, mark: Mark) {
        match self.latest {
            Some(latest) if mark.time < latest.time => self.before = self.before.max(Some(mark)),
            Some(latest) if mark.time == latest.time => self.latest = Some(latest.max(mark)),
            latest => {
                self.before = latest;
                self.latest = Some(mark);
            }
        }
    }
}

/// The values an entity has had.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub values: SmallMap<()>,
    /// Of those, the ones first had at the key's newest instant: an event that ties with it has not seen them.
    pub fresh: Vec<Key>,
}

impl Seen {
    /// Has an event before the one that asks had this value? `ties` says that it asks at the key's newest instant.
    pub fn contains(&self, value: Key, ties: bool) -> bool {
        self.values.contains(value) && !(ties && self.fresh.contains(&value))
    }

    /// The key's newest instant has moved on.
    pub fn pass(&mut self) {
        self.fresh.clear();
    }

    /// Remembers a value; `late` says that it came before the key's newest instant.
    pub fn add(&mut self, value: Key, late: bool) {
        let is_new = self.values.insert(value, ());
        if late {
            self.fresh.retain(|fresh| *fresh != value);
        } else if is_new {
            self.fresh.reserve_exact(1);
            self.fresh.push(value);
        }
    }

    /// Gives back spare room.
    pub fn shrink(&mut self) {
        self.values.shrink();
        self.fresh.shrink_to_fit();
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.values.bytes() + self.fresh.capacity() * size_of::<Key>()
    }
}

#[cfg(test)]
mod tests {
    use super::{Mark, Previous, Seen};
    use crate::Key;

    #[test]
    fn the_previous_event_is_the_same_in_any_order_of_arrival() {
        let mark = |time, id| Mark { time, id, value: Key::NULL };
        let marks = [mark(10, 4), mark(20, 1), mark(20, 3), mark(15, 9), mark(15, 2)];
        for turn in 0..marks.len() {
            let mut previous = Previous::default();
            marks.iter().cycle().skip(turn).take(marks.len()).for_each(|mark| previous.add(*mark));
            assert_eq!(previous.at(20), Some(mark(15, 9)));
            assert_eq!(previous.at(21), Some(mark(20, 3)));
        }
    }

    #[test]
    fn a_value_of_the_newest_instant_is_not_seen_by_its_ties() {
        let (value, mut seen) = (Key::from_integer(7), Seen::default());
        seen.add(value, false);
        assert!(!seen.contains(value, true));
        assert!(seen.contains(value, false));
        seen.add(value, true);
        assert!(seen.contains(value, true), "a late event had it earlier");
    }
}
