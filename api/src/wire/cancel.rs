//! Stopping a query from another connection, as PostgreSQL's protocol has it: a number and a secret that only its client knows.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

type Known = HashMap<u32, (u32, CancellationToken)>;

/// The sessions that are open, and how to stop what each of them does.
#[derive(Default)]
pub(super) struct Cancels(Mutex<Known>);

/// A session's place among them.
pub(super) struct Ticket {
    cancels: Arc<Cancels>,
    pub process: u32,
    pub secret: u32,
}

impl Cancels {
    pub(super) fn enter(self: &Arc<Self>) -> Ticket {
        let secret = rand::random();
        let mut known = self.known();
        let process = loop {
            let process = rand::random::<u32>() >> 1;
            if process > 0 && !known.contains_key(&process) {
                break process;
            }
        };
        known.insert(process, (secret, CancellationToken::new()));
        Ticket { cancels: self.clone(), process, secret }
    }

    /// Stops what a session does now, if the secret is its own. Nobody is told which sessions there are.
    pub(super) fn cancel(&self, process: u32, secret: &[u8]) {
        if let Some((own, token)) = self.known().get(&process)
            && own.to_be_bytes() == secret
        {
            token.cancel();
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// What stops the next statement: a request that comes too late for the last one does not hit it.
    pub(super) fn renew(&self) -> CancellationToken {
        let token = CancellationToken::new();
        self.cancels.known().insert(self.process, (self.secret, token.clone()));
        token
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.cancels.known().remove(&self.process);
    }
}
