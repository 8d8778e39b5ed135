//! A signals file compiled: which columns it reads, which it gives, and what state it needs in between.

mod compile;
mod reading;

use std::sync::Arc;

use lakehouse_spec::{ColumnName, SignalsSpec};

pub(crate) use reading::{Reading, View};

use crate::{
    event::{Shape, Uses, Values},
    ring::RecordLayout,
    window::Delay,
};

/// A signals file compiled. Cloning is cheap; every state made from it shares it.
#[derive(Debug, Clone)]
pub struct Plan {
    inputs: Arc<Inputs>,
    entities: Vec<Arc<EntityPlan>>,
    fingerprint: u64,
}

/// The columns a plan reads. Events bring their values in the order of these lists; a column may stand in two of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// Integer that names an event.
    pub id: ColumnName,
    /// The event's instant.
    pub time: ColumnName,
    /// Columns read as numbers.
    pub numbers: Vec<ColumnName>,
    /// Columns only compared for equality, entity keys among them; integer or text.
    pub keys: Vec<ColumnName>,
    /// Boolean columns.
    pub flags: Vec<ColumnName>,
}

/// One output column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The column.
    pub name: ColumnName,
    /// What its values are.
    pub kind: OutputKind,
    /// May it be absent (NaN)?
    pub nullable: bool,
}

/// What the values of an output column are; the kernel gives all of them as floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputKind {
    /// A whole number, not negative.
    Integer,
    /// A floating point number.
    Float,
    /// 0 or 1.
    Boolean,
}

/// The plan of one entity.
#[derive(Debug)]
pub struct EntityPlan {
    pub(crate) name: ColumnName,
    pub(crate) key: ColumnName,
    pub(crate) outputs: Vec<Output>,
    /// Where the entity's key stands among the inputs.
    pub(crate) key_input: usize,
    pub(crate) shape: Shape,
    pub(crate) uses: Uses,
    /// One per output.
    pub(crate) readings: Vec<Reading>,
    pub(crate) layout: RecordLayout,
    pub(crate) delays: Vec<Delay>,
    /// How many windows there are, over all delays.
    pub(crate) tails: usize,
    pub(crate) previous: Vec<Remembered>,
    pub(crate) seen: Vec<Remembered>,
    /// How many of each aggregate a key holds.
    pub(crate) totals: usize,
    pub(crate) squares: usize,
    pub(crate) distincts: usize,
}

/// What is remembered of events without keeping them; both are inputs of the entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub only: Option<usize>,
    pub of: Option<usize>,
}

/// Why a signals file has no plan. Files read through `lakehouse-spec` have been checked for the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// An aggregate without its column.
    #[error("failed to plan `{0}`: its aggregate needs the column `of`")]
    NeedsColumn(ColumnName),
    /// A window on what looks at all history.
    #[error("failed to plan `{0}`: its aggregate looks at all history and takes no `window`")]
    TakesNoWindow(ColumnName),
    /// A delay on what cannot wait.
    #[error("failed to plan `{0}`: its aggregate takes no `delay`")]
    TakesNoDelay(ColumnName),
    /// A delay as long as the window.
    #[error("failed to plan `{0}`: its `delay` leaves nothing of its `window`")]
    DelayCoversWindow(ColumnName),
    /// A rate without a usable prior.
    #[error("failed to plan `{0}`: it needs a finite `prior` and a `prior_weight` that is not negative")]
    NeedsPrior(ColumnName),
}

impl Plan {
    /// Compiles a signals file.
    pub fn compile(spec: &SignalsSpec) -> Result<Self, PlanError> {
        compile::compile(spec)
    }

    /// The columns it reads.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// Its entities, in the order of the file.
    pub fn entities(&self) -> &[Arc<EntityPlan>] {
        &self.entities
    }

    /// Every output column, entity by entity.
    pub fn outputs(&self) -> impl Iterator<Item = &Output> {
        self.entities.iter().flat_map(|entity| &entity.outputs)
    }

    /// The same for two files that declare the same signals, whatever they say about them. State belongs to one fingerprint.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

impl EntityPlan {
    /// The entity's name: `card`.
    pub fn name(&self) -> &ColumnName {
        &self.name
    }

    /// The column that identifies it.
    pub fn key(&self) -> &ColumnName {
        &self.key
    }

    /// Its output columns, in the order of the file.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// How many places a key needs to know where its windows stand: one per delay, then one per window.
    pub(crate) fn places(&self) -> usize {
        self.delays.len() + self.tails
    }

    /// How many records at the front of a ring its windows are done with.
    pub(crate) fn done_with(&self, places: &[usize]) -> usize {
        let (heads, tails) = places.split_at_checked(self.delays.len()).unwrap_or_default();
        self.delays.iter().zip(heads).map(|(delay, head)| delay.done_with(*head, tails)).min().unwrap_or(0)
    }

    /// Writes every signal of an event.
    pub(crate) fn write<'a>(&self, view: &View<'_>, event: &impl Values, out: impl Iterator<Item = &'a mut f64>) {
        for (value, reading) in out.zip(&self.readings) {
            *value = reading.value(view, event);
        }
    }
}
