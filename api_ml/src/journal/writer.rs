//! The thread that writes.
//!
//! It never waits for a timer while somebody waits for the disk: what came in while it forced the last entries down goes there
//! together next time. What nobody waits for goes a little later, so that a disk is not forced thousands of times a second for
//! answers that have long been given.

use std::{
    future::poll_fn,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{Entry, JournalError, MAX_WAITING_BYTES, SEGMENT_BYTES, disk, frames, growing::Growing};

/// How long an entry that nobody waits for may wait for others.
const LEISURE: Duration = Duration::from_millis(20);
/// From so many of them on it does not.
const LEISURE_BYTES: usize = 1 << 20;

/// What waits for the disk.
#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// The number of the newest entry.
    newest: u64,
    /// Somebody waits for this entry, and so for all before it.
    wanted: u64,
    /// Requests that wait, and what for.
    requests: Vec<(u64, Waker)>,
    /// Threads that wait.
    threads: usize,
    /// The writer sleeps until it is called.
    is_idle: bool,
    /// The segment that grows is to be closed.
    is_closing: bool,
    is_stopping: bool,
    has_failed: bool,
}

impl Waiting {
    fn check(&self, most_bytes: usize) -> Result<(), JournalError> {
        if self.has_failed || self.is_stopping {
            return Err(JournalError::Stopped);
        }
        if self.bytes.len() > most_bytes { Err(JournalError::Full) } else { Ok(()) }
    }

    /// Is there something to do that cannot wait, when the disk has everything up to `written`?
    fn is_urgent(&self, written: u64) -> bool {
        self.is_closing || self.is_stopping || self.wanted > written || self.bytes.len() > LEISURE_BYTES
    }
}

/// What the requests and the writer share.
#[derive(Debug)]
pub struct Shared {
    waiting: Mutex<Waiting>,
    /// There is something to do.
    ready: Condvar,
    /// Something was written, or the segment was closed.
    done: Condvar,
    /// The number of the last entry on disk. Set while `waiting` is held.
    written: AtomicU64,
}

/// Starts the writer behind entry `last`, with a segment of its own.
pub fn start(folder: &Path, last: u64) -> Result<(Arc<Shared>, JoinHandle<()>), JournalError> {
    let waiting = Mutex::new(Waiting { newest: last, ..Waiting::default() });
    let written = AtomicU64::new(last);
    let shared = Arc::new(Shared { waiting, ready: Condvar::new(), done: Condvar::new(), written });
    let mut segment = Growing::open(folder, last + 1)?;
    let work = {
        let shared = Arc::clone(&shared);
        move || {
            if let Err(error) = shared.write_all(&mut segment) {
                tracing::error!(%error, "the journal has stopped: nothing that has to be kept is answered until a restart");
                shared.fail();
            }
        }
    };
    let thread = thread::Builder::new().name("journal".to_owned()).spawn(work).map_err(disk("open", folder))?;
    Ok((shared, thread))
}

impl Shared {
    /// A panic while the lock was held left whole entries: frames are appended in one go or not at all.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an entry. If it `is_awaited`, the writer is called at once.
    pub fn append(&self, entry: &Entry, is_awaited: bool) -> Result<u64, JournalError> {
        frames::with_body(entry, |body| {
            let mut waiting = self.lock();
            waiting.check(2 * MAX_WAITING_BYTES)?;
            let number = waiting.newest + 1;
            let is_first = waiting.bytes.is_empty();
            frames::write(number, body, &mut waiting.bytes);
            waiting.newest = number;
            if is_awaited {
                waiting.wanted = number;
            }
            // An entry that is not awaited only starts the time that it may wait.
            if is_awaited || is_first || waiting.bytes.len() > LEISURE_BYTES {
                self.call(waiting);
            }
            Ok(number)
        })
        .map_err(JournalError::Entry)?
    }

    /// Wakes the writer if it sleeps: calling it costs more than writing the entry.
    fn call(&self, mut waiting: MutexGuard<'_, Waiting>) {
        let is_idle = std::mem::take(&mut waiting.is_idle);
        drop(waiting);
        if is_idle {
            self.ready.notify_one();
        }
    }

    /// Would it take an entry? One that comes right after this is taken even if others have come in between.
    pub fn ready(&self) -> Result<(), JournalError> {
        self.lock().check(MAX_WAITING_BYTES)
    }

    pub fn newest(&self) -> u64 {
        self.lock().newest
    }

    /// The number of the last entry that is on disk.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// Waits until an entry is on disk.
    pub async fn written_up_to(&self, number: u64) -> Result<(), JournalError> {
        let mut is_known = false;
        poll_fn(|context| self.poll_written(number, &mut is_known, context)).await
    }

    fn poll_written(&self, number: u64, is_known: &mut bool, context: &Context<'_>) -> Poll<Result<(), JournalError>> {
        if self.written() >= number {
            return Poll::Ready(Ok(()));
        }
        let mut waiting = self.lock();
        if self.written() >= number {
            return Poll::Ready(Ok(()));
        }
        if waiting.has_failed {
            return Poll::Ready(Err(JournalError::Stopped));
        }
        let is_there = |(wanted, waker): &(u64, Waker)| *wanted == number && waker.will_wake(context.waker());
        if !*is_known || !waiting.requests.iter().any(is_there) {
            waiting.requests.push((number, context.waker().clone()));
            *is_known = true;
        }
        if waiting.wanted < number {
            waiting.wanted = number;
            self.call(waiting);
        }
        Poll::Pending
    }

    /// The same for who has no reactor.
    pub fn wait(&self, number: u64) -> Result<(), JournalError> {
        if self.written() >= number {
            return Ok(());
        }
        let mut waiting = self.lock();
        if waiting.wanted < number {
            waiting.wanted = number;
            self.call(waiting);
            waiting = self.lock();
        }
        drop(self.wait_while(waiting, |waiting| !waiting.has_failed && self.written() < number));
        if self.written() >= number { Ok(()) } else { Err(JournalError::Stopped) }
    }

    /// Has the writer go on in a new segment.
    pub fn close_segment(&self) -> Result<(), JournalError> {
        let mut waiting = self.lock();
        if waiting.has_failed || waiting.is_stopping {
            return Err(JournalError::Stopped);
        }
        waiting.is_closing = true;
        self.call(waiting);
        let waiting = self.wait_while(self.lock(), |waiting| waiting.is_closing && !waiting.has_failed);
        if waiting.has_failed { Err(JournalError::Stopped) } else { Ok(()) }
    }

    fn wait_while<'a>(
        &'a self,
        mut waiting: MutexGuard<'a, Waiting>,
        goes_on: impl FnMut(&mut Waiting) -> bool,
    ) -> MutexGuard<'a, Waiting> {
        waiting.threads += 1;
        let mut waiting = self.done.wait_while(waiting, goes_on).unwrap_or_else(PoisonError::into_inner);
        waiting.threads -= 1;
        waiting
    }

    pub fn stop(&self) {
        let mut waiting = self.lock();
        waiting.is_stopping = true;
        self.call(waiting);
    }

    fn fail(&self) {
        let mut waiting = self.lock();
        waiting.has_failed = true;
        let requests = std::mem::take(&mut waiting.requests);
        drop(waiting);
        requests.into_iter().for_each(|(_, waker)| waker.wake());
        self.done.notify_all();
    }

    /// Sleeps until there is something to write, or to do.
    fn gather(&self) -> MutexGuard<'_, Waiting> {
        let mut waiting = self.lock();
        loop {
            if waiting.is_urgent(self.written()) {
                waiting.is_idle = false;
                return waiting;
            }
            waiting.is_idle = true;
            if waiting.bytes.is_empty() {
                waiting = self.ready.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            } else {
                let (held, waited) = self.ready.wait_timeout(waiting, LEISURE).unwrap_or_else(PoisonError::into_inner);
                waiting = held;
                if waited.timed_out() {
                    waiting.is_idle = false;
                    return waiting;
                }
            }
        }
    }

    fn write_all(&self, segment: &mut Growing) -> Result<(), JournalError> {
        let (mut bytes, mut answered) = (Vec::new(), Vec::new());
        loop {
            let mut waiting = self.gather();
            if waiting.bytes.is_empty() && waiting.is_stopping {
                drop(waiting);
                return segment.close();
            }
            bytes.clear();
            std::mem::swap(&mut bytes, &mut waiting.bytes);
            let (newest, is_closing) = (waiting.newest, waiting.is_closing);
            drop(waiting);
            if !bytes.is_empty() {
                segment.write(&bytes)?;
            }
            if (is_closing && segment.holds_bytes() > 0) || segment.holds_bytes() > SEGMENT_BYTES {
                *segment = segment.followed_by(newest + 1)?;
            }
            self.tell(newest, is_closing, &mut answered);
        }
    }

    /// Wakes whoever waited for entries up to `newest`, and nobody else.
    fn tell(&self, newest: u64, has_closed: bool, answered: &mut Vec<(u64, Waker)>) {
        let mut waiting = self.lock();
        self.written.store(newest, Ordering::Release);
        if has_closed {
            waiting.is_closing = false;
        }
        answered.extend(waiting.requests.extract_if(.., |(number, _)| *number <= newest));
        let threads = waiting.threads;
        drop(waiting);
        answered.drain(..).for_each(|(_, waker)| waker.wake());
        if threads > 0 {
            self.done.notify_all();
        }
    }
}
