//! A champion that knows where each of its inputs comes from.
//!
//! Inputs are looked up by name once, when a version is taken in. A version that asks for what is not there is refused then:
//! scoring it with absent values would give other scores than those it was judged by.

use std::sync::Arc;

use axum::http::HeaderValue;
use lakehouse_models::{Contributions, ExplanationError, Input, InputError, InputKind, Record, Value};
use lakehouse_signals::{Output, OutputKind};

use super::{DriftMonitor, Prediction, tally::Tally, team::Role};
use crate::{
    models::Champion,
    request::{Column, Transaction},
};

/// A champion, bound to the fields of requests and to the outputs of a signals plan.
#[derive(Debug)]
pub struct Scorer {
    champion: Arc<Champion>,
    /// One for each of the model's inputs.
    sources: Vec<Source>,
    /// The model's name and version, as answers carry them.
    headers: [HeaderValue; 2],
    tally: Tally,
    drift: DriftMonitor,
}

/// Where the value of an input comes from.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    Request(Column),
    Signal { position: usize, kind: InputKind },
}

/// Why a version cannot be served.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// Nothing has the name.
    #[error("its input `{0}` is neither a field of requests nor a live signal")]
    UnknownInput(String),
    /// The name is that of another kind of value.
    #[error("its input `{input}` is a {}, which requests and signals do not have under that name", kind.as_str())]
    WrongKind {
        /// The input.
        input: String,
        /// What the model takes.
        kind: InputKind,
    },
    /// Signals without history would be refused.
    #[error("its input `{0}` is required, but the signal of that name may be absent")]
    MayBeAbsent(String),
    /// No header can carry its name.
    #[error("its name `{0}` cannot stand in a header")]
    Name(String),
}

impl Scorer {
    /// Finds every input of the champion among the fields of requests and among `outputs`.
    pub fn bind(champion: Arc<Champion>, outputs: &[Output]) -> Result<Self, BindError> {
        let sources = Self::find_inputs(champion.model.inputs(), outputs)?;
        let (name, version) = (champion.promotion.model.as_str(), champion.promotion.version);
        let model_header = HeaderValue::try_from(name).map_err(|_| BindError::Name(name.to_owned()))?;
        let tally = Tally::new(name, version);
        let drift = DriftMonitor::new(name, version.0, &champion.model);
        Ok(Self { drift, sources, headers: [model_header, version.0.into()], tally, champion })
    }

    /// Finds every input among the fields of requests and among `outputs`.
    pub fn find_inputs(inputs: &[Input], outputs: &[Output]) -> Result<Vec<Source>, BindError> {
        let mut sources = Vec::with_capacity(inputs.len());
        for input in inputs {
            let name = input.name.as_str();
            let source = find(name, outputs).ok_or_else(|| BindError::UnknownInput(name.to_owned()))?;
            if source.kind() != Some(input.kind) {
                return Err(BindError::WrongKind { input: name.to_owned(), kind: input.kind });
            }
            if let Source::Signal { position, .. } = source
                && !input.nullable
                && outputs.get(position).is_some_and(|output| output.nullable)
            {
                return Err(BindError::MayBeAbsent(name.to_owned()));
            }
            sources.push(source);
        }
        Ok(sources)
    }

    /// What it scores with.
    pub fn champion(&self) -> &Arc<Champion> {
        &self.champion
    }

    /// The model's name and version as header values.
    pub fn headers(&self) -> &[HeaderValue; 2] {
        &self.headers
    }

    /// The gauges and counters of its version.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What it has scored, beside what it was trained on.
    pub fn drift(&self) -> &DriftMonitor {
        &self.drift
    }

    /// The prediction for a transaction and its signals, which are in the order of the outputs it was bound to. `numbers` is
    /// room to work in: nothing is allocated once it has grown.
    pub fn score(
        &self,
        transaction: &Transaction,
        signals: &[f64],
        numbers: &mut Vec<f64>,
        role: Role,
    ) -> Result<Prediction, InputError> {
        let model = &self.champion.model;
        let value = |input: usize| self.sources.get(input).map_or(Value::Absent, |source| source.value(transaction, signals));
        model.manifest().encoder.encode_with(|input, _| value(input), numbers)?;
        let prediction = Prediction::new(model.score_numbers(numbers), model.threshold());
        self.tally.count(prediction, role);
        // In the shadow it sees what the one that answers sees.
        if role != Role::Shadow {
            self.drift.add(value, prediction.probability());
        }
        Ok(prediction)
    }

    /// Where the score of a transaction comes from.
    pub fn explain(&self, transaction: &Transaction, signals: &[f64]) -> Result<Contributions, ExplanationError> {
        self.champion.model.explain(&Named { scorer: self, transaction, signals })
    }
}

/// A transaction and its signals, asked by the names of inputs.
struct Named<'a> {
    scorer: &'a Scorer,
    transaction: &'a Transaction,
    signals: &'a [f64],
}

impl Record for Named<'_> {
    fn value(&self, input: &str) -> Option<Value<'_>> {
        let position = self.scorer.champion.model.inputs().iter().position(|known| known.name == input)?;
        self.scorer.sources.get(position).map(|source| source.value(self.transaction, self.signals))
    }
}

/// Requests come first: a signal cannot have the name of a column of its own events.
fn find(name: &str, outputs: &[Output]) -> Option<Source> {
    if let Some(column) = Column::find(name) {
        return Some(Source::Request(column));
    }
    let position = outputs.iter().position(|output| output.name.as_str() == name)?;
    let kind = match outputs.get(position)?.kind {
        OutputKind::Integer | OutputKind::Float => InputKind::Number,
        OutputKind::Boolean => InputKind::Flag,
    };
    Some(Source::Signal { position, kind })
}

impl Source {
    /// `None` for what no model can take.
    fn kind(self) -> Option<InputKind> {
        match self {
            Self::Request(column) => column.kind(),
            Self::Signal { kind, .. } => Some(kind),
        }
    }

    fn value<'a>(self, transaction: &'a Transaction, signals: &[f64]) -> Value<'a> {
        match self {
            Self::Request(column) => column.value(transaction),
            Self::Signal { position, kind } => match signals.get(position).copied() {
                None => Value::Absent,
                Some(number) if number.is_nan() => Value::Absent,
                Some(number) if kind == InputKind::Flag => Value::Flag(number != 0.0),
                Some(number) => Value::Number(number),
            },
        }
    }
}
