//! Live signals: the state that the pipeline left, moved on by every transaction since.
//!
//! Asking moves the windows of the asked keys to that instant and back, so one request at a time may ask. It takes about a
//! microsecond, far less than reading the request does.
//!
//! The state owns everything up to its newest event, verdicts included. What the journal has from later counts on top of it,
//! and so does whatever was recorded while this state or a later one was serving.

use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};

use lakehouse_models::{InputKind, Value};
use lakehouse_registry::OnlineState;
use lakehouse_signals::{Event, EventError, Kernel, Key, Output, PortableError, Snapshot};
use lakehouse_spec::{Aggregate, ColumnName, EntitySpec, SignalsSpec};
use twox_hash::XxHash3_64;

use super::serving::{ScoreError, Scratch};
use crate::{
    journal::{Entry, Fact, Ticket},
    request::{Column, Transaction},
};

/// A state of the live signals, bound to the fields of requests.
#[derive(Debug)]
pub struct OnlineSignals {
    /// Which one it is.
    pub state: OnlineState,
    /// What it gives, in order.
    pub outputs: Vec<Output>,
    /// Where the plan's inputs come from; `None` is absent.
    numbers: Vec<Option<Column>>,
    keys: Vec<Option<Column>>,
    flags: Vec<Option<Column>>,
    /// Entities that only verdicts touch: an event without one leaves nothing in them that a later verdict would repeat.
    judged: Vec<bool>,
    /// The time of its newest event when the pipeline left it.
    newest: i64,
    /// How far it has followed the journal.
    applied: AtomicU64,
    kernel: Mutex<Kernel>,
}

impl OnlineSignals {
    /// Reads a state. Takes as long as it is large: call it off the reactor.
    pub fn read(state: OnlineState, bytes: &[u8]) -> Result<Self, PortableError> {
        let (spec, kernel) = Snapshot::read(bytes)?;
        let inputs = kernel.plan().inputs();
        let columns = |names: &[ColumnName], fits: fn(Column) -> bool| -> Vec<Option<Column>> {
            names.iter().map(|name| Column::of_events(name.as_str()).filter(|column| fits(*column))).collect()
        };
        Ok(Self {
            numbers: columns(&inputs.numbers, |column| column.kind() == Some(InputKind::Number)),
            keys: columns(&inputs.keys, Column::is_comparable),
            flags: columns(&inputs.flags, |column| column.kind() == Some(InputKind::Flag)),
            outputs: kernel.plan().outputs().cloned().collect(),
            judged: judged(&spec),
            newest: kernel.newest().unwrap_or(i64::MIN),
            applied: AtomicU64::new(0),
            state,
            kernel: Mutex::new(kernel),
        })
    }

    /// Writes the signals of a transaction at its instant to `scratch.signals`; nothing changes.
    pub fn ask(&self, transaction: &Transaction, scratch: &mut Scratch) -> Result<(), ScoreError> {
        self.with_event(transaction, 0, scratch, |kernel, event, signals| kernel.signals(event, signals))
    }

    /// Adds a transaction, which `id` names.
    pub fn add(&self, transaction: &Transaction, id: &str, scratch: &mut Scratch) -> Result<(), ScoreError> {
        if !is_event(transaction) {
            return Ok(());
        }
        self.with_event(transaction, number_of(id), scratch, |kernel, event, _| kernel.add(event))
    }

    /// Learns how a transaction turned out that it has, or that the pipeline's state has.
    pub fn judge(&self, transaction: &Transaction, id: &str, scratch: &mut Scratch) -> Result<(), ScoreError> {
        if !is_event(transaction) {
            return Ok(());
        }
        self.with_event(transaction, number_of(id), scratch, |kernel, event, _| {
            let entities = kernel.entities_mut().iter_mut().zip(&self.judged).filter(|(_, is_judged)| **is_judged);
            entities.map(|(entity, _)| entity).try_for_each(|entity| entity.add(event))
        })
    }

    /// Takes in an entry of the journal that it may not have yet.
    pub fn follow(&self, entry: &Entry, scratch: &mut Scratch) -> Result<(), ScoreError> {
        self.applied.store(entry.number, Ordering::Release);
        if !self.needs(entry) {
            return Ok(());
        }
        let transaction = Transaction::from(&entry.transaction);
        match entry.fact {
            Fact::Made => self.add(&transaction, &entry.id, scratch),
            Fact::Judged => self.judge(&transaction, &entry.id, scratch),
            Fact::Asked => Ok(()),
        }
    }

    /// Would the journal's entry count on top of this state?
    pub fn needs(&self, entry: &Entry) -> bool {
        entry.over > 0 && (entry.transaction.time > self.newest || entry.over >= self.state.number.0)
    }

    /// How far it has followed the journal.
    pub fn applied(&self) -> Ticket {
        Ticket::from(self.applied.load(Ordering::Acquire))
    }

    /// Notes that an entry was made of what it has taken in already.
    pub fn has_applied(&self, ticket: Ticket) {
        self.applied.store(ticket.into(), Ordering::Release);
    }

    fn with_event(
        &self,
        transaction: &Transaction,
        id: i64,
        scratch: &mut Scratch,
        act: impl FnOnce(&mut Kernel, &Event<'_>, &mut [f64]) -> Result<(), EventError>,
    ) -> Result<(), ScoreError> {
        let Scratch { numbers, keys, flags, signals, .. } = scratch;
        let value = |column: &Option<Column>| column.map_or(Value::Absent, |column| column.value(transaction));
        let key = |column: &Option<Column>| column.map_or(Key::NULL, |column| column.key(transaction));
        refill(numbers, &self.numbers, |column| match value(column) {
            Value::Number(number) => number,
            _ => f64::NAN,
        });
        refill(keys, &self.keys, key);
        refill(flags, &self.flags, |column| value(column) == Value::Flag(true));
        signals.clear();
        signals.resize(self.outputs.len(), f64::NAN);
        let (_, time) = transaction.timed();
        let event = Event { time, id, numbers, keys, flags };
        act(&mut *self.lock()?, &event, signals).map_err(ScoreError::Signals)
    }

    /// Poisoned means that a request panicked while the windows were moved: the state can no longer be believed.
    fn lock(&self) -> Result<MutexGuard<'_, Kernel>, ScoreError> {
        self.kernel.lock().map_err(|_| ScoreError::Broken)
    }
}

/// Purchases of nothing are no events, as in `signals/transactions.sql`.
fn is_event(transaction: &Transaction) -> bool {
    transaction.amount > 0.0
}

/// What decides which of two events of one instant is the previous one: the number that the id is, else one made of it.
fn number_of(id: &str) -> i64 {
    id.parse().unwrap_or_else(|_| XxHash3_64::oneshot(id.as_bytes()).cast_signed())
}

/// Which entities have nothing but rates and sums of the verdict.
fn judged(spec: &SignalsSpec) -> Vec<bool> {
    let of_label = |entity: &EntitySpec| {
        entity.signals.iter().all(|signal| {
            let skips_absent =
                matches!(signal.aggregate, Aggregate::Sum | Aggregate::Mean | Aggregate::Std | Aggregate::SmoothedRate);
            skips_absent && signal.of.as_ref().is_some_and(|column| Column::of_events(column.as_str()) == Some(Column::Label))
        })
    };
    spec.entities.iter().map(of_label).collect()
}

fn refill<T>(values: &mut Vec<T>, columns: &[Option<Column>], of: impl Fn(&Option<Column>) -> T) {
    values.clear();
    values.extend(columns.iter().map(of));
}
