//! The state of one entity: every key it has had, driven by batches or event by event.
//!
//! The clock of a key never goes back. An event that comes late (earlier than the key's newest, or than the last
//! [`EntityState::expire`]) is answered as of the newest instant, and added where it belongs, so that everything asked later
//! is as if it had come in time. A batch refuses late events: there, they mean rows out of order.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::{
    Event, EventError, Key, Plan,
    event::{Live, Values, same},
    plan::{EntityPlan, View},
    state::States,
};

/// The state of one entity of a plan.
#[derive(Debug)]
pub struct EntityState {
    pub(crate) plan: Arc<EntityPlan>,
    slots: HashMap<Key, usize>,
    /// The key in each slot.
    pub(crate) keys: Vec<Key>,
    pub(crate) states: States,
    /// Nothing is answered as of an earlier time: what only that needed has been dropped.
    pub(crate) floor: i64,
}

impl EntityState {
    /// The empty state of the plan's entity with this position; `None` if it has fewer.
    pub fn new(plan: &Plan, entity: usize) -> Option<Self> {
        plan.entities().get(entity).map(Self::of)
    }

    pub(crate) fn of(plan: &Arc<EntityPlan>) -> Self {
        Self { plan: Arc::clone(plan), slots: HashMap::new(), keys: Vec::new(), states: States::default(), floor: i64::MIN }
    }

    /// What it is a state of.
    pub fn plan(&self) -> &EntityPlan {
        &self.plan
    }

    /// Writes the signals at the event's instant (one per output of the entity; NaN when absent) and adds the event.
    pub fn observe(&mut self, event: &Event<'_>, out: &mut [f64]) -> Result<(), EventError> {
        self.check(event, out)?;
        let plan = Arc::clone(&self.plan);
        let live = Live { event, uses: &plan.uses };
        match self.slot(self.key_of(event), event.time) {
            Some(slot) => self.observe_at(slot, &live, out.iter_mut()),
            None => plan.write(&View::default(), &live, out.iter_mut()),
        }
        Ok(())
    }

    /// Writes the signals at the event's instant without adding it. The state is borrowed mutably because its windows
    /// move to that instant and back; it is the same afterwards.
    pub fn signals(&mut self, event: &Event<'_>, out: &mut [f64]) -> Result<(), EventError> {
        self.check(event, out)?;
        let plan = &*self.plan;
        let live = Live { event, uses: &plan.uses };
        let slot = self.slots.get(&self.key_of(event));
        match slot.and_then(|slot| self.states.get(plan, *slot)) {
            Some(mut state) => {
                plan.write(&state.at(plan, state.instant(event.time, self.floor)), &live, out.iter_mut());
                state.at(plan, state.instant(i64::MIN, self.floor));
            }
            None => plan.write(&View::default(), &live, out.iter_mut()),
        }
        Ok(())
    }

    /// Adds an event. One without an entity key leaves no trace. One from the future takes its key there, for good: whoever
    /// takes times from outside bounds them first.
    pub fn add(&mut self, event: &Event<'_>) -> Result<(), EventError> {
        event.check(self.plan.shape)?;
        let slot = self.slot(self.key_of(event), event.time);
        let plan = &*self.plan;
        if let Some(mut state) = slot.and_then(|slot| self.states.get(plan, slot)) {
            state.at(plan, state.instant(event.time, self.floor));
            state.add(plan, &Live { event, uses: &plan.uses });
        }
        Ok(())
    }

    /// Drops what no window can see at `now` (microseconds) or later, the spare room, and the keys that are left with
    /// nothing. Nothing is answered as of an earlier instant afterwards.
    pub fn expire(&mut self, now: i64) {
        self.floor = self.floor.max(now);
        for slot in (0..self.keys.len()).rev() {
            let Some(mut state) = self.states.get(&self.plan, slot) else { continue };
            let now = state.instant(now, self.floor);
            state.at(&self.plan, now);
            state.prune(&self.plan);
            state.shrink();
            if now > state.recent.newest && state.is_blank(&self.plan) {
                self.forget(slot);
            }
        }
        self.keys.shrink_to_fit();
        self.slots.shrink_to_fit();
        self.states.shrink();
    }

    /// The time of the newest event of any key, in microseconds.
    pub fn newest(&self) -> Option<i64> {
        (0..self.keys.len()).filter_map(|slot| self.states.newest(slot)).max()
    }

    /// How many keys it holds.
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// Bytes on the heap, spare room included; without what the allocator adds.
    pub fn approximate_bytes(&self) -> usize {
        self.slots.allocation_size() + self.keys.capacity() * size_of::<Key>() + self.states.bytes()
    }

    /// Puts in a key that is not there; `None` if it is, or is null.
    pub(crate) fn new_slot(&mut self, key: Key, time: i64) -> Option<usize> {
        let slot = self.keys.len();
        if key.is_null() || self.slots.try_insert(key, slot).is_err() {
            return None;
        }
        self.keys.push(key);
        self.states.push(&self.plan, time);
        Some(slot)
    }

    fn check(&self, event: &Event<'_>, out: &[f64]) -> Result<(), EventError> {
        event.check(self.plan.shape)?;
        same("outputs", self.plan.readings.len(), out.len())
    }

    fn key_of(&self, event: &Event<'_>) -> Key {
        event.keys.get(self.plan.key_input).copied().unwrap_or(Key::NULL)
    }

    /// The key's slot, a new one if its first event, at `time`, is about to come; `None` without a key.
    pub(crate) fn slot(&mut self, key: Key, time: i64) -> Option<usize> {
        match self.slots.get(&key) {
            Some(slot) => Some(*slot),
            None => self.new_slot(key, time),
        }
    }

    /// Writes the signals of an event, then adds it.
    pub(crate) fn observe_at<'a>(&mut self, slot: usize, event: &impl Values, out: impl Iterator<Item = &'a mut f64>) {
        let plan = &*self.plan;
        let Some(mut state) = self.states.get(plan, slot) else { return };
        plan.write(&state.at(plan, state.instant(event.time(), self.floor)), event, out);
        state.add(plan, event);
    }

    fn forget(&mut self, slot: usize) {
        self.slots.remove(&self.keys.swap_remove(slot));
        self.states.swap_remove(&self.plan, slot);
        if let Some(moved) = self.keys.get(slot) {
            self.slots.insert(*moved, slot);
        }
    }
}
