//! Batches: the rows of a key are taken together, so that its state is fetched once for all of them. The order within a key
//! is kept, and so is every value.
//!
//! State is scattered in memory while columns are not. So what an entity reads is copied in the order of its keys, a column at
//! a time, and what it gives is put back in the order of the rows likewise.

use crate::{
    EntityState, EventColumns, EventError, Key,
    event::{Uses, Values, same},
    plan::View,
};

/// Rows taken at a time: enough that a key meets several of its own, few enough that a column of them stays in the cache.
const CHUNK: usize = 1 << ROW_BITS;

/// Bits that number the rows of a chunk.
const ROW_BITS: u32 = 17;

impl EntityState {
    /// Appends one value per row to each column of `out` (one per output of the entity; NaN when absent), then adds the rows.
    /// Times must not decrease. After an error the state and `out` are in between and must be discarded.
    pub fn observe_batch(&mut self, events: &EventColumns<'_>, out: &mut [Vec<f64>]) -> Result<(), EventError> {
        events.check(self.plan.shape)?;
        same("output columns", self.plan.readings.len(), out.len())?;
        refuse_unsorted(events.times, self.floor)?;
        out.iter_mut().for_each(|column| column.reserve(events.times.len()));
        let mut chunk = Chunk::default();
        for start in (0..events.times.len()).step_by(CHUNK) {
            self.group(events, start, &mut chunk);
            chunk.take(events, start, &self.plan.uses, out.len());
            self.observe_chunk(&mut chunk, start)?;
            chunk.append_to(out);
        }
        Ok(())
    }

    /// Orders the chunk's rows by slot.
    fn group(&mut self, events: &EventColumns<'_>, start: usize, chunk: &mut Chunk) {
        let keys = events.keys.get(self.plan.key_input).copied().unwrap_or_default();
        let keys_and_times = keys.iter().zip(events.times).skip(start).take(CHUNK).enumerate();
        chunk.places.clear();
        chunk.places.extend(keys_and_times.map(|(row, (key, time))| Place::new(self.slot(*key, *time), row)));
        chunk.places.sort_unstable();
    }

    fn observe_chunk(&mut self, chunk: &mut Chunk, start: usize) -> Result<(), EventError> {
        let Chunk { places, rows, values, column_length } = chunk;
        for (index, place) in places.iter().enumerate() {
            let row = Row { rows, index };
            let out = values.get_mut(index..).unwrap_or_default().iter_mut().step_by(*column_length);
            let Some(slot) = place.slot() else {
                self.plan.write(&View::default(), &row, out);
                continue;
            };
            let newest = self.states.newest(slot).unwrap_or(i64::MIN);
            if row.time() < newest {
                return Err(EventError::OutOfOrder { row: start + place.row(), time: row.time(), newest });
            }
            self.observe_at(slot, &row, out);
        }
        Ok(())
    }
}

fn refuse_unsorted(times: &[i64], floor: i64) -> Result<(), EventError> {
    let mut newest = floor;
    for (row, time) in times.iter().copied().enumerate() {
        if time < newest {
            return Err(EventError::OutOfOrder { row, time, newest });
        }
        newest = time;
    }
    Ok(())
}

/// A slot and a row of the chunk in one number, which sorts by slot and then as the rows came. Slot 0 is for rows without a
/// key, which moves the others up by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place(u64);

impl Place {
    fn new(slot: Option<usize>, row: usize) -> Self {
        Self((slot.map_or(0, |slot| slot as u64 + 1) << ROW_BITS) | row as u64)
    }

    fn slot(self) -> Option<usize> {
        (self.0 >> ROW_BITS).checked_sub(1).map(|slot| slot as usize)
    }

    fn row(self) -> usize {
        (self.0 % CHUNK as u64) as usize
    }
}

/// Some rows of a batch in the order of their slots, and the values given for them.
#[derive(Debug, Default)]
struct Chunk {
    places: Vec<Place>,
    rows: Rows,
    /// Column after column, each `column_length` long.
    values: Vec<f64>,
    column_length: usize,
}

impl Chunk {
    /// Takes the rows that `places` stand for.
    fn take(&mut self, events: &EventColumns<'_>, start: usize, uses: &Uses, outputs: usize) {
        let rows = self.places.iter().map(|place| start + place.row());
        self.rows.take(events, uses, rows);
        // A cache line more than the rows need: columns a power of two apart would push each other out of the cache.
        self.column_length = self.places.len() + 8;
        // What it held is overwritten: every row gives every value.
        self.values.resize(self.column_length * outputs, f64::NAN);
    }

    fn append_to(&self, out: &mut [Vec<f64>]) {
        for (column, values) in out.iter_mut().zip(self.values.chunks(self.column_length)) {
            let start = column.len();
            column.resize(start + self.places.len(), f64::NAN);
            let chunk = column.get_mut(start..).unwrap_or_default();
            for (value, place) in values.iter().zip(&self.places) {
                if let Some(cell) = chunk.get_mut(place.row()) {
                    *cell = *value;
                }
            }
        }
    }
}

/// What an entity reads of some rows.
#[derive(Debug, Default)]
struct Rows {
    times: Vec<i64>,
    ids: Vec<i64>,
    numbers: Vec<Vec<f64>>,
    keys: Vec<Vec<Key>>,
    flags: Vec<Vec<bool>>,
}

impl Rows {
    fn take(&mut self, events: &EventColumns<'_>, uses: &Uses, rows: impl Iterator<Item = usize> + Clone) {
        copy(&mut self.times, events.times, rows.clone());
        copy(&mut self.ids, events.ids, rows.clone());
        copy_all(&mut self.numbers, events.numbers, &uses.numbers, rows.clone());
        copy_all(&mut self.keys, events.keys, &uses.keys, rows.clone());
        copy_all(&mut self.flags, events.flags, &uses.flags, rows);
    }
}

fn copy_all<T: Copy>(to: &mut Vec<Vec<T>>, from: &[&[T]], uses: &[usize], rows: impl Iterator<Item = usize> + Clone) {
    to.resize_with(uses.len(), Vec::new);
    for (to, from) in to.iter_mut().zip(uses.iter().filter_map(|input| from.get(*input))) {
        copy(to, from, rows.clone());
    }
}

fn copy<T: Copy>(to: &mut Vec<T>, from: &[T], rows: impl Iterator<Item = usize>) {
    to.clear();
    to.extend(rows.filter_map(|row| from.get(row)));
}

/// One of the rows.
#[derive(Debug, Clone, Copy)]
struct Row<'a> {
    rows: &'a Rows,
    index: usize,
}

impl Values for Row<'_> {
    fn time(&self) -> i64 {
        self.rows.times.get(self.index).copied().unwrap_or(i64::MIN)
    }

    fn id(&self) -> i64 {
        self.rows.ids.get(self.index).copied().unwrap_or(0)
    }

    fn number(&self, input: usize) -> f64 {
        self.rows.numbers.get(input).and_then(|column| column.get(self.index)).copied().unwrap_or(f64::NAN)
    }

    fn key(&self, input: usize) -> Key {
        self.rows.keys.get(input).and_then(|column| column.get(self.index)).copied().unwrap_or(Key::NULL)
    }

    fn flag(&self, input: usize) -> bool {
        self.rows.flags.get(input).and_then(|column| column.get(self.index)).copied().unwrap_or(false)
    }
}
