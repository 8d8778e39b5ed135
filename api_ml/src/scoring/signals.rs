//! Live signals: the state that the pipeline left, asked at the instant of a request.
//!
//! Asking moves the windows of the asked keys to that instant and back, so one request at a time may ask. It takes about a
//! microsecond, far less than reading the request does.

use std::sync::Mutex;

use lakehouse_models::{InputKind, Value};
use lakehouse_registry::OnlineState;
use lakehouse_signals::{Event, EventError, Kernel, Key, Output, PortableError, Snapshot};
use lakehouse_spec::ColumnName;

use super::serving::{ScoreError, Scratch};
use crate::request::{Column, Transaction};

/// A state of the live signals, bound to the fields of requests.
#[derive(Debug)]
pub struct OnlineSignals {
    /// Which one it is.
    pub state: OnlineState,
    /// What it gives, in order.
    pub outputs: Vec<Output>,
    /// Where the plan's inputs come from; `None` is absent, as the verdict of a purchase that is just being made.
    numbers: Vec<Option<Column>>,
    keys: Vec<Option<Column>>,
    flags: Vec<Option<Column>>,
    kernel: Mutex<Kernel>,
}

impl OnlineSignals {
    /// Reads a state. Takes as long as it is large: call it off the reactor.
    pub fn read(state: OnlineState, bytes: &[u8]) -> Result<Self, PortableError> {
        let (_, kernel) = Snapshot::read(bytes)?;
        let inputs = kernel.plan().inputs();
        let columns = |names: &[ColumnName], fits: fn(Column) -> bool| -> Vec<Option<Column>> {
            names.iter().map(|name| Column::find(name.as_str()).filter(|column| fits(*column))).collect()
        };
        Ok(Self {
            numbers: columns(&inputs.numbers, |column| column.kind() == Some(InputKind::Number)),
            keys: columns(&inputs.keys, Column::is_comparable),
            flags: columns(&inputs.flags, |column| column.kind() == Some(InputKind::Flag)),
            outputs: kernel.plan().outputs().cloned().collect(),
            state,
            kernel: Mutex::new(kernel),
        })
    }

    /// Writes the signals of a transaction at the instant `time`, in microseconds, to `scratch.signals`.
    pub fn ask(&self, transaction: &Transaction, time: i64, scratch: &mut Scratch) -> Result<(), ScoreError> {
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
        let event = Event { time, id: 0, numbers, keys, flags };
        // Poisoned means that a request panicked while the windows were moved: the state can no longer be believed.
        let mut kernel = self.kernel.lock().map_err(|_| ScoreError::Broken)?;
        kernel.signals(&event, signals).map_err(|error: EventError| ScoreError::Signals(error))
    }
}

fn refill<T>(values: &mut Vec<T>, columns: &[Option<Column>], of: impl Fn(&Option<Column>) -> T) {
    values.clear();
    values.extend(columns.iter().map(of));
}
