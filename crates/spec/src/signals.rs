//! Signals: windowed aggregates per entity over earlier events, declared.

use serde::{Deserialize, Serialize};

use crate::{ColumnName, SpecError, span::Span};

/// One signals file: the events its SQL selects and what is computed over them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalsSpec {
    /// What a row is, in one sentence.
    pub description: String,
    /// Integer column that names an event; breaks ties of time where "the previous event" must be one.
    pub id: ColumnName,
    /// Timestamp column: the event's instant.
    pub time: ColumnName,
    /// Columns of the SQL that stand beside the signals in the table.
    pub carry: Vec<ColumnName>,
    /// Entities, each with its own keyed state.
    #[serde(rename = "entity")]
    pub entities: Vec<EntitySpec>,
}

/// One entity (card, merchant, …) and the signals computed over its events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntitySpec {
    /// The entity's name: `card`.
    pub name: ColumnName,
    /// The column that identifies it; integer or text.
    pub key: ColumnName,
    /// Its signals, in output order.
    pub signals: Vec<SignalSpec>,
}

/// One output column. Only events of the same entity with a strictly earlier time count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalSpec {
    /// The output column.
    pub name: ColumnName,
    /// What is computed.
    pub aggregate: Aggregate,
    /// The column it is computed over; not for `count` and `since_previous`.
    pub of: Option<ColumnName>,
    /// How far back; absent means all history.
    pub window: Option<Span>,
    /// An event counts only once it is older than this: labels arrive late.
    pub delay: Option<Span>,
    /// Boolean column: only events where it is true count.
    pub only: Option<ColumnName>,
    /// `smoothed_rate`: the rate of an entity without history.
    pub prior: Option<f64>,
    /// `smoothed_rate`: how many events the prior weighs.
    pub prior_weight: Option<f64>,
    /// Meaning, unit and what an absent value says.
    #[serde(default)]
    pub about: String,
}

/// What a signal computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// Number of events in the window.
    Count,
    /// Sum of a number; 0 without events.
    Sum,
    /// Mean of a number; null without events.
    Mean,
    /// Sample standard deviation of a number; null below two events.
    Std,
    /// (value − mean) / sample standard deviation of the window; null below two events, 0 when the window is constant.
    Zscore,
    /// Number of distinct values of a column.
    Distinct,
    /// Seconds since the entity's previous event; null for its first.
    SincePrevious,
    /// True when the entity has not had this value before.
    FirstSeen,
    /// True when the value differs from the previous event's; false for the first event.
    Changed,
    /// (sum of a 0/1 column + prior · weight) / (number of non-null values + weight).
    SmoothedRate,
}

impl Aggregate {
    /// Does it need the `of` column?
    pub fn needs_column(self) -> bool {
        !matches!(self, Self::Count | Self::SincePrevious)
    }

    /// Is `of` compared for equality only, so that text is allowed?
    pub fn compares_only(self) -> bool {
        matches!(self, Self::Distinct | Self::FirstSeen | Self::Changed)
    }

    /// May the aggregate have a window?
    fn takes_window(self) -> bool {
        !matches!(self, Self::SincePrevious | Self::FirstSeen | Self::Changed)
    }
}

impl SignalsSpec {
    /// Every signal in output order, entity by entity.
    pub fn signals(&self) -> impl Iterator<Item = (&EntitySpec, &SignalSpec)> {
        self.entities.iter().flat_map(|entity| entity.signals.iter().map(move |signal| (entity, signal)))
    }

    pub(crate) fn check(&self, path: &str) -> Result<(), SpecError> {
        let mut names: Vec<&str> = self.carry.iter().map(ColumnName::as_str).collect();
        names.extend([self.id.as_str(), self.time.as_str()]);
        for (_, signal) in self.signals() {
            if names.contains(&signal.name.as_str()) {
                return Err(SpecError::rule(path, format!("the column `{}` is declared twice", signal.name)));
            }
            names.push(signal.name.as_str());
            signal.check().map_err(|reason| SpecError::rule(path, format!("signal `{}` {reason}", signal.name)))?;
        }
        Ok(())
    }
}

impl SignalSpec {
    fn check(&self) -> Result<(), String> {
        let is_rate = self.aggregate == Aggregate::SmoothedRate;
        if self.aggregate.needs_column() != self.of.is_some() {
            let need = if self.aggregate.needs_column() { "needs" } else { "takes no" };
            return Err(format!("{need} `of`"));
        }
        if self.window.is_some() && !self.aggregate.takes_window() {
            return Err("takes no `window`: it looks at all history".to_owned());
        }
        if is_rate != (self.prior.is_some() && self.prior_weight.is_some()) {
            return Err("`prior` and `prior_weight` go with `smoothed_rate`, both or neither".to_owned());
        }
        if self.delay.is_some() && !matches!(self.aggregate, Aggregate::Count | Aggregate::Sum | Aggregate::SmoothedRate) {
            return Err("`delay` goes with count, sum and smoothed_rate".to_owned());
        }
        if let (Some(window), Some(delay)) = (self.window, self.delay)
            && delay >= window
        {
            return Err("has a `delay` that leaves nothing of its `window`".to_owned());
        }
        Ok(())
    }
}
