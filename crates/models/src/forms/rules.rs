//! Rules of thumb: limits, and a score by how many of them a row exceeds.

use serde::{Deserialize, Serialize};

use super::FormError;

/// More rules than this are no rules of thumb; contributions take two to the power of those a row breaks.
const MOST: usize = 16;

/// Checked rules. An absent number breaks none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RulesParts", into = "RulesParts")]
pub struct Rules(RulesParts);

/// Rules as they are written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesParts {
    /// How many numbers a row has.
    pub width: u32,
    /// What counts as a violation.
    pub limits: Vec<Limit>,
    /// The score for no violation, for one, and so on; the last also for more.
    pub scores: Vec<f64>,
    /// What raises the score beside that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trend: Option<Trend>,
}

/// A number and the most it may be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// The number.
    pub number: u32,
    /// Above this it is a violation.
    pub above: f64,
}

/// Numbers of which one is enough to raise the score, once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trend {
    /// The numbers.
    pub numbers: Vec<u32>,
    /// Above this they count.
    pub above: f64,
    /// What is added to the score, which stays at most 1.
    pub adds: f64,
}

impl Rules {
    /// How many numbers it takes.
    pub fn width(&self) -> usize {
        self.0.width as usize
    }

    /// The rules.
    pub fn parts(&self) -> &RulesParts {
        &self.0
    }

    pub(super) fn score(&self, numbers: &[f64]) -> f64 {
        let violations = self.0.limits.iter().filter(|limit| exceeds(numbers, limit.number, limit.above)).count();
        self.of(violations, self.trending(numbers).next().is_some())
    }

    /// The score without any violation, and the exact Shapley values of those a row has.
    pub(super) fn contributions(&self, numbers: &[f64], out: &mut [f64]) -> f64 {
        let broken: Vec<u32> =
            self.0.limits.iter().filter(|limit| exceeds(numbers, limit.number, limit.above)).map(|limit| limit.number).collect();
        let players: Vec<(u32, bool)> =
            broken.into_iter().map(|number| (number, false)).chain(self.trending(numbers).map(|number| (number, true))).collect();
        let value = |coalition: u32| {
            let members = || players.iter().enumerate().filter(move |(place, _)| coalition & (1 << place) != 0);
            let violations = members().filter(|(_, (_, is_trend))| !is_trend).count();
            self.of(violations, members().any(|(_, (_, is_trend))| *is_trend))
        };
        let weights = weights(players.len());
        for (place, (number, _)) in players.iter().enumerate() {
            let others = (0..1_u32 << players.len()).filter(|coalition| coalition & (1 << place) == 0);
            let gain = |coalition: u32| {
                let weight = weights.get(coalition.count_ones() as usize).copied().unwrap_or(0.0);
                weight * (value(coalition | 1 << place) - value(coalition))
            };
            if let Some(out) = out.get_mut(*number as usize) {
                *out += others.map(gain).sum::<f64>();
            }
        }
        self.of(0, false)
    }

    fn trending(&self, numbers: &[f64]) -> impl Iterator<Item = u32> {
        let trend = self.0.trend.iter();
        trend.flat_map(move |trend| trend.numbers.iter().copied().filter(move |number| exceeds(numbers, *number, trend.above)))
    }

    fn of(&self, violations: usize, is_trending: bool) -> f64 {
        let scores = &self.0.scores;
        let score = scores.get(violations).or(scores.last()).copied().unwrap_or(0.0);
        let adds = self.0.trend.as_ref().filter(|_| is_trending).map_or(0.0, |trend| trend.adds);
        (score + adds).min(1.0)
    }
}

fn exceeds(numbers: &[f64], number: u32, above: f64) -> bool {
    numbers.get(number as usize).is_some_and(|number| *number > above)
}

/// What a coalition of each size weighs among so many players: one over the number of its equals, one over all sizes.
fn weights(players: usize) -> Vec<f64> {
    let mut weights = Vec::with_capacity(players);
    let mut equals = 1.0;
    for size in 0..players {
        weights.push(1.0 / (players as f64 * equals));
        equals *= (players - 1 - size) as f64 / (size + 1) as f64;
    }
    weights
}

impl TryFrom<RulesParts> for Rules {
    type Error = FormError;

    fn try_from(parts: RulesParts) -> Result<Self, FormError> {
        let trends = parts.trend.iter().flat_map(|trend| trend.numbers.iter().copied());
        let numbers: Vec<u32> = parts.limits.iter().map(|limit| limit.number).chain(trends).collect();
        if numbers.len() > MOST {
            return Err(FormError::Range { name: "limits", rule: "at most sixteen, trends included" });
        }
        if let Some((node, number)) = numbers.iter().enumerate().find(|(_, number)| **number >= parts.width) {
            return Err(FormError::Feature { node, feature: *number, width: parts.width });
        }
        let limits =
            parts.limits.iter().map(|limit| limit.above).chain(parts.trend.iter().flat_map(|trend| [trend.above, trend.adds]));
        if !limits.into_iter().all(f64::is_finite) {
            return Err(FormError::NotFinite("limits"));
        }
        let is_score = |score: &f64| (0.0..=1.0).contains(score);
        if parts.scores.is_empty() || !parts.scores.iter().all(is_score) || parts.trend.iter().any(|trend| !is_score(&trend.adds))
        {
            return Err(FormError::Range { name: "scores", rule: "at least one, between 0 and 1" });
        }
        Ok(Self(parts))
    }
}

impl From<Rules> for RulesParts {
    fn from(rules: Rules) -> Self {
        rules.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rules of the system this one replaces, over cpu, mem, if_util, pkt_err, latency and three trends of cpu.
    fn rules() -> Rules {
        let above = [0.85, 0.90, 0.80, 0.05, 100.0];
        let limits = (0..).zip(above).map(|(number, above)| Limit { number, above }).collect();
        let trend = Some(Trend { numbers: vec![5, 6, 7], above: 0.2, adds: 0.1 });
        Rules::try_from(RulesParts { width: 8, limits, scores: vec![0.1, 0.4, 0.7, 0.95], trend }).expect("valid")
    }

    #[test]
    fn violations_are_counted_and_a_trend_adds_once() {
        let nan = f64::NAN;
        for (numbers, expected) in [
            ([0.85, 0.90, 0.80, 0.05, 100.0, 0.2, 0.2, 0.2], 0.1),
            ([0.86, nan, nan, nan, nan, nan, nan, nan], 0.4),
            ([0.86, 0.91, 0.5, 0.0, 1.0, 0.0, 0.0, 0.0], 0.7),
            ([0.86, 0.91, 0.81, 0.0, 1.0, 0.0, 0.0, 0.0], 0.95),
            ([0.86, 0.91, 0.81, 0.06, 101.0, 0.0, 0.0, 0.0], 0.95),
            ([0.1, 0.1, 0.1, 0.0, 1.0, 0.3, 0.0, 0.0], 0.2),
            ([0.1, 0.1, 0.1, 0.0, 1.0, 0.3, 0.3, 0.3], 0.2),
            ([0.86, 0.91, 0.81, 0.0, 1.0, 0.3, 0.0, 0.0], 1.0),
        ] {
            assert!((rules().score(&numbers) - expected).abs() < 1e-12, "{numbers:?}: {}", rules().score(&numbers));
        }
    }

    #[test]
    fn contributions_add_up_and_equal_rules_get_equal_parts() {
        let numbers = [0.86, 0.91, 0.81, 0.0, 1.0, 0.3, 0.0, 0.3];
        let mut parts = vec![0.0; 8];
        let base = rules().contributions(&numbers, &mut parts);
        assert!((base + parts.iter().sum::<f64>() - rules().score(&numbers)).abs() < 1e-12);
        assert!((parts[0] - parts[1]).abs() < 1e-12 && (parts[5] - parts[7]).abs() < 1e-12);
        assert_eq!((parts[3], parts[4], parts[6]), (0.0, 0.0, 0.0));
    }

    #[test]
    fn rules_that_cannot_be_scored_are_refused() {
        let good = RulesParts::from(rules());
        let limit = |number, above| vec![Limit { number, above }];
        for bad in [
            RulesParts { limits: limit(8, 1.0), ..good.clone() },
            RulesParts { limits: limit(0, f64::NAN), ..good.clone() },
            RulesParts { limits: (0..17).map(|_| Limit { number: 0, above: 1.0 }).collect(), ..good.clone() },
            RulesParts { scores: vec![], ..good.clone() },
            RulesParts { scores: vec![1.1], ..good.clone() },
        ] {
            Rules::try_from(bad.clone()).expect_err(&format!("{bad:?}"));
        }
    }
}
