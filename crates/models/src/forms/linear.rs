//! A weighted sum of standardised numbers through the logistic function.

use serde::{Deserialize, Serialize};

use super::{FormError, probability::sigmoid};

/// A checked linear form. An absent number counts as its mean of the training rows: it moves nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "LinearParts", into = "LinearParts")]
pub struct Linear {
    parts: LinearParts,
    /// Weight over scale, so that scoring does not divide.
    slopes: Vec<f64>,
}

/// The numbers of a linear form, one of each list for every input number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearParts {
    /// Means of the training rows.
    pub means: Vec<f64>,
    /// Standard deviations of the training rows; above 0.
    pub scales: Vec<f64>,
    /// Weights of the standardised numbers.
    pub weights: Vec<f64>,
    /// Log-odds of a row of means.
    pub intercept: f64,
}

impl Linear {
    /// How many numbers it takes.
    pub fn width(&self) -> usize {
        self.slopes.len()
    }

    pub(super) fn score(&self, numbers: &[f64]) -> f64 {
        let terms = numbers.iter().zip(&self.parts.means).zip(&self.slopes);
        let log_odds = terms.fold(self.parts.intercept, |sum, ((number, mean), slope)| {
            // Not `is_nan`: an infinite number would make the sum infinite or undefined.
            if number.is_finite() { sum + (number - mean) * slope } else { sum }
        });
        // Finite numbers and slopes may still overflow to opposite infinities.
        if log_odds.is_nan() { 0.5 } else { sigmoid(log_odds) }
    }
}

impl Linear {
    /// The log-odds of a row of means, and what each number adds to them.
    pub(super) fn contributions(&self, numbers: &[f64], out: &mut [f64]) -> f64 {
        for ((out, number), (mean, slope)) in out.iter_mut().zip(numbers).zip(self.parts.means.iter().zip(&self.slopes)) {
            *out = if number.is_finite() { (number - mean) * slope } else { 0.0 };
        }
        self.parts.intercept
    }
}

impl TryFrom<LinearParts> for Linear {
    type Error = FormError;

    fn try_from(parts: LinearParts) -> Result<Self, FormError> {
        let lists = [("means", &parts.means), ("scales", &parts.scales), ("weights", &parts.weights)];
        for (name, list) in lists {
            if list.len() != parts.weights.len() {
                return Err(FormError::Length(name));
            }
            if !list.iter().all(|number| number.is_finite()) {
                return Err(FormError::NotFinite(name));
            }
        }
        if !parts.intercept.is_finite() {
            return Err(FormError::NotFinite("intercept"));
        }
        if !parts.scales.iter().all(|scale| *scale > 0.0) {
            return Err(FormError::Range { name: "scales", rule: "above 0" });
        }
        let slopes: Vec<f64> = parts.weights.iter().zip(&parts.scales).map(|(weight, scale)| weight / scale).collect();
        if slopes.iter().all(|slope| slope.is_finite()) {
            Ok(Self { parts, slopes })
        } else {
            Err(FormError::Range { name: "scales", rule: "large enough to divide the weight" })
        }
    }
}

impl From<Linear> for LinearParts {
    fn from(linear: Linear) -> Self {
        linear.parts
    }
}
