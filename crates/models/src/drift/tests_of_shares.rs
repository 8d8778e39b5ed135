//! How far two distributions over the same bins lie apart.

/// An empty bin counts as if it had this share: its logarithm would be infinite.
const LEAST_SHARE: f64 = 1e-4;
/// A bin that nobody is expected in counts as if it were expected to have so many records, for the test.
const LEAST_EXPECTED: f64 = 0.5;

/// Σ (found − expected) · ln(found / expected).
pub fn stability_index(expected: &[f64], found: &[f64]) -> f64 {
    let terms = expected.iter().zip(found).map(|(expected, found)| {
        let (expected, found) = (expected.max(LEAST_SHARE), found.max(LEAST_SHARE));
        (found - expected) * (found / expected).ln()
    });
    terms.sum()
}

/// The root of the divergence from the middle of both, in bits: 0 for the same, 1 for nothing in common.
pub fn jensen_shannon(expected: &[f64], found: &[f64]) -> f64 {
    let part = |share: f64, middle: f64| if share > 0.0 { share * (share / middle).log2() } else { 0.0 };
    let terms = expected.iter().zip(found).map(|(expected, found)| {
        let middle = f64::midpoint(*expected, *found);
        (part(*expected, middle) + part(*found, middle)) / 2.0
    });
    terms.sum::<f64>().max(0.0).sqrt()
}

/// The largest distance of the cumulative shares.
pub fn kolmogorov_smirnov(expected: &[f64], found: &[f64]) -> f64 {
    let mut distance = 0.0;
    let mut largest: f64 = 0.0;
    for (expected, found) in expected.iter().zip(found) {
        distance += found - expected;
        largest = largest.max(f64::abs(distance));
    }
    largest
}

/// The chance that records of the expected shares fall into the bins as unevenly as these. The reference has so many more
/// records than a window that it counts as exact.
pub fn chi_squared(expected: &[f64], counts: &[u64]) -> f64 {
    let rows = counts.iter().sum::<u64>() as f64;
    if rows == 0.0 {
        return 1.0;
    }
    let (mut statistic, mut bins, mut rare) = (0.0, 0_u32, (0.0, 0.0));
    for (share, count) in expected.iter().zip(counts) {
        let (expected, count) = (share * rows, *count as f64);
        // The test holds for bins that are expected to have some records; the others count together.
        if expected < 5.0 {
            rare = (rare.0 + expected, rare.1 + count);
        } else {
            statistic += (count - expected).powi(2) / expected;
            bins += 1;
        }
    }
    if rare.1 > 0.0 || rare.0 > 0.0 {
        let expected = f64::max(rare.0, LEAST_EXPECTED);
        statistic += (rare.1 - expected).powi(2) / expected;
        bins += 1;
    }
    if bins < 2 { 1.0 } else { upper_gamma(f64::from(bins - 1) / 2.0, statistic / 2.0) }
}

/// The regularised upper incomplete gamma function, by its series or its continued fraction, whichever converges.
fn upper_gamma(shape: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let front = (shape * x.ln() - x - ln_gamma(shape)).exp();
    if x < shape + 1.0 {
        let (mut term, mut sum) = (1.0 / shape, 1.0 / shape);
        for step in 1..500 {
            term *= x / (shape + f64::from(step));
            sum += term;
        }
        return (1.0 - front * sum).clamp(0.0, 1.0);
    }
    // Lentz's method.
    let tiny = 1e-300;
    let mut b = x + 1.0 - shape;
    let (mut c, mut d) = (1.0 / tiny, 1.0 / b);
    let mut fraction = d;
    for step in 1..500 {
        let step = f64::from(step);
        let a = -step * (step - shape);
        b += 2.0;
        // Both stay positive for these arguments.
        d = 1.0 / a.mul_add(d, b).max(tiny);
        c = (b + a / c).max(tiny);
        fraction *= c * d;
    }
    (front * fraction).clamp(0.0, 1.0)
}

/// Stirling's series, after moving the argument to where it is exact to the last digits.
fn ln_gamma(mut x: f64) -> f64 {
    let mut shift = 0.0;
    while x < 10.0 {
        shift -= x.ln();
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    let series = (1.0 / 12.0 - inverse * (1.0 / 360.0 - inverse * (1.0 / 1260.0 - inverse / 1680.0))) / x;
    shift + (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chi_squared_test_gives_the_values_of_its_tables() {
        // The statistic at which the upper tail is 5 % and 1 %, by degrees of freedom.
        for (degrees, five, one) in [(1.0, 3.841, 6.635), (4.0, 9.488, 13.277), (10.0, 18.307, 23.209), (50.0, 67.505, 76.154)] {
            assert!((upper_gamma(degrees / 2.0, five / 2.0) - 0.05).abs() < 1e-4, "{degrees}");
            assert!((upper_gamma(degrees / 2.0, one / 2.0) - 0.01).abs() < 1e-4, "{degrees}");
        }
    }

    #[test]
    fn distances_are_none_for_the_same_and_largest_for_nothing_in_common() {
        let (even, left, right) = ([0.25; 4], [0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]);
        assert_eq!(
            (stability_index(&even, &even), jensen_shannon(&even, &even), kolmogorov_smirnov(&even, &even)),
            (0.0, 0.0, 0.0)
        );
        assert_eq!((jensen_shannon(&left, &right), kolmogorov_smirnov(&left, &right)), (1.0, 1.0));
        // By hand: 2 · 0.25 · ln 2 for the halves that doubled, and the two that went.
        let by_hand = 2.0 * 0.25 * 2.0_f64.ln() + 2.0 * (1e-4 - 0.25) * (1e-4 / 0.25_f64).ln();
        assert!((stability_index(&even, &left) - by_hand).abs() < 1e-12);
    }
}
