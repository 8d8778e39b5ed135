//! The penalised, weighted logistic loss and its gradient over a dense matrix.
//!
//! Value and gradient come from one pass over the rows, on all cores, and the last pass is remembered: smartcore's L-BFGS asks
//! for both at the same point, several times. Rows are summed in fixed blocks and blocks in their order, so the result does not
//! depend on how many cores there are.

use std::{cell::RefCell, thread};

/// Rows whose sums are taken together.
const BLOCK_ROWS: usize = 4096;
const LANES: usize = 8;

/// Standardised rows with a label and a weight each.
#[derive(Debug)]
pub(super) struct LogisticLoss<'a> {
    /// Row-major.
    pub(super) matrix: &'a [f64],
    pub(super) width: usize,
    pub(super) labels: &'a [f64],
    pub(super) weights: &'a [f64],
    /// Strength of the penalty on squared coefficients; the intercept has none.
    pub(super) l2: f64,
    pub(super) threads: usize,
}

/// The loss with the last point it was asked for.
#[derive(Debug)]
pub(super) struct Remembered<'a> {
    loss: &'a LogisticLoss<'a>,
    last: RefCell<Option<Point>>,
}

/// A point and what the loss is there.
#[derive(Debug, Clone, Default)]
struct Point {
    coefficients: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

impl<'a> Remembered<'a> {
    pub(super) fn new(loss: &'a LogisticLoss<'a>) -> Self {
        Self { loss, last: RefCell::default() }
    }

    /// Mean loss at `coefficients`, the last of which is the intercept.
    pub(super) fn value(&self, coefficients: &[f64]) -> f64 {
        self.with_point(coefficients, |point| point.value)
    }

    /// Its gradient.
    pub(super) fn gradient(&self, coefficients: &[f64], gradient: &mut Vec<f64>) {
        self.with_point(coefficients, |point| gradient.clone_from(&point.gradient));
    }

    fn with_point<R>(&self, coefficients: &[f64], read: impl FnOnce(&Point) -> R) -> R {
        let mut last = self.last.borrow_mut();
        match &*last {
            Some(point) if point.coefficients == coefficients => read(point),
            _ => read(last.insert(self.loss.compute(coefficients))),
        }
    }
}

impl LogisticLoss<'_> {
    fn compute(&self, coefficients: &[f64]) -> Point {
        let blocks = self.labels.len().div_ceil(BLOCK_ROWS);
        let workers = self.threads.clamp(1, blocks.max(1));
        let share = |worker: usize| -> Vec<(usize, Point)> {
            (worker..blocks).step_by(workers).map(|block| (block, self.block(block, coefficients))).collect()
        };
        let mut sums: Vec<(usize, Point)> = thread::scope(|scope| {
            let handles: Vec<_> = (1..workers).map(|worker| scope.spawn(move || share(worker))).collect();
            let mut sums = share(0);
            // A worker only adds numbers; if one is lost all the same, not-a-number makes the fit fail below.
            let lost = || vec![(usize::MAX, Point { value: f64::NAN, ..Point::default() })];
            sums.extend(handles.into_iter().flat_map(|handle| handle.join().unwrap_or_else(|_| lost())));
            sums
        });
        sums.sort_by_key(|(block, _)| *block);

        let total: f64 = self.weights.iter().sum();
        let (slopes, intercept) = coefficients.split_at(self.width);
        let penalty = 0.5 * self.l2 * slopes.iter().map(|slope| slope * slope).sum::<f64>();
        let mut gradient: Vec<f64> = slopes.iter().map(|slope| self.l2 * slope).chain(intercept.iter().map(|_| 0.0)).collect();
        let mut value = penalty;
        for (_, sum) in &sums {
            value += sum.value;
            gradient.iter_mut().zip(&sum.gradient).for_each(|(total, part)| *total += part);
        }
        gradient.iter_mut().for_each(|part| *part /= total);
        Point { coefficients: coefficients.to_vec(), value: value / total, gradient }
    }

    /// Sums over one block of rows.
    fn block(&self, block: usize, coefficients: &[f64]) -> Point {
        let rows = block * BLOCK_ROWS..((block + 1) * BLOCK_ROWS).min(self.labels.len());
        let (slopes, intercept) = coefficients.split_at(self.width);
        let intercept = intercept.first().copied().unwrap_or(0.0);
        let mut value = 0.0;
        let mut gradient = vec![0.0; coefficients.len()];
        let numbers = &self.matrix[rows.start * self.width..rows.end * self.width];
        let targets = self.labels[rows.clone()].iter().zip(&self.weights[rows]);
        for (numbers, (label, weight)) in numbers.chunks_exact(self.width.max(1)).zip(targets) {
            let log_odds = intercept + dot(numbers, slopes);
            value += weight * (log_odds.max(0.0) + (-log_odds.abs()).exp().ln_1p() - label * log_odds);
            let error = weight * (1.0 / (1.0 + (-log_odds).exp()) - label);
            gradient.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += error * number);
            if let Some(sum) = gradient.last_mut() {
                *sum += error;
            }
        }
        Point { coefficients: Vec::new(), value, gradient }
    }
}

/// The dot product in lanes that the processor can add at once; plain summation must go one by one.
fn dot(one: &[f64], other: &[f64]) -> f64 {
    let (one_lanes, one_rest) = one.as_chunks::<LANES>();
    let (other_lanes, other_rest) = other.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (one, other) in one_lanes.iter().zip(other_lanes) {
        for lane in 0..LANES {
            sums[lane] += one[lane] * other[lane];
        }
    }
    let rest: f64 = one_rest.iter().zip(other_rest).map(|(one, other)| one * other).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_is_the_slope_of_the_value() {
        let matrix: Vec<f64> = (0..5000 * 9).map(|n| f64::from(n * 37 % 101) / 50.0 - 1.0).collect();
        let labels: Vec<f64> = (0..5000).map(|n| f64::from(u8::from(n % 7 == 0))).collect();
        let weights: Vec<f64> = (0..5000).map(|n| 1.0 + f64::from(n % 3)).collect();
        let loss = LogisticLoss { matrix: &matrix, width: 9, labels: &labels, weights: &weights, l2: 2.0, threads: 2 };
        let loss = Remembered::new(&loss);
        let point: Vec<f64> = (0..10).map(|n| 0.3 - 0.1 * f64::from(n)).collect();
        let mut gradient = Vec::new();
        loss.gradient(&point, &mut gradient);
        for position in 0..10 {
            let moved = |step: f64| {
                let mut point = point.clone();
                point[position] += step;
                loss.value(&point)
            };
            let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            assert!((slope - gradient[position]).abs() < 1e-8, "{position}: {slope} and {}", gradient[position]);
        }
    }
}
