//! Training rows as a family sees them: which are positive, and their numbers on demand.

use std::{num::NonZeroUsize, thread};

use lakehouse_models::{BoundEncoder, Layout, Random};

use crate::families::FitError;

/// Labelled rows behind an encoder. Families ask for the matrix of the rows they fit on, so down-sampling saves memory too:
/// all 9 million rows by 60 numbers would be 4.3 GB.
#[derive(Debug, Clone, Copy)]
pub struct Examples<'a> {
    encoder: &'a BoundEncoder<'a>,
    rows: &'a [u32],
    labels: &'a [bool],
    threads: usize,
}

/// Negatives that families fit on for every positive unless told otherwise. More of them change little and cost as much
/// as the rows they are; `docs/decisions/002-model-families.md` has the figures.
pub(crate) const NEGATIVES_PER_POSITIVE: f64 = 100.0;
/// Fewer negatives than this are never left out: there is no time to gain.
const MIN_NEGATIVES: usize = 20_000;

/// All positives and some negatives, in time order.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) rows: Vec<u32>,
    /// Share of the negatives that was kept.
    pub(crate) kept_share: f64,
}

impl Sample {
    /// Weights with which the sample stands for all rows, given its labels as 0 and 1.
    pub(crate) fn weights(&self, labels: &[f64]) -> Vec<f64> {
        labels.iter().map(|label| if *label > 0.0 { 1.0 } else { 1.0 / self.kept_share }).collect()
    }
}

impl<'a> Examples<'a> {
    /// `rows` in time order; `labels` by row number, not by position in `rows`.
    pub fn new(encoder: &'a BoundEncoder<'a>, rows: &'a [u32], labels: &'a [bool]) -> Self {
        Self { encoder, rows, labels, threads: thread::available_parallelism().map_or(1, NonZeroUsize::get) }
    }

    /// Fits on so many threads instead of one for each core; what is fitted does not depend on it.
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads: threads.max(1), ..self }
    }

    /// Threads to fit on.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The rows.
    pub fn rows(&self) -> &[u32] {
        self.rows
    }

    /// How many numbers a row has.
    pub fn width(&self) -> usize {
        self.encoder.width()
    }

    /// What the numbers are called.
    pub fn names(&self) -> &[String] {
        self.encoder.names()
    }

    /// Is the row positive?
    pub fn label(&self, row: u32) -> bool {
        self.labels.get(row as usize).copied().unwrap_or(false)
    }

    /// The number of positive rows.
    pub fn positives(&self) -> usize {
        self.rows.iter().filter(|row| self.label(**row)).count()
    }

    /// Labels of `rows` as 0 and 1.
    pub fn targets(&self, rows: &[u32]) -> Vec<f64> {
        rows.iter().map(|row| f64::from(u8::from(self.label(*row)))).collect()
    }

    /// The numbers of `rows`; NaN is absent.
    pub fn matrix(&self, rows: &[u32], layout: Layout) -> Vec<f64> {
        self.encoder.matrix(rows, layout)
    }

    /// All positives and `per_positive` times as many negatives, chosen by `random`. Refused unless there are both classes.
    pub(crate) fn sample(&self, per_positive: f64, random: &mut Random) -> Result<Sample, FitError> {
        // Positions, not row numbers: time orders them, whatever order the rows arrived in.
        let is_positive = |position: &u32| self.rows.get(*position as usize).is_some_and(|row| self.label(*row));
        let (mut chosen, mut negatives): (Vec<u32>, Vec<u32>) = (0..).take(self.rows.len()).partition(is_positive);
        if chosen.is_empty() || negatives.is_empty() {
            return Err(FitError::SingleClass { rows: self.rows.len(), positives: chosen.len() });
        }
        let wanted = ((chosen.len() as f64 * per_positive).ceil() as usize).max(MIN_NEGATIVES).min(negatives.len());
        let kept_share = wanted as f64 / negatives.len() as f64;
        if wanted < negatives.len() {
            random.choose_front(&mut negatives, wanted);
            negatives.truncate(wanted);
        }
        chosen.append(&mut negatives);
        chosen.sort_unstable();
        let rows = chosen.iter().filter_map(|position| self.rows.get(*position as usize).copied()).collect();
        Ok(Sample { rows, kept_share })
    }
}
