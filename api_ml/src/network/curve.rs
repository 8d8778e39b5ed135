//! From probabilities within a few horizons to one within any, and to the time by which a failure is as likely as not.
//!
//! Between two horizons the hazard (failures per minute among what has not failed) is taken to be constant, and beyond the last
//! one to stay what it was on average.

/// The longest horizon, in minutes.
pub const LONGEST_MIN: u32 = 1_440;

/// Cumulative hazards at horizons.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Minutes and cumulative hazard, both rising.
    points: Vec<(f64, f64)>,
}

impl Curve {
    /// A curve through (minutes, probability); none without a point. A longer horizon is never less likely.
    pub fn new(mut probabilities: Vec<(u32, f64)>) -> Option<Self> {
        probabilities.sort_by_key(|(minutes, _)| *minutes);
        let mut most = 0.0_f64;
        let point = |(minutes, probability): (u32, f64)| {
            // A probability of 1 would be an endless hazard.
            most = most.max(-(-probability.clamp(0.0, 1.0 - 1e-12)).ln_1p());
            (f64::from(minutes.max(1)), most)
        };
        let points: Vec<(f64, f64)> = probabilities.into_iter().map(point).collect();
        (!points.is_empty()).then_some(Self { points })
    }

    /// The probability of a failure within so many minutes.
    pub fn within(&self, minutes: u32) -> f64 {
        1.0 - (-self.hazard(f64::from(minutes))).exp()
    }

    /// After how many minutes a failure is as likely as not; none beyond a day.
    pub fn even_odds_min(&self) -> Option<u32> {
        (self.within(LONGEST_MIN) >= 0.5).then(|| {
            let (mut least, mut most) = (0, LONGEST_MIN);
            while least + 1 < most {
                let middle = u32::midpoint(least, most);
                if self.within(middle) >= 0.5 { most = middle } else { least = middle }
            }
            most
        })
    }

    fn hazard(&self, minutes: f64) -> f64 {
        let mut before = (0.0, 0.0);
        for (end, hazard) in &self.points {
            if minutes <= *end {
                return before.1 + (hazard - before.1) * (minutes - before.0) / (end - before.0);
            }
            before = (*end, *hazard);
        }
        before.1 * minutes / before.0
    }
}

#[cfg(test)]
mod tests {
    use super::Curve;

    #[test]
    fn the_curve_goes_through_its_points_and_never_falls() {
        let curve = Curve::new(vec![(60, 0.5), (15, 0.2)]).expect("points");
        assert!((curve.within(15) - 0.2).abs() < 1e-12 && (curve.within(60) - 0.5).abs() < 1e-12);
        assert!((0..1_440).all(|minutes| curve.within(minutes) <= curve.within(minutes + 1)));
        // Twice the time at the same average hazard: half of the half is left.
        assert!((curve.within(120) - 0.75).abs() < 1e-12);
        assert_eq!(curve.even_odds_min(), Some(60));
        let backwards = Curve::new(vec![(15, 0.4), (60, 0.1)]).expect("points");
        assert!((backwards.within(60) - 0.4).abs() < 1e-12);
        assert_eq!(Curve::new(vec![(60, 0.001)]).expect("a point").even_odds_min(), None);
        assert_eq!(Curve::new(vec![(60, 1.0)]).expect("a point").even_odds_min(), Some(2));
        assert_eq!(Curve::new(vec![]), None);
    }
}
