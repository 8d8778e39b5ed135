//! From a signals file to a plan: every state two signals can share is kept once.

use std::{fmt::Write, sync::Arc};

use lakehouse_spec::{Aggregate, ColumnName, EntitySpec, SignalSpec, SignalsSpec, Span};
use twox_hash::XxHash3_64;

use super::{EntityPlan, Inputs, Output, OutputKind, Plan, PlanError, Reading, Remembered};
use crate::{
    event::{Shape, Uses},
    ring::{RecordLayout, Source},
    window::{Delay, DistinctOf, Frame, Tally, Window},
};

pub(super) fn compile(spec: &SignalsSpec) -> Result<Plan, PlanError> {
    let mut inputs =
        Inputs { id: spec.id.clone(), time: spec.time.clone(), numbers: Vec::new(), keys: Vec::new(), flags: Vec::new() };
    let compiled = spec.entities.iter().map(|entity| compile_entity(entity, &mut inputs));
    let mut entities = compiled.collect::<Result<Vec<_>, _>>()?;
    // Only now is it known how many columns an event of this plan brings.
    let shape = Shape { numbers: inputs.numbers.len(), keys: inputs.keys.len(), flags: inputs.flags.len() };
    entities.iter_mut().for_each(|entity| entity.shape = shape);
    Ok(Plan { inputs: Arc::new(inputs), entities: entities.into_iter().map(Arc::new).collect(), fingerprint: fingerprint(spec) })
}

fn compile_entity(entity: &EntitySpec, inputs: &mut Inputs) -> Result<EntityPlan, PlanError> {
    let key_input = intern(&mut inputs.keys, &entity.key);
    let mut builder = Builder::new(inputs);
    let mut readings = Vec::with_capacity(entity.signals.len());
    for signal in &entity.signals {
        check(signal)?;
        readings.push(builder.reading(signal)?);
    }
    // Only now is it known how many heads stand before the tails.
    for reading in &mut readings {
        if let Reading::Length { tail, .. } = reading {
            *tail += builder.delays.len();
        }
    }
    Ok(EntityPlan {
        name: entity.name.clone(),
        key: entity.key.clone(),
        outputs: entity.signals.iter().map(output).collect(),
        key_input,
        shape: Shape { numbers: 0, keys: 0, flags: 0 },
        uses: builder.uses,
        readings,
        layout: builder.layout,
        delays: builder.delays,
        tails: builder.tails,
        previous: builder.previous,
        seen: builder.seen,
        totals: builder.totals,
        squares: builder.squares,
        distincts: builder.distincts,
    })
}

fn check(signal: &SignalSpec) -> Result<(), PlanError> {
    let name = || signal.name.clone();
    let remembers = matches!(signal.aggregate, Aggregate::SincePrevious | Aggregate::FirstSeen | Aggregate::Changed);
    if remembers && signal.window.is_some() {
        return Err(PlanError::TakesNoWindow(name()));
    }
    if remembers && signal.delay.is_some() {
        return Err(PlanError::TakesNoDelay(name()));
    }
    if signal.window.is_some_and(|window| signal.delay.is_some_and(|delay| delay >= window)) {
        return Err(PlanError::DelayCoversWindow(name()));
    }
    Ok(())
}

fn output(signal: &SignalSpec) -> Output {
    use Aggregate::{Changed, Count, Distinct, FirstSeen, Mean, SincePrevious, SmoothedRate, Std, Sum, Zscore};
    let (kind, nullable) = match signal.aggregate {
        Count | Distinct => (OutputKind::Integer, false),
        FirstSeen | Changed => (OutputKind::Boolean, false),
        Sum => (OutputKind::Float, false),
        // A prior without weight says nothing about an entity without history.
        SmoothedRate => (OutputKind::Float, signal.prior_weight == Some(0.0)),
        Mean | Std | Zscore | SincePrevious => (OutputKind::Float, true),
    };
    Output { name: signal.name.clone(), kind, nullable }
}

/// The column's place in the list; it is added at the end if it is new.
fn intern(columns: &mut Vec<ColumnName>, column: &ColumnName) -> usize {
    columns.iter().position(|known| known == column).unwrap_or_else(|| {
        columns.push(column.clone());
        columns.len() - 1
    })
}

/// The item's place in the list; it is added at the end if it is new.
fn place<T>(items: &mut Vec<T>, is_it: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> usize {
    items.iter().position(is_it).unwrap_or_else(|| {
        items.push(make());
        items.len() - 1
    })
}

struct Builder<'a> {
    inputs: &'a mut Inputs,
    uses: Uses,
    layout: RecordLayout,
    delays: Vec<Delay>,
    tails: usize,
    previous: Vec<Remembered>,
    seen: Vec<Remembered>,
    totals: usize,
    squares: usize,
    distincts: usize,
}

impl<'a> Builder<'a> {
    fn new(inputs: &'a mut Inputs) -> Self {
        Self {
            inputs,
            uses: Uses::default(),
            layout: RecordLayout::new(),
            delays: Vec::new(),
            tails: 0,
            previous: Vec::new(),
            seen: Vec::new(),
            totals: 0,
            squares: 0,
            distincts: 0,
        }
    }

    fn reading(&mut self, signal: &SignalSpec) -> Result<Reading, PlanError> {
        Ok(match signal.aggregate {
            Aggregate::Count if signal.only.is_none() && signal.window.is_some() => self.length(signal),
            Aggregate::Count => Reading::Count { total: self.tally(signal, None).total },
            Aggregate::Sum => Reading::Sum { total: self.number_tally(signal)?.total },
            Aggregate::Mean => Reading::Mean { total: self.number_tally(signal)?.total },
            Aggregate::Std => {
                let (total, squares) = self.spread(signal)?;
                Reading::Std { total, squares }
            }
            Aggregate::Zscore => {
                let (total, squares) = self.spread(signal)?;
                Reading::Zscore { total, squares, value: self.number(of(signal)?) }
            }
            Aggregate::SmoothedRate => {
                let (prior, weight) = prior(signal)?;
                Reading::SmoothedRate { total: self.number_tally(signal)?.total, prior, weight }
            }
            Aggregate::Distinct => Reading::Distinct { slot: self.distinct(signal)? },
            Aggregate::SincePrevious => Reading::SincePrevious { previous: self.previous(signal, None) },
            Aggregate::FirstSeen => {
                let value = self.key(of(signal)?);
                let remembered = Remembered { only: self.flag(signal), of: Some(value) };
                let seen = place(&mut self.seen, |known| *known == remembered, || remembered);
                Reading::FirstSeen { seen, value }
            }
            Aggregate::Changed => {
                let value = self.key(of(signal)?);
                Reading::Changed { previous: self.previous(signal, Some(value)), value }
            }
        })
    }

    fn number(&mut self, column: &ColumnName) -> usize {
        let input = intern(&mut self.inputs.numbers, column);
        place(&mut self.uses.numbers, |known| *known == input, || input)
    }

    fn key(&mut self, column: &ColumnName) -> usize {
        let input = intern(&mut self.inputs.keys, column);
        place(&mut self.uses.keys, |known| *known == input, || input)
    }

    fn flag(&mut self, signal: &SignalSpec) -> Option<usize> {
        let input = intern(&mut self.inputs.flags, signal.only.as_ref()?);
        Some(place(&mut self.uses.flags, |known| *known == input, || input))
    }

    /// The places of the signal's delay, and of its frame among those of the delay.
    fn frame(&mut self, signal: &SignalSpec) -> (usize, usize) {
        let micros = signal.delay.map_or(0, Span::micros);
        let delay = place(&mut self.delays, |delay| delay.micros == micros, || Delay { micros, frames: Vec::new() });
        let micros = signal.window.map(Span::micros);
        let tail = &mut self.tails;
        let is_it = |frame: &Frame| frame.window.map(|window| window.micros) == micros;
        let frame = place(&mut self.delays[delay].frames, is_it, || {
            let window = micros.map(|micros| Window { micros, tail: *tail });
            *tail += usize::from(window.is_some());
            Frame { window, tallies: Vec::new(), distincts: Vec::new() }
        });
        (delay, frame)
    }

    /// All events of a window.
    fn length(&mut self, signal: &SignalSpec) -> Reading {
        let (delay, frame) = self.frame(signal);
        let tail = self.delays[delay].frames[frame].window.map_or(0, |window| window.tail);
        Reading::Length { head: delay, tail }
    }

    fn number_tally(&mut self, signal: &SignalSpec) -> Result<&mut Tally, PlanError> {
        let column = of(signal)?;
        Ok(self.tally(signal, Some(column)))
    }

    fn tally(&mut self, signal: &SignalSpec, of: Option<&ColumnName>) -> &mut Tally {
        let only = self.flag(signal).map(|flag| self.layout.keep_flag(flag));
        let of = of.map(|column| self.number(column));
        let of = of.map(|input| self.layout.keep_word(Source::Number(input)));
        let (delay, frame) = self.frame(signal);
        let tallies = &mut self.delays[delay].frames[frame].tallies;
        let total = &mut self.totals;
        let tally = place(
            tallies,
            |tally| tally.only == only && tally.of == of,
            || {
                *total += 1;
                Tally { only, of, total: *total - 1, squares: None }
            },
        );
        &mut tallies[tally]
    }

    /// A total and its sum of squares.
    fn spread(&mut self, signal: &SignalSpec) -> Result<(usize, usize), PlanError> {
        let new = self.squares;
        let tally = self.number_tally(signal)?;
        let (total, squares) = (tally.total, *tally.squares.get_or_insert(new));
        self.squares = self.squares.max(squares + 1);
        Ok((total, squares))
    }

    fn distinct(&mut self, signal: &SignalSpec) -> Result<usize, PlanError> {
        let only = self.flag(signal).map(|flag| self.layout.keep_flag(flag));
        let input = self.key(of(signal)?);
        let of = self.layout.keep_word(Source::Key(input));
        let (delay, frame) = self.frame(signal);
        let distincts = &mut self.delays[delay].frames[frame].distincts;
        let slot = &mut self.distincts;
        let distinct = place(
            distincts,
            |known| known.only == only && known.of == of,
            || {
                *slot += 1;
                DistinctOf { only, of, slot: *slot - 1 }
            },
        );
        Ok(distincts[distinct].slot)
    }

    /// A memory of the previous event; one without a value takes over the next value that is asked of it.
    fn previous(&mut self, signal: &SignalSpec, of: Option<usize>) -> usize {
        let only = self.flag(signal);
        let fits = |known: &Remembered| known.only == only && (of.is_none() || known.of.is_none() || known.of == of);
        let previous = place(&mut self.previous, fits, || Remembered { only, of });
        self.previous[previous].of = self.previous[previous].of.or(of);
        previous
    }
}

fn of(signal: &SignalSpec) -> Result<&ColumnName, PlanError> {
    signal.of.as_ref().ok_or_else(|| PlanError::NeedsColumn(signal.name.clone()))
}

fn prior(signal: &SignalSpec) -> Result<(f64, f64), PlanError> {
    match (signal.prior, signal.prior_weight) {
        (Some(prior), Some(weight)) if prior.is_finite() && weight.is_finite() && weight >= 0.0 => Ok((prior, weight)),
        _ => Err(PlanError::NeedsPrior(signal.name.clone())),
    }
}

/// Everything that decides a value goes in; descriptions and carried columns do not.
fn fingerprint(spec: &SignalsSpec) -> u64 {
    let mut text = format!("{}|{}\n", spec.id, spec.time);
    for entity in &spec.entities {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}|{}", entity.name, entity.key);
        for signal in &entity.signals {
            let SignalSpec { name, aggregate, of, window, delay, only, prior, prior_weight, about: _ } = signal;
            let (window, delay) = (window.map(Span::seconds), delay.map(Span::seconds));
            let prior = [prior, prior_weight].map(|number| number.map(f64::to_bits));
            let columns = [of, only].map(|column| column.as_ref().map(ColumnName::as_str));
            let _ = writeln!(text, " {name}|{aggregate:?}|{columns:?}|{window:?}|{delay:?}|{prior:?}");
        }
    }
    XxHash3_64::oneshot(text.as_bytes())
}
