//! The rows a model is trained and tested on, and their split by time.

use std::cmp::Ordering;

use lakehouse_models::{Column, Columns, SplitPart, TextColumn};

/// Rows in any order: a time, a label where it is known, and the input columns.
#[derive(Debug, Clone)]
pub struct TrainingRows {
    times: Vec<i64>,
    labels: Vec<Option<bool>>,
    columns: Columns,
}

/// Rows that do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there are {times} times, {labels} labels and {rows} rows of inputs")]
pub struct RowsError {
    times: usize,
    labels: usize,
    rows: usize,
}

impl TrainingRows {
    /// Times in microseconds since 1970; a row without a label is not used.
    pub fn new(times: Vec<i64>, labels: Vec<Option<bool>>, columns: Columns) -> Result<Self, RowsError> {
        if times.len() == columns.rows() && labels.len() == columns.rows() {
            Ok(Self { times, labels, columns })
        } else {
            Err(RowsError { times: times.len(), labels: labels.len(), rows: columns.rows() })
        }
    }

    /// The input columns.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// A row's time.
    pub(crate) fn time(&self, row: u32) -> i64 {
        self.times.get(row as usize).copied().unwrap_or(i64::MAX)
    }

    /// Labels by row number; false where none is known.
    pub(crate) fn labels(&self) -> Vec<bool> {
        self.labels.iter().map(|label| label.unwrap_or(false)).collect()
    }

    /// Numbers of the labelled rows, the earliest first. Rows of one instant are ordered by label and inputs, so the order
    /// the rows came in (Delta files have none) changes nothing: rows that still tie are equal.
    pub(crate) fn labelled_in_time_order(&self, inputs: &[&str]) -> Vec<u32> {
        let rows = (0_u32..).zip(&self.labels).filter(|(_, label)| label.is_some()).map(|(row, _)| row);
        let mut rows: Vec<u32> = rows.collect();
        let columns: Vec<&Column> = inputs.iter().filter_map(|input| self.columns.get(input)).collect();
        let key = |row: u32| (self.times.get(row as usize), self.labels.get(row as usize));
        rows.sort_unstable_by(|one, other| {
            let by_inputs = || columns.iter().map(|column| compare(column, *one as usize, *other as usize));
            key(*one).cmp(&key(*other)).then_with(|| by_inputs().find(|order| order.is_ne()).unwrap_or(Ordering::Equal))
        });
        rows
    }

    /// Where the test part begins in `rows`, which are in time order: at the latest `test_share` of them, moved back so that
    /// rows of one instant stay together.
    pub(crate) fn test_start(&self, rows: &[u32], test_share: f64) -> usize {
        let cut = rows.len() - (rows.len() as f64 * test_share).round() as usize;
        let time = |row: &u32| self.times.get(*row as usize).copied();
        let cut_time = rows.get(cut.min(rows.len().saturating_sub(1))).and_then(time);
        rows.partition_point(|row| time(row) < cut_time)
    }

    /// What the manifest says of a part of the rows, which are in time order.
    pub(crate) fn part(&self, rows: &[u32]) -> SplitPart {
        let time = |row: Option<&u32>| row.and_then(|row| self.times.get(*row as usize)).copied().unwrap_or(0);
        let is_positive = |row: &&u32| self.labels.get(**row as usize) == Some(&Some(true));
        let positives = rows.iter().filter(is_positive).count();
        SplitPart { rows: rows.len(), positives, from: time(rows.first()), to: time(rows.last()) }
    }
}

fn compare(column: &Column, one: usize, other: usize) -> Ordering {
    match column {
        Column::Number(numbers) => match (numbers.get(one), numbers.get(other)) {
            (Some(one), Some(other)) => one.total_cmp(other),
            (one, other) => one.is_some().cmp(&other.is_some()),
        },
        Column::Flag(flags) => flags.get(one).cmp(&flags.get(other)),
        Column::Text(texts) => TextColumn::get(texts, one).cmp(&texts.get(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(times: Vec<i64>, labels: Vec<Option<bool>>, numbers: Vec<f64>) -> TrainingRows {
        let columns = Columns::new(vec![("amount".into(), Column::Number(numbers))]).expect("one column");
        TrainingRows::new(times, labels, columns).expect("fit together")
    }

    #[test]
    fn unlabelled_rows_are_left_out_and_ties_do_not_depend_on_arrival() {
        let (no, yes) = (Some(false), Some(true));
        let given = rows(vec![5, 3, 5, 5, 1], vec![no, yes, no, yes, None], vec![2.0, 0.0, 1.0, 0.5, 9.0]);
        assert_eq!(given.labelled_in_time_order(&["amount"]), [1, 2, 0, 3]);
    }

    #[test]
    fn rows_of_one_instant_stay_on_one_side() {
        let given = rows(vec![1, 2, 2, 2, 3], vec![Some(true); 5], vec![0.0; 5]);
        let order = given.labelled_in_time_order(&[]);
        assert_eq!(given.test_start(&order, 0.2), 4);
        assert_eq!(given.test_start(&order, 0.4), 1);
        assert_eq!(given.test_start(&order, 0.6), 1);
        assert_eq!(given.test_start(&order, 0.99), 0);
        let part = given.part(&order[1..]);
        assert_eq!((part.rows, part.positives, part.from, part.to), (4, 4, 2, 3));
        assert_eq!(given.test_start(&[], 0.5), 0);
    }

    #[test]
    fn rows_that_do_not_fit_together_are_refused() {
        let columns = Columns::new(vec![]).expect("no column");
        assert_eq!(TrainingRows::new(vec![1], vec![], columns).expect_err("refused"), RowsError { times: 1, labels: 0, rows: 0 });
    }
}
