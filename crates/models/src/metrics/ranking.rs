//! Metrics of the order that scores put rows in.

use serde::{Deserialize, Serialize};

/// Scores and labels, sorted once, the highest score first.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// By rank.
    pub(super) labels: Vec<bool>,
    /// Rows of equal score, one after the other.
    pub(super) groups: Vec<Group>,
    positives: usize,
}

/// Rows of one score: those from the end of the group before up to `end`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) score: f64,
    pub(super) end: usize,
    /// Positives up to `end`.
    found: usize,
}

/// What happens when every row that scores above `threshold` is an alert. A ratio of nothing is 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AtThreshold {
    /// Alerts score above this.
    pub threshold: f64,
    /// Share of the alerts that are positive.
    pub precision: f64,
    /// Share of the positives that are alerts.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Share of the rows that are judged right.
    pub accuracy: f64,
}

/// What happens when a fixed share of the rows, the highest scores, are alerts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AlertRate {
    /// Share of the rows.
    pub rate: f64,
    /// The number of rows, at least one.
    pub alerts: usize,
    /// The lowest score among the alerts.
    pub threshold: f64,
    /// Share of the positives that are alerts; among rows of equal score, what a random choice finds on average.
    pub recall: f64,
    /// Share of the alerts that are positive.
    pub precision: f64,
}

/// A point of the precision-recall curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Rows that score at least this are alerts.
    pub threshold: f64,
    /// Share of the positives found.
    pub recall: f64,
    /// Share of the alerts that are positive.
    pub precision: f64,
}

impl Ranking {
    /// Sorts the rows; a score that is not a number ranks last. Rows beyond the shorter list are left out.
    pub fn new(scores: &[f64], labels: &[bool]) -> Self {
        let clean = |score: f64| if score.is_nan() { f64::NEG_INFINITY } else { score + 0.0 };
        let mut rows: Vec<(f64, bool)> = scores.iter().map(|score| clean(*score)).zip(labels.iter().copied()).collect();
        rows.sort_unstable_by(|one, other| other.0.total_cmp(&one.0));
        let mut groups: Vec<Group> = Vec::new();
        let mut found = 0;
        for (rank, (score, label)) in rows.iter().enumerate() {
            found += usize::from(*label);
            match groups.last_mut() {
                Some(group) if group.score == *score => (group.end, group.found) = (rank + 1, found),
                _ => groups.push(Group { score: *score, end: rank + 1, found }),
            }
        }
        Self { labels: rows.into_iter().map(|(_, label)| label).collect(), groups, positives: found }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// The number of positive rows.
    pub fn positives(&self) -> usize {
        self.positives
    }

    /// Average precision: precision at each score, weighted by the recall it adds, without interpolation. 0 without positives.
    pub fn average_precision(&self) -> f64 {
        let mut before = 0;
        let area = self.groups.iter().fold(0.0, |area, group| {
            let gained = group.found - before;
            before = group.found;
            area + gained as f64 * share(group.found, group.end)
        });
        if self.positives == 0 { 0.0 } else { area / self.positives as f64 }
    }

    /// Area under the ROC curve: how often a positive outranks a negative, equal scores counting half. 0.5 without one of them.
    pub fn roc_auc(&self) -> f64 {
        let negatives = self.rows() - self.positives;
        if self.positives == 0 || negatives == 0 {
            return 0.5;
        }
        let (mut end, mut found, mut won) = (0, 0, 0.0);
        for group in &self.groups {
            let positives = group.found - found;
            let missed = group.end - end - positives;
            won += missed as f64 * (found as f64 + positives as f64 / 2.0);
            (end, found) = (group.end, group.found);
        }
        won / (self.positives as f64 * negatives as f64)
    }

    /// Alerts above a threshold.
    pub fn at_threshold(&self, threshold: f64) -> AtThreshold {
        let above = self.groups.partition_point(|group| group.score > threshold);
        let last = above.checked_sub(1).and_then(|position| self.groups.get(position));
        let (alerts, hits) = last.map_or((0, 0), |group| (group.end, group.found));
        let right = hits + (self.rows() - alerts - (self.positives - hits));
        AtThreshold {
            threshold,
            precision: share(hits, alerts),
            recall: share(hits, self.positives),
            f1: share(2 * hits, alerts + self.positives),
            accuracy: share(right, self.rows()),
        }
    }

    /// Alerts for a fixed share of the rows.
    pub fn at_alert_rate(&self, rate: f64) -> AlertRate {
        let alerts = ((self.rows() as f64 * rate).round() as usize).clamp(usize::from(self.rows() > 0), self.rows());
        let position = self.groups.partition_point(|group| group.end < alerts);
        let before = position.checked_sub(1).and_then(|position| self.groups.get(position));
        let (end, found) = before.map_or((0, 0), |group| (group.end, group.found));
        let Some(group) = self.groups.get(position) else {
            return AlertRate { rate, alerts: 0, threshold: 0.0, recall: 0.0, precision: 0.0 };
        };
        let hits = found as f64 + (alerts - end) as f64 * share(group.found - found, group.end - end);
        let recall = if self.positives == 0 { 0.0 } else { hits / self.positives as f64 };
        AlertRate { rate, alerts, threshold: group.score, recall, precision: hits / alerts as f64 }
    }

    /// The precision-recall curve from the highest score down, thinned to about `points` points evenly spaced in recall.
    pub fn curve(&self, points: usize) -> Vec<CurvePoint> {
        let step = 1.0 / points.max(1) as f64;
        let mut curve: Vec<CurvePoint> = Vec::new();
        let mut next_recall = 0.0;
        for (position, group) in self.groups.iter().enumerate() {
            let recall = share(group.found, self.positives);
            let is_last = position + 1 == self.groups.len();
            if recall >= next_recall || is_last {
                curve.push(CurvePoint { threshold: group.score, recall, precision: share(group.found, group.end) });
                next_recall = recall + step;
            }
        }
        curve
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
