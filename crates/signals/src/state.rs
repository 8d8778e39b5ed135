//! The state of all keys of one entity, laid out as columns: a key costs its numbers and no allocations of its own until it
//! has events to keep.

use crate::{
    Key,
    event::Values,
    fixed::{Squares, Total},
    history::{Mark, Previous, Seen},
    plan::{EntityPlan, Remembered, View},
    ring::Ring,
    small_map::SmallMap,
    window::Aggregates,
};

/// Columns of state; a key's slot stands in each of them, as wide as the plan says.
#[derive(Debug, Default)]
pub(crate) struct States {
    recents: Vec<Recent>,
    places: Vec<usize>,
    totals: Vec<Total>,
    squares: Vec<Squares>,
    distincts: Vec<SmallMap<u64>>,
    previous: Vec<Previous>,
    seen: Vec<Seen>,
}

/// The recent events of a key.
#[derive(Debug)]
pub(crate) struct Recent {
    /// The time of its newest event, which need not be in the ring.
    pub newest: i64,
    pub ring: Ring,
}

/// The state of one key. Between calls its windows stand no later than its instant: that of its newest event, or of the last
/// expiry if that is later. So nothing that may still be asked for is dropped or left out of a snapshot.
#[derive(Debug)]
pub(crate) struct State<'a> {
    pub recent: &'a mut Recent,
    /// Where its windows stand in the ring: the plan's heads, then its tails.
    pub places: &'a mut [usize],
    pub aggregates: Aggregates<'a>,
    pub previous: &'a mut [Previous],
    pub seen: &'a mut [Seen],
}

impl States {
    /// A new key whose first event is at `time`; its slot is the last one.
    pub fn push(&mut self, plan: &EntityPlan, time: i64) {
        self.recents.push(Recent { newest: time, ring: Ring::default() });
        let slots = self.recents.len();
        self.places.resize(slots * plan.places(), 0);
        self.totals.resize(slots * plan.totals, Total::default());
        self.squares.resize(slots * plan.squares, Squares::default());
        self.distincts.resize_with(slots * plan.distincts, SmallMap::default);
        self.previous.resize(slots * plan.previous.len(), Previous::default());
        self.seen.resize_with(slots * plan.seen.len(), Seen::default);
    }

    pub fn get(&mut self, plan: &EntityPlan, slot: usize) -> Option<State<'_>> {
        Some(State {
            recent: self.recents.get_mut(slot)?,
            places: block_mut(&mut self.places, slot, plan.places()),
            aggregates: Aggregates {
                totals: block_mut(&mut self.totals, slot, plan.totals),
                squares: block_mut(&mut self.squares, slot, plan.squares),
                distincts: block_mut(&mut self.distincts, slot, plan.distincts),
            },
            previous: block_mut(&mut self.previous, slot, plan.previous.len()),
            seen: block_mut(&mut self.seen, slot, plan.seen.len()),
        })
    }

    /// A key's recent events, and its state as of the newest.
    pub fn view(&self, plan: &EntityPlan, slot: usize) -> Option<(&Recent, View<'_>)> {
        let recent = self.recents.get(slot)?;
        let view = View {
            now: recent.newest,
            ties: true,
            places: block(&self.places, slot, plan.places()),
            totals: block(&self.totals, slot, plan.totals),
            squares: block(&self.squares, slot, plan.squares),
            distincts: block(&self.distincts, slot, plan.distincts),
            previous: block(&self.previous, slot, plan.previous.len()),
            seen: block(&self.seen, slot, plan.seen.len()),
        };
        Some((recent, view))
    }

    /// The time of a key's newest event.
    pub fn newest(&self, slot: usize) -> Option<i64> {
        self.recents.get(slot).map(|recent| recent.newest)
    }

    /// Removes a key; the last slot takes its place.
    pub fn swap_remove(&mut self, plan: &EntityPlan, slot: usize) {
        self.recents.swap_remove(slot);
        swap_remove(&mut self.places, slot, plan.places());
        swap_remove(&mut self.totals, slot, plan.totals);
        swap_remove(&mut self.squares, slot, plan.squares);
        swap_remove(&mut self.distincts, slot, plan.distincts);
        swap_remove(&mut self.previous, slot, plan.previous.len());
        swap_remove(&mut self.seen, slot, plan.seen.len());
    }

    /// Gives back spare room.
    pub fn shrink(&mut self) {
        self.recents.shrink_to_fit();
        self.places.shrink_to_fit();
        self.totals.shrink_to_fit();
        self.squares.shrink_to_fit();
        self.distincts.shrink_to_fit();
        self.previous.shrink_to_fit();
        self.seen.shrink_to_fit();
    }

    /// Bytes on the heap, spare room included.
    pub fn bytes(&self) -> usize {
        let columns = capacity_bytes(&self.recents)
            + capacity_bytes(&self.places)
            + capacity_bytes(&self.totals)
            + capacity_bytes(&self.squares)
            + capacity_bytes(&self.distincts)
            + capacity_bytes(&self.previous)
            + capacity_bytes(&self.seen);
        let rings: usize = self.recents.iter().map(|recent| recent.ring.bytes()).sum();
        let distincts: usize = self.distincts.iter().map(SmallMap::bytes).sum();
        let seen: usize = self.seen.iter().map(Seen::bytes).sum();
        columns + rings + distincts + seen
    }
}

impl State<'_> {
    /// The instant an event at `time` is answered as of: the key's, if the event comes late.
    pub fn instant(&self, time: i64, floor: i64) -> i64 {
        time.max(self.recent.newest).max(floor)
    }

    /// Moves every window to `now`, which is not before the newest event, and gives what is known there.
    pub fn at(&mut self, plan: &EntityPlan, now: i64) -> View<'_> {
        let records = self.recent.ring.records(plan.layout.stride());
        let (heads, tails) = self.places.split_at_mut(plan.delays.len());
        for (delay, head) in plan.delays.iter().zip(heads) {
            delay.seek(now, records, head, tails, &mut self.aggregates);
        }
        View {
            now,
            ties: now == self.recent.newest,
            places: self.places,
            totals: self.aggregates.totals,
            squares: self.aggregates.squares,
            distincts: self.aggregates.distincts,
            previous: self.previous,
            seen: self.seen,
        }
    }

    /// Drops the events that every window is done with at the instant last moved to.
    pub fn prune(&mut self, plan: &EntityPlan) {
        let done = plan.done_with(self.places);
        if done > 0 {
            self.recent.ring.drop_front(done, plan.layout.stride());
            self.places.iter_mut().for_each(|place| *place -= done);
        }
    }

    /// Adds an event, once [`State::at`] its instant.
    pub fn add(&mut self, plan: &EntityPlan, event: &impl Values) {
        let time = event.time();
        if time > self.recent.newest {
            self.recent.newest = time;
            self.seen.iter_mut().for_each(Seen::pass);
        }
        let is_late = time < self.recent.newest;
        let counts = |remembered: &Remembered| remembered.only.is_none_or(|only| event.flag(only));
        let value = |remembered: &Remembered| remembered.of.map_or(Key::NULL, |of| event.key(of));
        for (remembered, previous) in plan.previous.iter().zip(self.previous.iter_mut()).filter(|pair| counts(pair.0)) {
            previous.add(Mark { time, id: event.id(), value: value(remembered) });
        }
        for (remembered, seen) in plan.seen.iter().zip(self.seen.iter_mut()).filter(|pair| counts(pair.0)) {
            seen.add(value(remembered), is_late);
        }
        if !plan.delays.is_empty() {
            self.keep(plan, event);
        }
    }

    fn keep(&mut self, plan: &EntityPlan, event: &impl Values) {
        let stride = plan.layout.stride();
        if self.recent.ring.is_full(stride) {
            self.prune(plan);
            self.recent.ring.make_room(stride);
        }
        let Some(index) = self.recent.ring.insert(&plan.layout, event) else { return };
        let Some(record) = self.recent.ring.records(stride).get(index) else { return };
        let (heads, tails) = self.places.split_at_mut(plan.delays.len());
        for (delay, head) in plan.delays.iter().zip(heads) {
            delay.inserted(index, record, head, tails, &mut self.aggregates);
        }
    }

    /// Would the key answer the same if it were forgotten? Asked after a prune.
    pub fn is_blank(&self, plan: &EntityPlan) -> bool {
        plan.previous.is_empty()
            && plan.seen.is_empty()
            && self.recent.ring.records(plan.layout.stride()).bytes().is_empty()
            && self.aggregates.totals.iter().all(|total| *total == Total::default())
            && self.aggregates.distincts.iter().all(|counts| counts.len() == 0)
    }

    /// Gives back the spare room of an idle key.
    pub fn shrink(&mut self) {
        self.recent.ring.shrink();
        self.aggregates.distincts.iter_mut().for_each(SmallMap::shrink);
        self.seen.iter_mut().for_each(Seen::shrink);
    }
}

fn block<T>(items: &[T], slot: usize, width: usize) -> &[T] {
    items.get(slot * width..(slot + 1) * width).unwrap_or_default()
}

fn block_mut<T>(items: &mut [T], slot: usize, width: usize) -> &mut [T] {
    items.get_mut(slot * width..(slot + 1) * width).unwrap_or_default()
}

fn swap_remove<T>(items: &mut Vec<T>, slot: usize, width: usize) {
    let last = items.len().saturating_sub(width);
    for offset in 0..width {
        items.swap(slot * width + offset, last + offset);
    }
    items.truncate(last);
}

fn capacity_bytes<T>(items: &Vec<T>) -> usize {
    items.capacity() * size_of::<T>()
}
