//! A query on a leash: it ends at the next batch of any of its operators when it is told to, or when its time is over.
//!
//! Dropping a query's task stops it only where it waits, and an operator that works on what it has gathered may not wait for
//! minutes. So operators ask before each batch, and joins before each look at their condition.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use datafusion::error::DataFusionError;

use crate::QueryRefusal;

/// Stops a query from another thread, or by the clock. Clones hold the same query.
#[derive(Debug, Clone)]
pub struct Leash(Arc<State>);

#[derive(Debug)]
struct State {
    made: Instant,
    /// Microseconds after it was made.
    ends: AtomicU64,
    is_pulled: AtomicBool,
}

impl Default for Leash {
    /// One that lets a query run.
    fn default() -> Self {
        Self(Arc::new(State { made: Instant::now(), ends: AtomicU64::new(u64::MAX), is_pulled: AtomicBool::new(false) }))
    }
}

impl Leash {
    /// Stops the query, for good.
    pub fn pull(&self) {
        self.0.is_pulled.store(true, Ordering::Relaxed);
    }

    /// Stops the query after `time`, unless it is given more until then.
    pub fn give(&self, time: Duration) {
        let ends = self.0.made.elapsed().saturating_add(time);
        self.0.ends.store(u64::try_from(ends.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Takes the query off the clock.
    pub fn rest(&self) {
        self.0.ends.store(u64::MAX, Ordering::Relaxed);
    }

    /// May the query go on?
    pub(crate) fn check(&self) -> Result<(), DataFusionError> {
        if self.0.is_pulled.load(Ordering::Relaxed) {
            return Err(QueryRefusal::Stopped.into());
        }
        let ends = self.0.ends.load(Ordering::Relaxed);
        let is_late = ends < u64::MAX && self.0.made.elapsed().as_micros() > u128::from(ends);
        if is_late { Err(QueryRefusal::Late.into()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_runs_until_its_time_is_over_or_somebody_pulls() {
        let leash = Leash::default();
        assert!(leash.check().is_ok());
        leash.give(Duration::ZERO);
        std::thread::sleep(Duration::from_millis(1));
        assert!(leash.check().is_err());
        leash.give(Duration::from_secs(60));
        assert!(leash.check().is_ok());
        leash.give(Duration::ZERO);
        leash.rest();
        std::thread::sleep(Duration::from_millis(1));
        assert!(leash.check().is_ok());
        leash.clone().pull();
        leash.give(Duration::MAX);
        assert!(leash.check().is_err());
    }
}
