//! What the database said of credentials a moment ago.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sha2::{Digest as _, Sha256};

use crate::Principal;

/// More than anybody uses at once; forgotten all together when there are more, which only costs queries.
const MOST: usize = 10_000;

/// Good credentials by their digest, for a short time. Bad ones are not remembered: they cost a lookup, and name nothing.
pub struct Remembered {
    lasts: Duration,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// By the hash of what a caller showed: since when it is known, and who it is.
    principals: HashMap<[u8; 32], (Instant, Arc<Principal>)>,
    /// How often everything was forgotten.
    epoch: u64,
}

impl Remembered {
    pub fn new(lasts: Duration) -> Self {
        Self { lasts, known: Mutex::default() }
    }

    pub fn get(&self, credential: &str) -> Option<Arc<Principal>> {
        let digest = digest(credential);
        let known = self.known();
        let (since, principal) = known.principals.get(&digest)?;
        (since.elapsed() < self.lasts).then(|| principal.clone())
    }

    /// To be taken before the database is asked, and given back with what it said.
    pub fn epoch(&self) -> u64 {
        self.known().epoch
    }

    /// Remembers what the database said, unless everything was forgotten since it was asked: then it may have changed as well.
    pub fn put(&self, credential: &str, principal: &Arc<Principal>, epoch: u64) {
        let mut known = self.known();
        if known.epoch != epoch {
            return;
        }
        if known.principals.len() >= MOST {
            known.principals.clear();
        }
        known.principals.insert(digest(credential), (Instant::now(), principal.clone()));
    }

    /// Is there anything that could be out of date?
    pub fn is_empty(&self) -> bool {
        let mut known = self.known();
        known.principals.retain(|_, (since, _)| since.elapsed() < self.lasts);
        known.principals.is_empty()
    }

    /// Forgets everything: somebody's rights have changed.
    pub fn forget(&self) {
        let mut known = self.known();
        known.principals.clear();
        known.epoch += 1;
    }

    /// Forgets what was known of one session.
    pub fn forget_session(&self, session: &str) {
        self.known().principals.retain(|_, (_, principal)| principal.session() != Some(session));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest(credential: &str) -> [u8; 32] {
    Sha256::digest(credential.as_bytes()).into()
}
