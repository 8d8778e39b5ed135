//! What operators do today: limits on the latest values, and a score by how many are exceeded.

use lakehouse_models::Field;
use lakehouse_settings::NetworkSettings;
use serde::Serialize;
use utoipa::ToSchema;

use super::snapshot::Features;

/// The score for no violation, for one, for two, for more.
const SCORES: [f64; 4] = [0.1, 0.4, 0.7, 0.95];
/// A processor whose load has grown by more than this share raises the score,
const RISEN: f64 = 0.2;
/// by so much.
const RISE_ADDS: f64 = 0.1;
/// Changes beyond this are worth telling.
const TOLD: f64 = 0.1;
const WINDOWS: [&str; 3] = ["5m", "15m", "30m"];

/// A value over its limit.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Violation {
    /// Which value.
    pub metric: &'static str,
    /// What it is.
    pub value: f64,
    /// What it may be.
    pub threshold: f64,
    /// By how much it is more.
    pub excess: f64,
    #[serde(skip)]
    unit: &'static str,
}

/// A load that changes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Tendency {
    /// Which value.
    pub metric: &'static str,
    /// Over how long.
    pub window: &'static str,
    /// By which share of what it was.
    pub change: f64,
    /// `up` or `down`.
    pub direction: &'static str,
}

/// What the rules say.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Between 0 and 1.
    pub score: f64,
    /// Values over their limits.
    pub violations: Vec<Violation>,
    /// Loads that change.
    pub tendencies: Vec<Tendency>,
}

/// Value, limit and unit. The limits of the default settings are the baseline that the models of the domain have to beat.
fn limits(settings: &NetworkSettings) -> [(&'static str, f64, &'static str); 5] {
    [
        ("cpu", settings.cpu_limit, ""),
        ("mem", settings.mem_limit, ""),
        ("if_util", settings.if_util_limit, ""),
        ("pkt_err", settings.pkt_err_limit, ""),
        ("latency_ms", settings.latency_ms_limit, " ms"),
    ]
}

/// Judges the latest values. An absent one breaks no rule.
pub fn judge(features: &Features, settings: &NetworkSettings) -> Verdict {
    let number = |name: &str| match features.get(name) {
        Some(Field::Number(number)) => Some(*number),
        _ => None,
    };
    let violation = |(metric, threshold, unit): (&'static str, f64, &'static str)| {
        let value = number(&format!("{metric}_current")).filter(|value| *value > threshold)?;
        Some(Violation { metric, value, threshold, excess: value - threshold, unit })
    };
    let violations: Vec<Violation> = limits(settings).into_iter().filter_map(violation).collect();
    let tendency = |window| {
        let change = number(&format!("cpu_change_{window}")).filter(|change| change.abs() > TOLD)?;
        Some(Tendency { metric: "cpu", window, change, direction: if change > 0.0 { "up" } else { "down" } })
    };
    let tendencies: Vec<Tendency> = WINDOWS.into_iter().filter_map(tendency).collect();
    let has_risen = tendencies.iter().any(|tendency| tendency.change > RISEN);
    let score = SCORES.get(violations.len()).or(SCORES.last()).copied().unwrap_or(1.0);
    Verdict { score: (score + if has_risen { RISE_ADDS } else { 0.0 }).min(1.0), violations, tendencies }
}

impl Verdict {
    /// The same in sentences.
    pub fn reasons(&self) -> Vec<String> {
        let violations = self.violations.iter().map(|Violation { metric, value, threshold, unit, .. }| {
            format!("`{metric}` = {value}{unit} exceeds its limit of {threshold}{unit}")
        });
        let risen = self.tendencies.iter().filter(|tendency| tendency.change > RISEN).take(1);
        let risen = risen.map(|Tendency { metric, window, change, .. }| {
            format!("`{metric}` has risen by {:.0} % in the last {window}", change * 100.0)
        });
        let reasons: Vec<String> = violations.chain(risen).collect();
        if reasons.is_empty() { vec!["every value is within its limit".to_owned()] } else { reasons }
    }
}

#[cfg(test)]
mod tests {
    use lakehouse_settings::{Overrides, Settings};

    use super::*;

    fn features(values: &[(&str, f64)]) -> Features {
        values.iter().map(|(name, value)| ((*name).to_owned(), Field::Number(*value))).collect()
    }

    #[test]
    fn scores_are_those_of_the_table() {
        let settings = Settings::load(None, Overrides::default()).expect("defaults").networks;
        for (values, expected) in [
            (&[("cpu_current", 0.85), ("latency_ms_current", 100.0)][..], 0.1),
            (&[("cpu_current", 0.851)], 0.4),
            (&[("cpu_current", 0.9), ("mem_current", 0.91)], 0.7),
            (&[("cpu_current", 0.9), ("mem_current", 0.91), ("pkt_err_current", 0.06)], 0.95),
            (&[("cpu_current", 0.9), ("mem_current", 0.91), ("pkt_err_current", 0.06), ("cpu_change_15m", 0.21)], 1.0),
            (&[("cpu_change_5m", 0.21), ("cpu_change_30m", 0.5)], 0.2),
            (&[("cpu_change_5m", 0.2)], 0.1),
        ] {
            let score = judge(&features(values), &settings).score;
            assert!((score - expected).abs() < 1e-12, "{values:?}: {score}");
        }
    }
}
