//! What each signal reads from the state of its entity's key.

use crate::{
    event::Values,
    fixed::{Squares, Total, millionths},
    history::{Previous, Seen},
    small_map::SmallMap,
};

/// How the value of one signal is read. The numbers are places in the lists of a [`View`], or
/// for `value` an input of the entity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Reading {
    /// All events of a window: its places alone count them.
    Length {
        head: usize,
        tail: usize,
    },
    Count {
        total: usize,
    },
    Sum {
        total: usize,
    },
    Mean {
        total: usize,
    },
    Std {
        total: usize,
        squares: usize,
    },
    Zscore {
        total: usize,
        squares: usize,
        value: usize,
    },
    Distinct {
        slot: usize,
    },
    SincePrevious {
        previous: usize,
    },
    FirstSeen {
        seen: usize,
        value: usize,
    },
    Changed {
        previous: usize,
        value: usize,
    },
    SmoothedRate {
        total: usize,
        prior: f64,
        weight: f64,
    },
}

/// The state of one key at an instant. The default, without any list, is an entity without history.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct View<'a> {
    /// The instant, in microseconds.
    pub now: i64,
    /// Is the instant that of the key's newest event?
    pub ties: bool,
    /// The plan's heads, then its tails.
    pub places: &'a [usize],
    pub totals: &'a [Total],
    pub squares: &'a [Squares],
    pub distincts: &'a [SmallMap<u64>],
    pub previous: &'a [Previous],
    pub seen: &'a [Seen],
}

impl Reading {
    /// The signal's value for the event; NaN when absent.
    pub fn value(self, view: &View<'_>, event: &impl Values) -> f64 {
        match self {
            Self::Length { head, tail } => view.length(head, tail),
            Self::Count { total } => view.total(total).count as f64,
            Self::Sum { total } => view.total(total).sum(),
            Self::Mean { total } => view.total(total).mean(),
            Self::Std { total, squares } => view.deviation(total, squares).unwrap_or(f64::NAN),
            Self::Zscore { total, squares, value } => view.zscore(total, squares, event.number(value)).unwrap_or(f64::NAN),
            Self::Distinct { slot } => view.distincts.get(slot).map_or(0.0, |counts| counts.len() as f64),
            Self::SincePrevious { previous } => view.seconds_since(previous).unwrap_or(f64::NAN),
            Self::FirstSeen { seen, value } => {
                let value = event.key(value);
                f64::from(!view.seen.get(seen).is_some_and(|seen| seen.contains(value, view.ties)))
            }
            Self::Changed { previous, value } => {
                let value = event.key(value);
                let mark = view.previous.get(previous).and_then(|previous| previous.at(view.now));
                f64::from(mark.is_some_and(|mark| mark.value != value))
            }
            Self::SmoothedRate { total, prior, weight } => view.total(total).smoothed_rate(prior, weight),
        }
    }
}

impl View<'_> {
    fn length(&self, head: usize, tail: usize) -> f64 {
        match (self.places.get(head), self.places.get(tail)) {
            (Some(head), Some(tail)) => head.saturating_sub(*tail) as f64,
            _ => 0.0,
        }
    }

    fn total(&self, slot: usize) -> Total {
        self.totals.get(slot).copied().unwrap_or_default()
    }

    fn deviation(&self, total: usize, squares: usize) -> Option<f64> {
        self.squares.get(squares)?.deviation(self.total(total))
    }

    fn zscore(&self, total: usize, squares: usize, value: f64) -> Option<f64> {
        let value = millionths(value)?;
        let deviation = self.deviation(total, squares)?;
        // A millionth or less is a constant window: dividing by it would only magnify noise.
        if deviation <= 1e-6 {
            return Some(0.0);
        }
        Some(self.total(total).distance_from_mean(value) / deviation)
    }

    fn seconds_since(&self, previous: usize) -> Option<f64> {
        let mark = self.previous.get(previous)?.at(self.now)?;
        Some((i128::from(self.now) - i128::from(mark.time)) as f64 / 1e6)
    }
}
