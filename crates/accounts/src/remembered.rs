//! What the database said of credentials a moment ago.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
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

/// By the hash of what a caller showed: until when it holds, and who it is.
type Known = HashMap<[u8; 32], (Instant, Arc<Principal>)>;

impl Remembered {
    pub fn new(lasts: Duration) -> Self {
        Self { lasts, known: Mutex::default() }
    }

    pub fn get(&self, credential: &str) -> Option<Arc<Principal>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, principal) = known.get(&digest(credential))?;
        (since.elapsed() < self.lasts).then(|| principal.clone())
    }

    pub fn put(&self, credential: &str, principal: &Arc<Principal>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(digest(credential), (Instant::now(), principal.clone()));
    }

    /// Forgets what was known of one session.
    pub fn forget_session(&self, session: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (_, principal)| principal.session() != Some(session));
    }
}

fn digest(credential: &str) -> [u8; 32] {
    Sha256::digest(credential.as_bytes()).into()
}
