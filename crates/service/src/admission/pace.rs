//! How much of something one may do: so many a second, some of them at once.
//!
//! The generic cell rate algorithm: each pass moves the instant at which the bucket is empty again, and nobody passes while it is
//! further away than the burst. One number a user, no timer.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Instant,
};

/// More are not told apart: those who have not come lately are forgotten, and if all have, new ones share one pace.
const MOST: usize = 20_000;

/// How often, and how often at once.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    pub per_second: f64,
    pub burst: u32,
}

/// The pace of one.
#[derive(Debug)]
pub struct Pace {
    interval_ns: u64,
    tolerance_ns: u64,
    /// When its bucket is empty again, in nanoseconds since the paces began.
    empty_at: AtomicU64,
    began: Instant,
    running: AtomicU32,
    at_once: u32,
}

impl Pace {
    fn new(rate: Rate, at_once: u32, began: Instant) -> Self {
        let interval_ns = (1e9 / rate.per_second) as u64;
        let tolerance_ns = interval_ns.saturating_mul(u64::from(rate.burst));
        Self { interval_ns, tolerance_ns, empty_at: AtomicU64::new(0), began, running: AtomicU32::new(0), at_once }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Goes through, or tells in how many seconds it is worth to come again.
    pub fn pass(&self) -> Result<(), u32> {
        let now = self.now();
        let mut wait_ns = 0;
        let step = |empty_at: u64| {
            let next = empty_at.max(now).saturating_add(self.interval_ns);
            wait_ns = next.saturating_sub(now).saturating_sub(self.tolerance_ns);
            (wait_ns == 0).then_some(next)
        };
        match self.empty_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step) {
            Ok(_) => Ok(()),
            Err(_) => Err(u32::try_from(wait_ns.div_ceil(1_000_000_000)).unwrap_or(u32::MAX).max(1)),
        }
    }

    /// One more is under way, if it may be.
    pub fn enter(self: Arc<Self>) -> Option<Running> {
        let more = |running: u32| (running < self.at_once).then_some(running + 1);
        self.running.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Running(self))
    }

    fn is_idle(&self) -> bool {
        self.running.load(Ordering::Relaxed) == 0 && self.empty_at.load(Ordering::Relaxed) <= self.now()
    }
}

/// Something that is under way.
#[derive(Debug)]
pub struct Running(Arc<Pace>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A pace for each name.
pub struct Paces {
    rate: Rate,
    at_once: u32,
    began: Instant,
    known: Mutex<HashMap<Box<str>, Arc<Pace>>>,
    others: Arc<Pace>,
}

impl Paces {
    pub fn new(rate: Rate, at_once: u32) -> Self {
        let began = Instant::now();
        Self { rate, at_once, began, known: Mutex::default(), others: Arc::new(Pace::new(rate, at_once, began)) }
    }

    pub fn of(&self, name: &str) -> Arc<Pace> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pace) = known.get(name) {
            return pace.clone();
        }
        if known.len() >= MOST {
            known.retain(|_, pace| !pace.is_idle());
        }
        if known.len() >= MOST {
            return self.others.clone();
        }
        let pace = Arc::new(Pace::new(self.rate, self.at_once, self.began));
        known.insert(name.into(), pace.clone());
        pace
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let paces = Paces::new(Rate { per_second: 50.0, burst: 10 }, 2);
        let ada = paces.of("ada");
        let started = Instant::now();
        let (mut passed, mut refused) = (0, 0);
        while started.elapsed() < Duration::from_millis(400) {
            match ada.pass() {
                Ok(()) => passed += 1,
                Err(seconds) => {
                    assert_eq!(seconds, 1);
                    refused += 1;
                }
            }
        }
        let most = 10 + (started.elapsed().as_secs_f64() * 50.0).ceil() as u32;
        assert!((10..=most).contains(&passed) && refused > 0, "{passed} passed where {most} may");
        assert!(paces.of("bob").pass().is_ok(), "others are not hindered");
        println!("{passed} passed and {refused} were refused in 400 ms");
    }

    #[test]
    fn so_many_at_once_and_no_more() {
        let paces = Paces::new(Rate { per_second: 1.0, burst: 1 }, 2);
        let held: Vec<_> = (0..3).map(|_| paces.of("ada").enter()).collect();
        assert_eq!(held.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false]);
        drop(held);
        assert!(paces.of("ada").enter().is_some());
    }

    #[test]
    fn names_without_end_take_no_memory_without_end() {
        let paces = Paces::new(Rate { per_second: 0.001, burst: 1 }, 1);
        for number in 0..MOST + 5_000 {
            let _ = paces.of(&number.to_string()).pass();
        }
        assert_eq!(paces.known.lock().expect("a lock").len(), MOST);
        assert!(paces.of("one more").pass().is_err(), "those beyond share one pace");
    }
}
