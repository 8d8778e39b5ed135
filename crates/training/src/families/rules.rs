//! Rules of thumb: nothing is fitted but, where no limit is given, the limits. The baseline that a model has to beat.

use std::collections::BTreeMap;

use lakehouse_models::{Layout, Limit, Rules, RulesParts, ScoringForm, Trend};
use serde::{Deserialize, Serialize};

use super::{
    FitError, ModelFamily, ParameterError, Trainer,
    parameters::{Parameters, read, to_map},
};
use crate::Examples;

const NAME: &str = "rules";
/// Where limits lie that are not given: so much of the training rows does not exceed them.
const USUAL: f64 = 0.99;
/// Numbers that get a limit of their own when none is given.
const MOST_LIMITS: usize = 8;

/// The family `rules`.
#[derive(Debug)]
pub struct RulesOfThumb;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RulesTrainer {
    /// Number → above this it is a violation. Without any, the first inputs' 99th percentiles.
    limits: BTreeMap<String, f64>,
    /// The score for no violation, for one, and so on; the last also for more.
    scores: Vec<f64>,
    /// Numbers of which one above `trend_above` adds `trend_adds`.
    trend: Vec<String>,
    /// See `trend`.
    trend_above: f64,
    /// See `trend`.
    trend_adds: f64,
}

impl Default for RulesTrainer {
    fn default() -> Self {
        let scores = vec![0.1, 0.4, 0.7, 0.95];
        Self { limits: BTreeMap::new(), scores, trend: Vec::new(), trend_above: 0.2, trend_adds: 0.1 }
    }
}

impl Parameters for RulesTrainer {
    fn ranges(&self) -> Vec<(&'static str, bool, &'static str)> {
        let is_score = |score: &f64| (0.0..=1.0).contains(score);
        let is_rising = self.scores.is_sorted() && !self.scores.is_empty();
        vec![
            ("limits", self.limits.values().all(|limit| limit.is_finite()), "finite"),
            ("scores", is_rising && self.scores.iter().all(is_score), "between 0 and 1, never falling"),
            ("trend_above", self.trend_above.is_finite(), "finite"),
            ("trend_adds", is_score(&self.trend_adds), "between 0 and 1"),
        ]
    }
}

impl ModelFamily for RulesOfThumb {
    fn name(&self) -> &'static str {
        NAME
    }

    fn is_supervised(&self) -> bool {
        false
    }

    fn check(&self, parameters: &toml::Table) -> Result<Box<dyn Trainer>, ParameterError> {
        Ok(Box::new(read::<RulesTrainer>(NAME, parameters)?))
    }
}

impl Trainer for RulesTrainer {
    fn parameters(&self) -> BTreeMap<String, serde_json::Value> {
        to_map(self)
    }

    fn fit(&self, examples: &Examples<'_>, _seed: u64) -> Result<ScoringForm, FitError> {
        let number = |name: &String| {
            let place = examples.names().iter().position(|known| known == name);
            place.and_then(|place| u32::try_from(place).ok()).ok_or_else(|| FitError::UnknownNumber(name.clone()))
        };
        let limits = if self.limits.is_empty() {
            usual_limits(examples)
        } else {
            let limit = |(name, above): (&String, &f64)| Ok(Limit { number: number(name)?, above: *above });
            self.limits.iter().map(limit).collect::<Result<_, FitError>>()?
        };
        let numbers = self.trend.iter().map(number).collect::<Result<Vec<_>, _>>()?;
        let trend = Trend { numbers, above: self.trend_above, adds: self.trend_adds };
        let trend = Some(trend).filter(|trend| !trend.numbers.is_empty());
        let width = u32::try_from(examples.width()).unwrap_or(u32::MAX);
        let parts = RulesParts { width, limits, scores: self.scores.clone(), trend };
        Rules::try_from(parts).map(ScoringForm::Rules).map_err(FitError::Form)
    }
}

fn usual_limits(examples: &Examples<'_>) -> Vec<Limit> {
    let matrix = examples.matrix(examples.rows(), Layout::RowMajor);
    let width = examples.width().max(1);
    let limit = |number: usize| {
        let mut values: Vec<f64> = matrix.iter().skip(number).step_by(width).copied().filter(|value| value.is_finite()).collect();
        values.sort_unstable_by(f64::total_cmp);
        let above = *values.get((values.len() as f64 * USUAL) as usize)?;
        Some(Limit { number: u32::try_from(number).ok()?, above })
    };
    (0..width.min(MOST_LIMITS)).filter_map(limit).collect()
}
