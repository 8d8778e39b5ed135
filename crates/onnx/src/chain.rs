//! What happens to one number before a model looks at it, and where a threshold then lies for the number itself.

/// A step that keeps the order of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Rounds to single precision.
    Round,
    /// Puts a value where a number is absent.
    Impute(f32),
    /// Takes `offset` off and multiplies by `scale`, which is above 0; in single precision.
    Scale { offset: f32, scale: f32 },
}

/// The steps of one number.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// The number of the encoder it begins with.
    pub number: u32,
    pub steps: Vec<Step>,
}

impl Chain {
    /// A number as it is.
    pub fn new(number: u32) -> Self {
        Self { number, steps: Vec::new() }
    }

    /// With another step at the end.
    pub fn with(&self, step: Step) -> Self {
        let mut chain = self.clone();
        chain.steps.push(step);
        chain
    }

    /// What a model sees where the encoder gives `number`.
    pub fn apply(&self, number: f64) -> f64 {
        self.steps.iter().fold(number, |number, step| match *step {
            Step::Round => f64::from(number as f32),
            Step::Impute(value) if number.is_nan() => f64::from(value),
            Step::Impute(_) => number,
            Step::Scale { offset, scale } => f64::from((number as f32 - offset) * scale),
        })
    }

    /// The smallest double for which `is_below` does not hold any more of what the model sees; every step keeps the order, so
    /// all smaller ones are below. Found by halving the doubles in order of size, which takes 64 steps.
    pub fn first_above(&self, is_below: impl Fn(f64) -> bool) -> f64 {
        let (mut low, mut high) = (ordered(-f64::MAX), ordered(f64::MAX));
        if !is_below(self.apply(-f64::MAX)) {
            return -f64::MAX;
        }
        // `low` is below, and `high` is not, or is the largest double there is.
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if is_below(self.apply(unordered(middle))) { low = middle } else { high = middle }
        }
        unordered(high)
    }

    /// Slope, and value at zero, of what the model sees.
    pub fn line(&self) -> [f64; 2] {
        self.steps.iter().fold([1.0, 0.0], |[slope, at_zero], step| match *step {
            Step::Round | Step::Impute(_) => [slope, at_zero],
            Step::Scale { offset, scale } => [slope * f64::from(scale), (at_zero - f64::from(offset)) * f64::from(scale)],
        })
    }

    /// What the number counts as where it is absent, before any other step; `None` where it stays absent.
    pub fn imputed(&self) -> Option<f64> {
        let scaled_before = self.steps.iter().take_while(|step| !matches!(step, Step::Impute(_)));
        let [slope, at_zero] = Self { number: self.number, steps: scaled_before.copied().collect() }.line();
        self.steps.iter().find_map(|step| match step {
            Step::Impute(value) => Some((f64::from(*value) - at_zero) / slope),
            _ => None,
        })
    }
}

/// Doubles as integers in the same order. <https://en.wikipedia.org/wiki/IEEE_754-1985#Comparing_floating-point_numbers>
fn ordered(number: f64) -> i128 {
    let bits = number.to_bits();
    let is_negative = bits >> 63 == 1;
    let magnitude = i128::from(bits & !(1 << 63));
    if is_negative { -magnitude } else { magnitude }
}

fn unordered(place: i128) -> f64 {
    let magnitude = f64::from_bits(place.unsigned_abs() as u64);
    if place < 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_where_rounding_to_single_precision_changes_sides() {
        let chain = Chain::new(0).with(Step::Round);
        for threshold in [0.1_f32, -3.7, 0.0, 1e-30, 12_345.678] {
            let at = f64::from(threshold);
            let first = chain.first_above(|number| number <= at);
            assert!(f64::from(first as f32) > at && f64::from(first.next_down() as f32) <= at, "{threshold}: {first}");
            let middle = f64::midpoint(at, f64::from(threshold.next_up()));
            assert!((first - middle).abs() <= middle.abs() * 1e-15 + f64::MIN_POSITIVE, "{first}, {middle}");
        }
        assert_eq!(chain.first_above(|_| false), -f64::MAX);
        assert_eq!(chain.first_above(|_| true), f64::MAX);
    }

    #[test]
    fn steps_are_a_line_with_a_value_for_what_is_absent() {
        let chain = Chain::new(0).with(Step::Round).with(Step::Impute(3.0)).with(Step::Scale { offset: 1.0, scale: 2.0 });
        assert_eq!(chain.apply(f64::NAN), 4.0);
        assert_eq!((chain.line(), chain.imputed()), ([2.0, -2.0], Some(3.0)));
        let first = chain.first_above(|number| number < 4.0);
        assert!(first as f32 == 3.0 && (first.next_down() as f32) < 3.0, "{first}");
    }
}
