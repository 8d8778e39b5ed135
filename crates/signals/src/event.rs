//! Events as callers hand them in: one at a time, or as columns.
//!
//! Both follow the order of the plan's [`Inputs`](crate::Inputs): `numbers[i]` belongs to `inputs.numbers[i]`, and so on.

use crate::Key;

/// One event.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// The instant, in microseconds.
    pub time: i64,
    /// What names the event; decides which of several events at one instant is "the previous" one.
    pub id: i64,
    /// One number per `inputs.numbers`; NaN when absent.
    pub numbers: &'a [f64],
    /// One key per `inputs.keys`; [`Key::NULL`] when absent.
    pub keys: &'a [Key],
    /// One flag per `inputs.flags`; false when absent.
    pub flags: &'a [bool],
}

/// Many events as columns of one length, in non-decreasing order of time.
#[derive(Debug, Clone, Copy)]
pub struct EventColumns<'a> {
    /// The instants, in microseconds.
    pub times: &'a [i64],
    /// What names each event.
    pub ids: &'a [i64],
    /// One column per `inputs.numbers`; NaN when absent.
    pub numbers: &'a [&'a [f64]],
    /// One column per `inputs.keys`; [`Key::NULL`] when absent.
    pub keys: &'a [&'a [Key]],
    /// One column per `inputs.flags`; false when absent.
    pub flags: &'a [&'a [bool]],
}

/// Why events were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The event or batch does not have the columns of its plan.
    #[error("failed to match the events to their plan: it has {expected} {what}, they bring {found}")]
    Shape {
        /// What does not fit.
        what: &'static str,
        /// What the plan asks for.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// A batch goes back in time.
    #[error("failed to observe row {row}: its time {time} is earlier than {newest}, which its entity has already seen")]
    OutOfOrder {
        /// The row in the batch.
        row: usize,
        /// Its time, in microseconds.
        time: i64,
        /// The entity's newest time, in microseconds.
        newest: i64,
    },
}

/// How many columns of each kind a plan reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub numbers: usize,
    pub keys: usize,
    pub flags: usize,
}

pub(crate) fn same(what: &'static str, expected: usize, found: usize) -> Result<(), EventError> {
    if expected == found { Ok(()) } else { Err(EventError::Shape { what, expected, found }) }
}

impl Event<'_> {
    pub(crate) fn check(&self, shape: Shape) -> Result<(), EventError> {
        same("numbers", shape.numbers, self.numbers.len())?;
        same("keys", shape.keys, self.keys.len())?;
        same("flags", shape.flags, self.flags.len())
    }
}

impl EventColumns<'_> {
    pub(crate) fn check(&self, shape: Shape) -> Result<(), EventError> {
        same("number columns", shape.numbers, self.numbers.len())?;
        same("key columns", shape.keys, self.keys.len())?;
        same("flag columns", shape.flags, self.flags.len())?;
        let rows = self.times.len();
        let lengths = self.numbers.iter().map(|column| column.len());
        let lengths = lengths.chain(self.keys.iter().map(|column| column.len()));
        let mut lengths = lengths.chain(self.flags.iter().map(|column| column.len())).chain([self.ids.len()]);
        lengths.try_for_each(|length| same("rows in every column", rows, length))
    }
}

/// Which of the plan's inputs an entity reads. It numbers them in this order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Uses {
    pub numbers: Vec<usize>,
    pub keys: Vec<usize>,
    pub flags: Vec<usize>,
}

/// What an entity reads of an event, by its own numbering: batch and live run the same code over it.
pub(crate) trait Values {
    fn time(&self) -> i64;
    fn id(&self) -> i64;
    fn number(&self, input: usize) -> f64;
    fn key(&self, input: usize) -> Key;
    fn flag(&self, input: usize) -> bool;
}

/// A checked event as an entity reads it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Live<'a> {
    pub event: &'a Event<'a>,
    pub uses: &'a Uses,
}

impl Values for Live<'_> {
    fn time(&self) -> i64 {
        self.event.time
    }

    fn id(&self) -> i64 {
        self.event.id
    }

    fn number(&self, input: usize) -> f64 {
        pick(self.event.numbers, &self.uses.numbers, input).unwrap_or(f64::NAN)
    }

    fn key(&self, input: usize) -> Key {
        pick(self.event.keys, &self.uses.keys, input).unwrap_or(Key::NULL)
    }

    fn flag(&self, input: usize) -> bool {
        pick(self.event.flags, &self.uses.flags, input).unwrap_or(false)
    }
}

fn pick<T: Copy>(values: &[T], uses: &[usize], input: usize) -> Option<T> {
    values.get(*uses.get(input)?).copied()
}
