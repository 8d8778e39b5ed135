//! Training rows as a family sees them: which are positive, and their numbers on demand.

use lakehouse_models::{BoundEncoder, Layout, Random};

use crate::families::FitError;

/// Labelled rows behind an encoder. Families ask for the matrix of the rows they fit on, so down-sampling saves memory too:
/// all 9 million rows by 60 numbers would be 4.3 GB.
#[derive(Debug, Clone, Copy)]
pub struct Examples<'a> {
    encoder: &'a BoundEncoder<'a>,
    rows: &'a [u32],
    labels: &'a [bool],
}

/// All positives and some negatives, in time order.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) rows: Vec<u32>,
    /// Share of the negatives that was kept.
    pub(crate) kept_share: f64,
}

impl<'a> Examples<'a> {
    /// `rows` in time order; `labels` by row number, not by position in `rows`.
    pub fn new(encoder: &'a BoundEncoder<'a>, rows: &'a [u32], labels: &'a [bool]) -> Self {
        Self { encoder, rows, labels }
    }

    /// The rows.
    pub fn rows(&self) -> &[u32] {
        self.rows
    }

    /// How many numbers a row has.
    pub fn width(&self) -> usize {
        self.encoder.width()
    }

    /// Is the row positive?
    pub fn label(&self, row: u32) -> bool {
        self.labels.get(row as usize).copied().unwrap_or(false)
    }

    /// Labels of `rows` as 0 and 1.
    pub fn targets(&self, rows: &[u32]) -> Vec<f64> {
        rows.iter().map(|row| f64::from(u8::from(self.label(*row)))).collect()
    }

    /// The numbers of `rows`; NaN is absent.
    pub fn matrix(&self, rows: &[u32], layout: Layout) -> Vec<f64> {
        self.encoder.matrix(rows, layout)
    }

    /// All positives and at most `per_positive` times as many negatives (but at least `at_least`), chosen by `random`, in time
    /// order. Refused unless there are both classes.
    pub(crate) fn sample(&self, per_positive: f64, at_least: usize, random: &mut Random) -> Result<Sample, FitError> {
        // Positions, not row numbers: time orders them, whatever order the rows arrived in.
        let is_positive = |position: &u32| self.rows.get(*position as usize).is_some_and(|row| self.label(*row));
        let (mut chosen, mut negatives): (Vec<u32>, Vec<u32>) = (0..).take(self.rows.len()).partition(is_positive);
        if chosen.is_empty() || negatives.is_empty() {
            return Err(FitError::SingleClass { rows: self.rows.len(), positives: chosen.len() });
        }
        let wanted = ((chosen.len() as f64 * per_positive).ceil() as usize).max(at_least).min(negatives.len());
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
