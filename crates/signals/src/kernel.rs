//! All entities of a plan together: what a service loads and asks.

use crate::{EntityState, Event, EventColumns, EventError, Plan, event::same};

/// The state of every entity of a plan. Outputs are those of [`Plan::outputs`], entity by entity.
#[derive(Debug)]
pub struct Kernel {
    plan: Plan,
    entities: Vec<EntityState>,
}

impl Kernel {
    /// A kernel that has seen nothing.
    pub fn new(plan: &Plan) -> Self {
        Self { plan: plan.clone(), entities: plan.entities().iter().map(EntityState::of).collect() }
    }

    /// What it is a state of.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The entities, in the order of the plan.
    pub fn entities(&self) -> &[EntityState] {
        &self.entities
    }

    /// The entities, to be driven one by one. They are independent: a batch may be given to each of them on a thread of its own.
    pub fn entities_mut(&mut self) -> &mut [EntityState] {
        &mut self.entities
    }

    /// [`EntityState::observe_batch`] for every entity, one after another; one column per output.
    pub fn observe_batch(&mut self, events: &EventColumns<'_>, out: &mut [Vec<f64>]) -> Result<(), EventError> {
        self.each(out, |entity, out| entity.observe_batch(events, out))
    }

    /// Writes the signals at the event's instant and adds the event; one value per output, NaN when absent.
    pub fn observe(&mut self, event: &Event<'_>, out: &mut [f64]) -> Result<(), EventError> {
        self.each(out, |entity, out| entity.observe(event, out))
    }

    /// Writes the signals at the event's instant without adding it.
    pub fn signals(&mut self, event: &Event<'_>, out: &mut [f64]) -> Result<(), EventError> {
        self.each(out, |entity, out| entity.signals(event, out))
    }

    /// Adds an event.
    pub fn add(&mut self, event: &Event<'_>) -> Result<(), EventError> {
        self.entities.iter_mut().try_for_each(|entity| entity.add(event))
    }

    /// [`EntityState::expire`] for every entity.
    pub fn expire(&mut self, now: i64) {
        self.entities.iter_mut().for_each(|entity| entity.expire(now));
    }

    /// The time of the newest event it has seen, in microseconds; `None` before the first.
    pub fn newest(&self) -> Option<i64> {
        self.entities.iter().filter_map(EntityState::newest).max()
    }

    /// How many keys it holds, over all entities.
    pub fn keys(&self) -> usize {
        self.entities.iter().map(EntityState::keys).sum()
    }

    /// Bytes on the heap, spare room included; without what the allocator adds.
    pub fn approximate_bytes(&self) -> usize {
        self.entities.iter().map(EntityState::approximate_bytes).sum()
    }

    /// Hands each entity its part of the outputs.
    fn each<T>(
        &mut self,
        mut out: &mut [T],
        mut act: impl FnMut(&mut EntityState, &mut [T]) -> Result<(), EventError>,
    ) -> Result<(), EventError> {
        same("outputs", self.plan.outputs().count(), out.len())?;
        for entity in &mut self.entities {
            let (own, rest) = out.split_at_mut(entity.plan.readings.len());
            act(entity, own)?;
            out = rest;
        }
        Ok(())
    }
}
