//! The definitions, written down once more without any cleverness: every row looks at every event.

use lakehouse_signals::Plan;
use lakehouse_spec::{Aggregate, EntitySpec, SignalSpec, SignalsSpec};

use crate::support::Purchase;

/// What every purchase sees, in the order of the outputs.
pub fn oracle(spec: &SignalsSpec, purchases: &[Purchase]) -> Vec<Vec<f64>> {
    purchases.iter().map(|purchase| one(spec, purchases, purchase)).collect()
}

/// What one purchase sees of the others.
pub fn one(spec: &SignalsSpec, purchases: &[Purchase], now: &Purchase) -> Vec<f64> {
    spec.signals().map(|(entity, signal)| value(entity, signal, purchases, now)).collect()
}

/// Do the two mean the same? Bit for bit, save where a square root was reached on another path.
pub fn agree(plan: &Plan, expected: &[f64], found: &[f64]) -> Result<(), String> {
    for ((output, expected), found) in plan.outputs().zip(expected).zip(found) {
        let name = output.name.as_str();
        let is_rough = name.starts_with("std") || name.starts_with("zscore");
        let is_near = is_rough && (expected - found).abs() <= 1e-9 * expected.abs().max(1.0);
        let are_absent = expected.is_nan() && found.is_nan() && output.nullable;
        if !(are_absent || is_near || expected.to_bits() == found.to_bits()) {
            return Err(format!("`{name}` should be {expected}, is {found}"));
        }
    }
    Ok(())
}

fn value(entity: &EntitySpec, signal: &SignalSpec, purchases: &[Purchase], now: &Purchase) -> f64 {
    let events = counted(entity, signal, purchases, now);
    let of = signal.of.as_ref().map_or("", |column| column.as_str());
    let numbers = || -> Vec<f64> { events.iter().map(|event| event.number(of)).filter(|number| !number.is_nan()).collect() };
    let latest = || events.iter().max_by_key(|event| (event.time, event.id));
    match signal.aggregate {
        Aggregate::Count => events.len() as f64,
        Aggregate::Sum => sum(&numbers()),
        Aggregate::Mean => mean(&numbers()),
        Aggregate::Std => deviation(&numbers()),
        Aggregate::Zscore => match deviation(&numbers()) {
            deviation if deviation.is_nan() || now.number(of).is_nan() => f64::NAN,
            deviation if deviation <= 1e-6 => 0.0,
            deviation => (now.number(of) - mean(&numbers())) / deviation,
        },
        Aggregate::Distinct => {
            let mut keys: Vec<_> = events.iter().map(|event| event.key(of)).filter(|key| !key.is_null()).collect();
            keys.sort();
            keys.dedup();
            keys.len() as f64
        }
        Aggregate::SincePrevious => latest().map_or(f64::NAN, |event| (now.time - event.time) as f64 / 1e6),
        Aggregate::FirstSeen => f64::from(!events.iter().any(|event| event.key(of) == now.key(of))),
        Aggregate::Changed => latest().map_or(0.0, |event| f64::from(event.key(of) != now.key(of))),
        Aggregate::SmoothedRate => {
            let (prior, weight) = (signal.prior.unwrap(), signal.prior_weight.unwrap());
            (sum(&numbers()) + prior * weight) / (numbers().len() as f64 + weight)
        }
    }
}

fn counted<'a>(entity: &EntitySpec, signal: &SignalSpec, purchases: &'a [Purchase], now: &Purchase) -> Vec<&'a Purchase> {
    let key = now.key(entity.key.as_str());
    let delay = signal.delay.map_or(0, |delay| delay.micros());
    let is_counted = |event: &&Purchase| {
        !key.is_null()
            && event.key(entity.key.as_str()) == key
            && event.time < now.time - delay
            && signal.window.is_none_or(|window| event.time >= now.time - window.micros())
            && signal.only.as_ref().is_none_or(|only| event.flag(only.as_str()))
    };
    purchases.iter().filter(is_counted).collect()
}

/// Test amounts are whole cents, which add up exactly.
fn cents(numbers: &[f64]) -> i64 {
    numbers.iter().map(|number| (number * 100.0).round() as i64).sum()
}

fn sum(numbers: &[f64]) -> f64 {
    cents(numbers) as f64 / 100.0
}

fn mean(numbers: &[f64]) -> f64 {
    cents(numbers) as f64 / (numbers.len() as f64 * 100.0)
}

fn deviation(numbers: &[f64]) -> f64 {
    if numbers.len() < 2 {
        return f64::NAN;
    }
    let mean = mean(numbers);
    let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
    (squares / (numbers.len() - 1) as f64).sqrt()
}
