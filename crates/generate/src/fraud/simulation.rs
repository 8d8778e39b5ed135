//! The world, living day by day.

use super::habits::Habits;
use super::queue::Queue;
use super::shoppers::Shoppers;
use super::thieves::Thieves;
use super::transaction::Transaction;
use super::world::{Subject, World};

/// A sample's period while it passes.
pub(crate) struct Simulation<'a> {
    world: &'a World,
    habits: Habits,
    shoppers: Shoppers,
    thieves: Thieves,
    queue: Queue,
}

impl<'a> Simulation<'a> {
    pub(crate) fn new(transactions: u64, seed: u64, world: &'a World) -> Self {
        let habits = Habits::new(world, &mut Subject::Habits.random(seed));
        let shoppers = Shoppers::new(world, &habits, seed);
        let thieves = Thieves::new(transactions, world, &habits, seed);
        let queue = Queue::new(world.calendar.days() - 1, Subject::Ties.random(seed));
        Self { world, habits, shoppers, thieves, queue }
    }

    /// The transactions of a day, in order of time: exactly its quota. Days are lived in order, each once.
    pub(crate) fn live(&mut self, day: u32) -> impl Iterator<Item = Transaction> + use<> {
        let quota = self.world.calendar.quota(day) as usize;
        self.shoppers.travel(day);
        self.thieves.strike(day, self.world, &self.habits, &mut self.queue);
        while self.queue.count(day) < quota {
            self.shoppers.go_out(day, self.world, &mut self.habits, &mut self.queue);
        }
        self.queue.take(day, quota).into_iter().map(|(_, transaction)| transaction)
    }
}
